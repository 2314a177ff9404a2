import dns from 'node:dns';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AskS3, createAskS3 } from '../../functions/objects/ask-s3.ts';
import { createHeadOutput } from '../../functions/objects/head-output.ts';
import {
  abortOpenUploads,
  type MultipartUpload,
  startMultipartUpload,
} from '../../functions/objects/multipart-upload.ts';
import { digestOf } from '../../functions/objects/ordered-digest.ts';
import { putOnce } from '../../functions/objects/store-once.ts';
import { noise, startCdn } from '../outputs/cdn-world.ts';
import { TLS } from '../outputs/tls-fixture.ts';
import { accessTo, BUCKET, s3ClientFor, startS3World } from './s3-world.ts';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const BYTES = noise(1_000);
/** More than the buffers of two sockets hold. */
const LARGE = noise(8 * 1024 * 1024);
const never = new AbortController().signal;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

const PLACE = { bucket: 'b', key: 'k/a.mp4' };
const STORED_AS = { contentType: 'video/mp4', contentDisposition: 'attachment', metadata: { model: 'a/b' } };

/** An S3 that answers by turns, the last answer for ever. Most answers come once the request is read. */
async function uploadWorld(answers: Answer[], { stallMs = 2_000, bytes = BYTES, isRead = true } = {}) {
  const server = await startCdn((request, response) => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (isRead) request.resume().on('end', () => answer?.(response, request));
    else answer?.(response, request);
  });
  const endpoint = `http://${server.host}`;
  const client = s3ClientFor(endpoint);
  cleanups.push(server.stop, () => client.destroy());
  // Pauses between tries are a random share of their longest.
  vi.spyOn(Math, 'random').mockReturnValue(0.001);
  const ask = createAskS3({ ...accessTo(endpoint), stallMs });
  const first = answers.splice(0, answers.length, created);
  const upload = await startMultipartUpload(ask, PLACE, STORED_AS, never);
  answers.splice(0, 1, ...first);
  server.requests.length = 0;
  return {
    server,
    client,
    ask,
    whole: upload,
    upload: (signal = never) => upload.add(7, bytes, crc32(bytes), signal),
  };
}

const text =
  (statusCode: number, body: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(statusCode, headers).end(body);
const refusal = (statusCode: number, code: string, headers: Record<string, string> = {}): Answer =>
  text(
    statusCode,
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>It says no</Message></Error>`,
    { 'content-type': 'application/xml', ...headers },
  );
const ok = text(200, '', { etag: '"e"', 'x-amz-checksum-crc32': 'NhCmhg==' });
const created = text(
  200,
  '<InitiateMultipartUploadResult><UploadId>u/1+</UploadId></InitiateMultipartUploadResult>',
);

describe('a part', () => {
  it('arrives at S3 whatever its key is, signed, with the checksum that S3 verifies', async () => {
    const s3 = await startS3World();
    cleanups.push(s3.stop);
    const key = 'a/./b//ü +&=%41\'(1)*~<>".mp4';
    const place = { bucket: BUCKET, key };
    const left = await s3.client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: key }));
    await s3.client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: `${key}.other` }));
    expect(left.UploadId).toBeDefined();

    await abortOpenUploads(s3.ask, place, never);
    const upload = await startMultipartUpload(s3.ask, place, STORED_AS, never);
    const damaged = upload.add(1, BYTES, crc32(BYTES) ^ 1, never);
    await expect(damaged).rejects.toMatchObject({ name: 'BadDigest', $metadata: { httpStatusCode: 400 } });
    await upload.add(1, BYTES, crc32(BYTES), never);
    const whole = digestOf(BYTES);
    const damagedWhole = upload.complete({ ...whole, crc32: 'AAAAAA==' }, never);
    await expect(damagedWhole).rejects.toMatchObject({ name: 'BadDigest' });
    await upload.complete(whole, never);

    expect(await s3.bytesOf(key)).toEqual(BYTES);
    expect(await s3.head(key)).toMatchObject({
      ContentType: 'video/mp4',
      ContentDisposition: 'attachment',
      Metadata: { model: 'a/b' },
    });
    expect(await s3.openUploads()).toEqual([`${key}.other`]);
    await expect(upload.complete(whole, never)).rejects.toMatchObject({ name: 'NoSuchUpload' });
    await expect(upload.abort()).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('is sent over TLS piece by piece, and arrives whole', async () => {
    const standing = getCACertificates('default');
    setDefaultCACertificates([...standing, TLS.cert]);
    cleanups.push(() => setDefaultCACertificates(standing));
    // The certificate's host exists only here.
    vi.spyOn(dns, 'lookup').mockImplementation(((
      _: string,
      { all }: dns.LookupAllOptions,
      answer: (...given: unknown[]) => void,
    ) =>
      all
        ? answer(null, [{ address: '127.0.0.1', family: 4 }])
        : answer(null, '127.0.0.1', 4)) as typeof dns.lookup);
    const arrived: Buffer[] = [];
    const server = createTlsServer(TLS, async (request, response) => {
      arrived.push(await buffer(request));
      response.writeHead(200, { etag: '"e"' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(
      () => server.close(),
      () => server.closeAllConnections(),
    );
    const endpoint = `https://cdn.wiro.test:${(server.address() as AddressInfo).port}`;
    const ask = createAskS3({ ...accessTo(endpoint), stallMs: 2_000 });

    await ask({ ...PLACE, method: 'PUT', body: LARGE, purpose: 'store it' });

    expect(arrived.map((bytes) => bytes.equals(LARGE))).toEqual([true]);
  });

  it('is sent again after faults that pass, over one connection if that holds', async () => {
    const noEtag = text(200, '');
    const { server, upload } = await uploadWorld([refusal(503, 'SlowDown'), noEtag, ok, ok]);

    await upload();
    await upload();

    expect([server.requests.length, server.connections()]).toEqual([4, 1]);
  });
});

const FAULTS: Record<string, Answer> = {
  ...Object.fromEntries(
    (
      [
        [503, 'SlowDown'],
        [503, 'ServiceUnavailable'],
        [500, 'InternalError'],
        [400, 'RequestTimeout'],
        [400, 'ExpiredToken'],
        [400, 'BadDigest'],
        [403, 'RequestTimeTooSkewed'],
        [403, 'AccessDenied'],
        [404, 'NoSuchUpload'],
        [409, 'OperationAborted'],
        [301, 'PermanentRedirect'],
        [307, 'TemporaryRedirect'],
        [501, 'NotImplemented'],
      ] as const
    ).map(([status, code]) => [code, refusal(status, code)]),
  ),
  'a status of 429': text(429, ''),
  'a gateway that says 502': text(502, '<html>'),
  'a connection that is cut': (response) => void response.socket?.destroy(),
  'a refusal that is cut off': (response) => {
    response.writeHead(500, { 'content-length': '100' });
    response.write('<Error>', () => response.socket?.destroy());
  },
};

interface World {
  readonly ask: AskS3;
  readonly whole: MultipartUpload;
}
const SDKS_PLACE = { Bucket: 'b', Key: 'k/a.mp4', UploadId: 'u/1+' };
const SDKS_STORED_AS = {
  ContentType: 'video/mp4',
  ContentDisposition: 'attachment',
  Metadata: { model: 'a/b' },
};
const WHOLE = digestOf(BYTES);
/** What the signature covers. */
const HEX = expect.stringMatching(/^[\da-f]{64}$/);
const SHA256 = Buffer.from(WHOLE.sha256, 'hex').toString('base64');

/** How we ask for something, and how the SDK's client asks for it. */
const OPERATIONS: Record<
  string,
  [(world: World) => Promise<unknown>, (client: S3Client) => Promise<unknown>]
> = {
  'the start of an upload': [
    ({ ask }) => startMultipartUpload(ask, PLACE, STORED_AS, never),
    (client) =>
      client.send(
        new CreateMultipartUploadCommand({
          ...SDKS_PLACE,
          ...SDKS_STORED_AS,
          ChecksumAlgorithm: 'CRC32',
          ChecksumType: 'FULL_OBJECT',
        }),
      ),
  ],
  'a part': [
    ({ whole }) => whole.add(7, BYTES, crc32(BYTES), never),
    (client) => client.send(new UploadPartCommand({ ...SDKS_PLACE, PartNumber: 7, Body: BYTES })),
  ],
  'the end of an upload': [
    ({ whole }) => whole.complete(WHOLE, never),
    (client) =>
      client.send(
        new CompleteMultipartUploadCommand({
          ...SDKS_PLACE,
          MultipartUpload: { Parts: [] },
          ChecksumType: 'FULL_OBJECT',
          ChecksumCRC32: WHOLE.crc32,
          MpuObjectSize: BYTES.length,
          IfNoneMatch: '*',
        }),
      ),
  ],
  'the abort of an upload': [
    ({ whole }) => whole.abort(),
    (client) => client.send(new AbortMultipartUploadCommand(SDKS_PLACE)),
  ],
  'a list of uploads': [
    ({ ask }) => abortOpenUploads(ask, PLACE, never),
    (client) => client.send(new ListMultipartUploadsCommand({ Bucket: 'b', Prefix: 'k/a.mp4' })),
  ],
  'an output in one piece': [
    ({ ask }) => putOnce({ ask, pause: async () => {} }, PLACE, BYTES, WHOLE, STORED_AS),
    (client) =>
      client.send(
        new PutObjectCommand({
          ...SDKS_PLACE,
          ...SDKS_STORED_AS,
          Body: BYTES,
          ChecksumSHA256: SHA256,
          IfNoneMatch: '*',
        }),
      ),
  ],
  'a look at an output': [
    ({ ask }) => createHeadOutput(ask)(PLACE),
    (client) => client.send(new HeadObjectCommand({ ...SDKS_PLACE, ChecksumMode: 'ENABLED' })),
  ],
};

describe("each request is asked for as the SDK's client asks:", () => {
  it.each(Object.entries(OPERATIONS))('%s', async (name, [ours, theirs]) => {
    const answer =
      name === 'the start of an upload'
        ? created
        : text(200, '<CompleteMultipartUploadResult/>', { etag: '"e"' });
    const world = await uploadWorld([answer]);

    await ours(world);
    await theirs(world.client);

    // The SDK signs the body of a part, and says what it is.
    const told =
      name === 'a part'
        ? /^(?:host|x-amz-checksum-crc32)$/
        : /^(?:host|if-none-match|content-(?:type|disposition)|x-amz-(?:checksum|meta|mp)-.*)$/;
    const [asked, askedByThem] = world.server.requests.map(({ method, url = '', headers }) => {
      const [path = '', query = ''] = url.split('?');
      const parameters = Object.entries(Object.fromEntries(new URLSearchParams(query)));
      return {
        method,
        path: path.replace(/\/$/, ''),
        query: Object.fromEntries(parameters.filter(([one]) => one !== 'x-id')),
        headers: Object.fromEntries(Object.entries(headers).filter(([one]) => told.test(one))),
      };
    });
    expect(asked).toEqual({ ...askedByThem, headers: expect.objectContaining(askedByThem?.headers) });
    if (name === 'an output in one piece')
      expect(world.server.requests[0]?.headers['x-amz-content-sha256']).toBe(WHOLE.sha256);
  });
});

describe("a request that meets a fault every time is repeated as the SDK's client repeats it:", () => {
  it.each(Object.entries(FAULTS))('%s', async (fault, answer) => {
    const world = await uploadWorld([answer]);
    const { server, client } = world;
    const meet = async (send: () => Promise<unknown>) => {
      const before = server.requests.length;
      const error = (await send().catch((thrown: unknown) => thrown)) as Error | undefined;
      return { tries: server.requests.length - before, name: error?.name };
    };
    for (const [operation, [ours, theirs]] of Object.entries(OPERATIONS)) {
      const expected = await meet(() => theirs(client));

      const met = await meet(() => ours(world));

      // Our own look or second write follows.
      if (/^(?:OperationAborted|NoSuchUpload)$/.test(fault) && operation === 'an output in one piece')
        continue;
      // A part that is denied is sent once more, signed as the SDK signs it.
      const more = fault === 'AccessDenied' && operation === 'a part' ? 1 : 0;
      expect([operation, met.tries]).toEqual([operation, expected.tries + more]);
      if (/^\w+$/.test(fault) && operation !== 'a look at an output')
        expect([operation, met.name]).toEqual([operation, expected.name]);
    }
  });

  it('a success without content is none', async () => {
    const world = await uploadWorld([text(200, '')]);

    for (const operation of ['the start of an upload', 'a part', 'the end of an upload']) {
      const before = world.server.requests.length;
      await expect(OPERATIONS[operation]?.[0](world)).rejects.toThrow('S3 answered 200 Status200');
      expect(world.server.requests.length - before).toBe(3);
    }
  });

  it('a success that becomes a failure on the way is one', async () => {
    const late =
      '<?xml version="1.0"?>\n  <Error><Code>InternalError</Code><Message>We &amp; it</Message></Error>\n';
    const result = '<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>';
    const { whole, server } = await uploadWorld([text(200, late), text(200, result)]);
    const hopeless = await uploadWorld([text(200, late)]);

    await whole.complete(WHOLE, never);

    expect(server.requests).toHaveLength(2);
    await expect(hopeless.whole.complete(WHOLE, never)).rejects.toThrow(
      'Cannot complete the upload of "k/a.mp4": S3 answered 200 InternalError: We & it',
    );
  });
});

it('a page that is no answer of S3 does not end an upload', async () => {
  const { whole, server } = await uploadWorld([text(200, '<html><body>Please sign in</body></html>')]);

  await expect(whole.complete(WHOLE, never)).rejects.toThrow('S3 answered 200 Status200');
  expect(server.requests).toHaveLength(3);
});

it('S3 may take long to put a large object together, while it sends spaces', async () => {
  const { whole } = await uploadWorld(
    [
      (response) => {
        let spaces = 0;
        response.writeHead(200);
        const timer = setInterval(() => {
          if (++spaces < 10) return void response.write(' ');
          clearInterval(timer);
          response.end('<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
        }, 20);
      },
    ],
    { stallMs: 100 },
  );

  await whole.complete(WHOLE, never);
});

it('a bucket that denies unsigned bodies gets signed ones, from the second part on at once', async () => {
  const strict: Answer = (response, request) =>
    (request.headers['x-amz-content-sha256'] === WHOLE.sha256 ? ok : refusal(403, 'AccessDenied'))(
      response,
      request,
    );
  const { server, upload } = await uploadWorld([strict]);

  await upload();
  await upload();

  expect(server.requests).toHaveLength(3);
});

it('whatever has no bytes is signed as a whole', async () => {
  for (const [name, [ours]] of Object.entries(OPERATIONS)) {
    const answer =
      name === 'the start of an upload'
        ? created
        : text(200, '<CompleteMultipartUploadResult/>', { etag: '"e"' });
    const world = await uploadWorld([answer]);

    await ours(world);

    const signed = world.server.requests.map(({ headers }) => headers['x-amz-content-sha256']);
    expect([name, signed]).toEqual([name, [name === 'a part' ? 'UNSIGNED-PAYLOAD' : HEX]]);
  }
});

it('as many tries are made as the SDK makes', async () => {
  vi.stubEnv('AWS_MAX_ATTEMPTS', '5');
  cleanups.push(() => vi.unstubAllEnvs());
  const { server, upload } = await uploadWorld([refusal(503, 'ServiceUnavailable')]);

  await expect(upload()).rejects.toMatchObject({ $metadata: { attempts: 5 } });
  expect(server.requests).toHaveLength(5);
});

describe('a refusal', () => {
  it('says what S3 says', async () => {
    const { upload } = await uploadWorld([refusal(403, 'AccessDenied')]);

    await expect(upload()).rejects.toMatchObject({
      name: 'AccessDenied',
      message: 'Cannot store part 7 of "k/a.mp4": S3 answered 403 AccessDenied: It says no',
      $metadata: { httpStatusCode: 403, attempts: 1 },
    });
  });

  it('names the region of a bucket that is elsewhere', async () => {
    const { upload } = await uploadWorld([
      refusal(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-1' }),
    ]);

    await expect(upload()).rejects.toThrow(
      'S3 answered 301 PermanentRedirect: the bucket "b" is in another region, eu-west-1',
    );
  });

  it('is heard although the part is not read', async () => {
    const { upload } = await uploadWorld([refusal(403, 'AccessDenied')], { bytes: LARGE, isRead: false });

    await expect(upload()).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('an S3 that does not answer', () => {
  it('keeps a stopped copy for ten seconds at most if it was starting an upload', async () => {
    vi.useFakeTimers();
    cleanups.push(() => vi.useRealTimers());
    const stop = new AbortController();
    const ask: AskS3 = (_, signal) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    let failure: unknown;
    startMultipartUpload(ask, PLACE, STORED_AS, stop.signal).catch((error: unknown) => {
      failure = error;
    });

    stop.abort('the time is up');
    await vi.advanceTimersByTimeAsync(9_999);
    const before = failure;
    await vi.advanceTimersByTimeAsync(1);

    expect([before, failure]).toEqual([undefined, 'the time is up']);
  });

  it.each<[string, Answer, boolean]>([
    ['says nothing', () => {}, true],
    ['reads nothing', () => {}, false],
    ['never ends its answer', (response) => void response.writeHead(200, { etag: '"e"' }).write('<'), true],
    ['speaks no HTTP', (response) => void response.socket?.end('220 smtp.example ESMTP\r\n\r\n'), true],
    [
      'drips',
      (response) => {
        const timer = setInterval(() => response.write(' '), 5);
        response.on('close', () => clearInterval(timer));
      },
      true,
    ],
  ])('because it %s is given up after three tries', async (_, answer, isRead) => {
    const { server, upload } = await uploadWorld([answer], { stallMs: 60, bytes: LARGE, isRead });

    await expect(upload()).rejects.toMatchObject({ name: 'TimeoutError', $metadata: { attempts: 3 } });
    expect(server.connections()).toBe(3);
  });

  it('or answers without end is given up', async () => {
    const chunk = Buffer.alloc(1024 * 1024);
    const { upload } = await uploadWorld([
      (response) => void response.write(chunk, () => response.write(chunk)),
    ]);

    await expect(upload()).rejects.toThrow('an answer of more than 1048576 bytes');
  });

  it('or has gone is given up', async () => {
    const { server, upload } = await uploadWorld([ok]);
    await server.stop();
    cleanups.shift();

    await expect(upload()).rejects.toMatchObject({ name: 'TimeoutError', $metadata: { attempts: 3 } });
  });
});

it('ends with the reason of an abort, and closes the connection', async () => {
  const stop = new AbortController();
  let closed: Promise<unknown> | undefined;
  const { server, upload } = await uploadWorld([
    ({ socket }) => {
      if (socket) closed = once(socket, 'close');
      stop.abort(new Error('the lease is lost'));
    },
  ]);

  await expect(upload(stop.signal)).rejects.toThrow('the lease is lost');
  await closed;
  await expect(upload(stop.signal)).rejects.toThrow('the lease is lost');
  expect(server.requests).toHaveLength(1);
});

it("follows S3's clock if this machine's is an hour off, for every request", async () => {
  const HOUR = 3_600_000;
  const strict: Answer = (response, { headers }) => {
    const signedAt = Date.parse(
      String(headers['x-amz-date']).replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'),
    );
    const date = new Date(Date.now() + HOUR).toUTCString();
    if (Math.abs(signedAt - Date.now() - HOUR) < 300_000)
      text(200, '', { date, etag: '"e"' })(response, response.req);
    else refusal(403, 'RequestTimeTooSkewed', { date })(response, response.req);
  };
  const { server, ask, upload } = await uploadWorld([strict]);

  await upload();
  expect(server.requests).toHaveLength(2);
  await upload();
  await createHeadOutput(ask)(PLACE);

  expect(server.requests).toHaveLength(4);
});
