import dns from 'node:dns';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { crc32 } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPartUploader } from '../../functions/objects/upload-part.ts';
import { noise, startCdn } from '../outputs/cdn-world.ts';
import { TLS } from '../outputs/tls-fixture.ts';
import { BUCKET, s3ClientFor, startS3World } from './s3-world.ts';

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

/** An S3 that answers by turns, the last answer for ever. Most answers come once the part is read. */
async function uploadWorld(answers: Answer[], { stallMs = 2_000, bytes = BYTES, isRead = true } = {}) {
  const server = await startCdn((request, response) => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (isRead) request.resume().on('end', () => answer?.(response, request));
    else answer?.(response, request);
  });
  const client = s3ClientFor(`http://${server.host}`);
  cleanups.push(server.stop, () => client.destroy());
  // Pauses between tries are a random share of their longest.
  vi.spyOn(Math, 'random').mockReturnValue(0.001);
  const uploadPart = createPartUploader(client, stallMs);
  const part = { bucket: 'b', key: 'k/a.mp4', uploadId: 'u/1+', number: 7, bytes, crc: crc32(bytes) };
  return { server, client, upload: (signal = never) => uploadPart(part, signal) };
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

describe('a part', () => {
  it('arrives at S3 whatever its key is, signed, with the checksum that S3 verifies', async () => {
    const s3 = await startS3World();
    cleanups.push(s3.stop);
    const place = { Bucket: BUCKET, Key: "a/./b//ü +&=%41'(1)*~.mp4" };
    const { UploadId = '' } = await s3.client.send(
      new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' }),
    );
    const uploadPart = createPartUploader(s3.client, 2_000);
    const part = { bucket: BUCKET, key: place.Key, uploadId: UploadId, number: 1, bytes: BYTES };

    const damaged = uploadPart({ ...part, crc: crc32(BYTES) ^ 1 }, never);
    await expect(damaged).rejects.toMatchObject({ name: 'BadDigest', $metadata: { httpStatusCode: 400 } });
    const { etag, crc32: sum } = await uploadPart({ ...part, crc: crc32(BYTES) }, never);
    await s3.client.send(
      new CompleteMultipartUploadCommand({
        ...place,
        UploadId,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag: etag, ChecksumCRC32: sum }] },
      }),
    );

    expect(await s3.bytesOf(place.Key)).toEqual(BYTES);
  });

  it("is asked for as the SDK's client asks", async () => {
    const { server, client, upload } = await uploadWorld([ok]);
    await client.send(
      new UploadPartCommand({ Bucket: 'b', Key: 'k/a.mp4', UploadId: 'u/1+', PartNumber: 7, Body: BYTES }),
    );

    expect(await upload()).toEqual({ etag: '"e"', crc32: 'NhCmhg==' });

    const [theirs, ours] = server.requests;
    const queryOf = (request: IncomingMessage | undefined) =>
      new URL(request?.url ?? '', 'http://s3').searchParams;
    const { 'x-id': _, ...asked } = Object.fromEntries(queryOf(theirs));
    expect(Object.fromEntries(queryOf(ours))).toEqual(asked);
    expect(ours?.url?.split('?')[0]).toBe(theirs?.url?.split('?')[0]);
    for (const name of ['host', 'content-length', 'x-amz-checksum-crc32'])
      expect(ours?.headers[name]).toBe(theirs?.headers[name]);
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
    const client = s3ClientFor(`https://cdn.wiro.test:${(server.address() as AddressInfo).port}`);
    const uploadPart = createPartUploader(client, 2_000);
    const part = { bucket: 'b', key: 'k', uploadId: 'u', number: 1, bytes: LARGE, crc: crc32(LARGE) };

    await uploadPart(part, never);

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

describe("an upload of a part that meets a fault every time is repeated as the SDK's client repeats it:", () => {
  it.each(Object.entries(FAULTS))('%s', async (name, fault) => {
    const { server, client, upload } = await uploadWorld([fault]);
    const meet = async (send: () => Promise<unknown>) => {
      const before = server.requests.length;
      const error = (await send().catch((thrown: unknown) => thrown)) as Error;
      return { tries: server.requests.length - before, name: error.name };
    };
    const theirs = await meet(() =>
      client.send(
        new UploadPartCommand({ Bucket: 'b', Key: 'k', UploadId: 'u', PartNumber: 1, Body: BYTES }),
      ),
    );

    const ours = await meet(upload);

    expect(ours.tries).toBe(theirs.tries);
    if (/^\w+$/.test(name)) expect(ours.name).toBe(theirs.name);
  });
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
    const chunk = Buffer.alloc(64 * 1024);
    const { upload } = await uploadWorld([
      (response) => void response.write(chunk, () => response.write(chunk)),
    ]);

    await expect(upload()).rejects.toThrow('an answer of more than 65536 bytes');
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

it("follows S3's clock if this machine's is an hour off, for every request of the client", async () => {
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
  const { server, client, upload } = await uploadWorld([strict]);

  await upload();
  expect(server.requests).toHaveLength(2);
  await upload();
  await client.send(
    new UploadPartCommand({ Bucket: 'b', Key: 'k', UploadId: 'u', PartNumber: 1, Body: BYTES }),
  );

  expect(server.requests).toHaveLength(4);
});
