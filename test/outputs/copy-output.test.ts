import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { CreateMultipartUploadCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAskS3 } from '../../functions/objects/ask-s3.ts';
import type { OpenSha256 } from '../../functions/objects/running-sha256.ts';
import { createOutputCopier } from '../../functions/outputs/copy-output.ts';
import { OutputRefusedError, OutputUnavailableError } from '../../functions/outputs/errors.ts';
import { createOutputFetcher } from '../../functions/outputs/fetch-output.ts';
import { parseOutputHosts } from '../../functions/outputs/output-hosts.ts';
import { createSha256Thread } from '../../functions/outputs/sha256-thread.ts';
import type { OutputToCopy } from '../../functions/outputs/types.ts';
import { log } from '../../functions/runtime/log.ts';
import { accessTo, BUCKET, type S3World, startS3World } from '../objects/s3-world.ts';
import { type CdnHandler, noise, serve, sha256, startCdn } from './cdn-world.ts';

const MIB = 1024 * 1024;
const PNG = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), noise(5000)]);
/** Of three parts. */
const LARGE = noise(16 * MIB + 12_345);
const LARGE_SHA256 = sha256(LARGE);
const LARGE_GZIP = gzipSync(LARGE, { level: 1 });
/** An output of two parts. */
const TWO_PARTS = LARGE.subarray(0, 8 * MIB + 12_345);
const TWO_PARTS_SHA256 = sha256(TWO_PARTS);
const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const EXACT = LARGE.subarray(0, 16 * MIB);

let s3: S3World;
const cleanups: (() => Promise<void>)[] = [];
let lastKey = '';
let cases = 0;

beforeAll(async () => {
  s3 = await startS3World();
});
afterAll(() => s3.stop());
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** A host, and a copier that may fetch from it. */
async function copyWorld(
  handler: CdnHandler,
  {
    maxBytes,
    stallMs = 2_000,
    ask = s3.ask,
    openSha256,
  }: {
    maxBytes?: number;
    stallMs?: number;
    ask?: S3World['ask'];
    openSha256?: OpenSha256;
  } = {},
) {
  const cdn = await startCdn(handler);
  const fetcher = createOutputFetcher({
    hosts: parseOutputHosts(cdn.host),
    connectMs: 2_000,
    headersMs: stallMs,
    stallMs,
  });
  cleanups.push(cdn.stop, fetcher.close);
  const copier = createOutputCopier({
    ask,
    fetcher,
    pause: async () => {},
    openSha256,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  cases += 1;
  lastKey = `case-${cases}/0-out.png`;
  return {
    cdn,
    copier,
    key: lastKey,
    copy: (hints: Partial<OutputToCopy> = {}, signal?: AbortSignal) =>
      copier.copy({ url: cdn.url(), bucket: BUCKET, key: lastKey, ...hints }, signal),
  };
}

const encoded = (bytes: Buffer, contentEncoding: string): CdnHandler => {
  const whole = serve({ bytes, etag: '"v1"', contentType: 'image/png' });
  return (request, response) => {
    response.setHeader('content-encoding', contentEncoding);
    whole(request, response);
  };
};

/** Expects that a failed copy left nothing behind. */
async function expectNothingAt(key: string) {
  expect(await s3.keys()).not.toContain(key);
  expect(await s3.openUploads()).not.toContain(key);
}

/** Sends some bytes of a longer answer, then does something to the connection. */
function beginThen(response: ServerResponse, bytes: Buffer, then: () => void) {
  response.write(bytes, () => setImmediate(then));
}

describe('what is copied', () => {
  it('stores a small output with one PUT, byte for byte, with its checksum', async () => {
    const { cdn, copy, key } = await copyWorld(serve({ bytes: PNG, etag: '"a"', contentType: 'text/html' }));

    const copied = await copy({ metadata: { generation: 'g1' } });

    expect((await s3.head(key)).Metadata).toEqual({ generation: 'g1' });
    expect(copied).toEqual({
      bucket: BUCKET,
      key,
      contentType: 'image/png',
      sizeBytes: 5008,
      sha256: sha256(PNG),
      etag: '"a"',
    });
    expect(await s3.bytesOf(key)).toEqual(PNG);
    expect((await s3.head(key)).ContentType).toBe('image/png');
    expect(cdn.ranges()).toEqual(['bytes=0-8388607']);
    expect(cdn.requests[0]?.headers['accept-encoding']).toBe('identity');
  });

  it('copies an empty output if it is a text', async () => {
    const { copy, key } = await copyWorld(serve({ bytes: Buffer.alloc(0), etag: '"e"' }));

    const { sizeBytes, sha256: sum } = await copy({ contentType: 'text/plain' });

    expect([sizeBytes, sum]).toEqual([0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']);
    expect(await s3.bytesOf(key)).toHaveLength(0);
  });

  it('reads a large output in ranges of one version', async () => {
    const { cdn, copy, key } = await copyWorld(serve({ bytes: LARGE, etag: '"v1"' }));

    const copied = await copy({ metadata: { generation: 'g1' } });

    expect((await s3.head(key)).Metadata).toEqual({ generation: 'g1' });
    expect([copied.sizeBytes, copied.sha256]).toEqual([LARGE.length, LARGE_SHA256]);
    expect(LARGE.equals(await s3.bytesOf(key))).toBe(true);
    expect(cdn.ranges().toSorted()).toEqual([
      'bytes=0-8388607',
      'bytes=16777216-16789560',
      'bytes=8388608-16777215',
    ]);
    expect(cdn.requests.slice(1).every(({ headers }) => headers['if-range'] === '"v1"')).toBe(true);
    expect(await s3.openUploads()).toEqual([]);
  });

  it('copies an output that ends where a part ends, with and without ranges', async () => {
    const ranged = await copyWorld(serve({ bytes: EXACT, etag: '"v1"' }));
    expect((await ranged.copy()).sha256).toBe(sha256(EXACT));
    expect(EXACT.equals(await s3.bytesOf(ranged.key))).toBe(true);

    const chunked = await copyWorld((_request, response) => {
      response.end(EXACT.subarray(0, 8 * MIB));
    });
    expect((await chunked.copy()).sizeBytes).toBe(8 * MIB);
  });

  it.each([
    ['ignores ranges', { 'content-length': String(TWO_PARTS.length) }],
    ['does not say how long it is (chunked)', { 'transfer-encoding': 'chunked' }],
  ])('reads a large output in order when the host %s', async (_what, headers) => {
    const { cdn, copy, key } = await copyWorld((_request, response) => {
      response.writeHead(200, headers).end(TWO_PARTS);
    });

    const copied = await copy();

    expect([copied.sizeBytes, copied.sha256]).toEqual([TWO_PARTS.length, TWO_PARTS_SHA256]);
    expect(TWO_PARTS.equals(await s3.bytesOf(key))).toBe(true);
    // Asked plainly in vain once.
    expect(cdn.ranges()).toEqual(['bytes=0-8388607', 'bytes=0-8388607']);
  });

  it.each([undefined, 'W/"weak"'])('reads an output without a strong ETag in order (%s)', async (etag) => {
    const { cdn, copy, key } = await copyWorld(serve({ bytes: TWO_PARTS, ...(etag ? { etag } : {}) }));

    await copy();

    expect(TWO_PARTS.equals(await s3.bytesOf(key))).toBe(true);
    expect(cdn.ranges()).toEqual(['bytes=0-8388607', 'bytes=0-8388607', undefined]);
  });

  it('copies from a host that serves smaller ranges than asked for', async () => {
    const whole = serve({ bytes: TWO_PARTS, etag: '"v1"' });
    const { copy, key } = await copyWorld((request, response) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
      const last = Math.min(Number(to), Number(from) + 3 * MIB - 1);
      request.headers.range = `bytes=${from}-${last}`;
      whole(request, response);
    });

    expect((await copy()).sha256).toBe(TWO_PARTS_SHA256);
    expect(TWO_PARTS.equals(await s3.bytesOf(key))).toBe(true);
  });

  it('copies more outputs at once than it has buffers for', async () => {
    const { copier, cdn } = await copyWorld(serve({ bytes: TWO_PARTS, etag: '"v1"' }));
    const keys = Array.from({ length: 11 }, (_, index) => `many/${index}`);

    const copies = await Promise.all(keys.map((key) => copier.copy({ url: cdn.url(), bucket: BUCKET, key })));

    expect(new Set(copies.map(({ sha256: sum }) => sum))).toEqual(new Set([TWO_PARTS_SHA256]));
  }, 60_000);

  it('copies the same output again to the same object, and aborts an earlier upload', async () => {
    const { copy, key } = await copyWorld(serve({ bytes: TWO_PARTS, etag: '"v1"' }));
    const place = { Bucket: BUCKET, Key: key };
    const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand(place));
    await s3.client.send(new UploadPartCommand({ ...place, UploadId, PartNumber: 1, Body: 'left' }));

    const first = await copy();
    const second = await copy();

    expect(second).toEqual(first);
    expect(await s3.openUploads()).toEqual([]);
  });

  it('stores markup with no type that a browser would run', async () => {
    const { copy, key } = await copyWorld(
      serve({ bytes: Buffer.from('<svg onload="alert(1)"/>'), etag: '"x"', contentType: 'image/svg+xml' }),
    );

    await copy({ contentType: 'image/png' });

    const { ContentType, ContentDisposition } = await s3.head(key);
    expect([ContentType, ContentDisposition]).toEqual(['application/octet-stream', 'attachment']);
  });
});

describe('an object that has the key already', () => {
  const OTHER = Buffer.from('what another holder of the claim has put');

  it.each([
    ['small', PNG, 'e52a804e'],
    ['large', LARGE, 'f0b8c9c1'],
  ])('stays, and a %s output gets a key beside it', async (_size, bytes, sum) => {
    const { copy, key } = await copyWorld(serve({ bytes, etag: '"v1"' }));
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: OTHER }));
    const beside = key.replace('0-out.png', `0-out~${sum}.png`);

    const copied = await copy();
    const again = await copy();

    expect([copied.key, copied.sha256]).toEqual([beside, sha256(bytes)]);
    expect(again).toEqual(copied);
    expect(OTHER.equals(await s3.bytesOf(key))).toBe(true);
    expect(bytes.equals(await s3.bytesOf(beside))).toBe(true);
    expect(await s3.openUploads()).toEqual([]);
  });

  it('counts as copied if the bytes are the same, also in parts, and is not written again', async () => {
    const { copy, key } = await copyWorld(serve({ bytes: TWO_PARTS, etag: '"v1"' }));
    const first = await copy();
    const { LastModified } = await s3.head(key);

    const second = await copy();

    expect(second).toEqual(first);
    expect((await s3.head(key)).LastModified).toEqual(LastModified);
    expect(await s3.openUploads()).toEqual([]);
  });
});

describe('connections that break', () => {
  it('goes on from the byte reached, with the same version', async () => {
    let isBroken = false;
    const whole = serve({ bytes: LARGE, etag: '"v1"' });
    const { cdn, copy, key } = await copyWorld((request, response) => {
      if (request.headers.range !== 'bytes=8388608-16777215' || isBroken) return whole(request, response);
      isBroken = true;
      response.writeHead(206, {
        etag: '"v1"',
        'content-length': 8 * MIB,
        'content-range': `bytes 8388608-16777215/${LARGE.length}`,
      });
      beginThen(response, LARGE.subarray(8 * MIB, 10 * MIB), () => response.destroy());
    });

    expect((await copy()).sha256).toBe(LARGE_SHA256);

    expect(LARGE.equals(await s3.bytesOf(key))).toBe(true);
    const resumed = cdn
      .ranges()
      .find((range) => /^bytes=(\d+)-16777215$/.test(range ?? '') && !range?.includes('=8388608-'));
    expect(Number(/=(\d+)/.exec(resumed ?? '')?.[1])).toBeGreaterThan(8 * MIB);
  });

  it('starts a small output again if its connection breaks', async () => {
    let answers = 0;
    const { copy, key } = await copyWorld((request, response) => {
      answers += 1;
      if (answers > 1) return serve({ bytes: PNG })(request, response);
      response.writeHead(200, { 'content-length': PNG.length });
      beginThen(response, PNG.subarray(0, 100), () => response.destroy());
    });

    await copy();

    expect(await s3.bytesOf(key)).toEqual(PNG);
  });

  it.each([
    ['small', PNG],
    ['large', LARGE],
  ])('is unavailable if a %s output is cut short every time', async (_size, bytes) => {
    const { copy, key } = await copyWorld((_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      beginThen(response, bytes.subarray(0, bytes.length - 10), () => response.destroy());
    });

    await expect(copy()).rejects.toThrow(OutputUnavailableError);
    await expectNothingAt(key);
  });

  it('is unavailable if a chunked output is cut short', async () => {
    const { copy, key } = await copyWorld((_request, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      beginThen(response, LARGE.subarray(0, 16 * MIB + 5_000), () => response.destroy());
    });

    await expect(copy()).rejects.toThrow(OutputUnavailableError);
    await expectNothingAt(key);
  });

  it('accepts an end that only the connection shows if the record has a size, and reports another size', async () => {
    const untilClose: CdnHandler = (_request, response) => {
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
      response.sendDate = false;
      response.removeHeader('transfer-encoding');
      response.writeHead(200, { connection: 'close' });
      response.end(PNG);
    };
    const { copy, key } = await copyWorld(untilClose);

    await expect(copy()).rejects.toThrow(/nothing says that this is all/);
    await expectNothingAt(key);
    await expect(copy({ sizeBytes: 0 })).rejects.toThrow(/nothing says that this is all/);
    expect(await copy({ sizeBytes: PNG.length })).not.toHaveProperty('differsFrom');
    expect(await copy({ sizeBytes: 38 })).toMatchObject({
      sizeBytes: PNG.length,
      differsFrom: { sizeBytes: 38 },
    });
  });

  it('is unavailable if a small output stalls', async () => {
    const { copy, key } = await copyWorld(
      (_request, response) => {
        response.writeHead(200, { 'content-length': PNG.length });
        response.write(PNG.subarray(0, 100));
      },
      { stallMs: 50 },
    );

    await expect(copy()).rejects.toThrow(OutputUnavailableError);
    await expectNothingAt(key);
  });

  it('is unavailable if a large output stalls, and leaves no upload open', async () => {
    const { copy, key } = await copyWorld(
      (request, response) => {
        if (request.headers.range === 'bytes=0-8388607')
          return serve({ bytes: LARGE, etag: '"v"' })(request, response);
        response.writeHead(206, { etag: '"v"', 'content-range': `bytes 8388608-16777215/${LARGE.length}` });
        response.write('x');
      },
      { stallMs: 50 },
    );

    await expect(copy()).rejects.toThrow(OutputUnavailableError);
    await expectNothingAt(key);
  });

  it('is unavailable if a body crawls', async () => {
    const timers = new Set<NodeJS.Timeout>();
    const { copy, key } = await copyWorld(
      (_request, response) => {
        response.writeHead(200, { 'content-length': PNG.length });
        timers.add(setInterval(() => response.write('x'), 10));
      },
      { stallMs: 100 },
    );

    await expect(copy()).rejects.toThrow(/bytes came in/);
    for (const timer of timers) clearInterval(timer);
    await expectNothingAt(key);
  });
});

describe('an answer that is not the output', () => {
  it.each([
    ['a page', Buffer.from('<html>Checking your browser ...</html>'), 'a page of HTML or XML'],
    ['an error in JSON', Buffer.from('{"error":"gone"}'), 'a text'],
    ['nothing', Buffer.alloc(0), 'nothing at all'],
  ])('is never stored, though its status is 200: %s', async (_, bytes, came) => {
    const { copy, key } = await copyWorld(serve({ bytes, etag: '"e"', contentType: 'image/png' }));

    await expect(copy({ contentType: 'image/png', sizeBytes: 5_000_000 })).rejects.toMatchObject({
      name: 'OutputUnavailableError',
      message: `Cannot fetch an output: its host sent ${came} instead of image/png`,
    });
    await expectNothingAt(key);
  });
});

describe('an output that differs from its record', () => {
  it('is stored, with the difference', async () => {
    const { copy, key } = await copyWorld(serve({ bytes: PNG, etag: '"v1"' }));

    const { differsFrom } = await copy({ contentType: 'image/jpg', sizeBytes: 38 });

    expect(differsFrom).toEqual({ contentType: 'image/jpeg', sizeBytes: 38 });
    expect(PNG.equals(await s3.bytesOf(key))).toBe(true);
  });

  it.each([undefined, 0, 5_008])('does not differ in size if the record says %s', async (sizeBytes) => {
    const { copy } = await copyWorld(serve({ bytes: PNG, etag: '"v1"' }));

    expect(await copy(sizeBytes === undefined ? {} : { sizeBytes })).not.toHaveProperty('differsFrom');
  });

  it('and is large is not read whole again if a strong ETag shows that it is the same', async () => {
    const { copy, cdn } = await copyWorld(serve({ bytes: TWO_PARTS, etag: '"v1"' }));
    const before = await copy({ sizeBytes: 38 });
    const requests = cdn.requests.length;

    const again = await copy({ sizeBytes: 38, before });
    const corrected = await copy({ sizeBytes: TWO_PARTS.length, before });

    expect(again).toEqual(before);
    expect([before.differsFrom, corrected.differsFrom]).toEqual([{ sizeBytes: 38 }, undefined]);
    expect(cdn.requests).toHaveLength(requests + 2);
  });
});

describe('an output that comes encoded', () => {
  it.each(['', 'UTF-8', 'base64', 'aws-chunked', 'none', 'binary', 'identity', 'identity, utf-8'])(
    'by its header, but not by "%s", which is no content coding',
    async (contentEncoding) => {
      const { copy, key } = await copyWorld(encoded(PNG, contentEncoding));

      expect((await copy()).sha256).toBe(sha256(PNG));
      expect(PNG.equals(await s3.bytesOf(key))).toBe(true);
    },
  );

  it.each([
    ['gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['x-gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['deflate', (bytes: Buffer) => deflateSync(bytes)],
    ['deflate', (bytes: Buffer) => deflateRawSync(bytes)],
    ['br', (bytes: Buffer) => brotliCompressSync(bytes, FAST)],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
    ['aws-chunked, gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['deflate, gzip', (bytes: Buffer) => gzipSync(deflateSync(bytes))],
  ])(
    'as %s (%#) every time is decoded, with the checksum, size and type of the decoded bytes',
    async (coding, encode) => {
      const { copy, key, cdn } = await copyWorld(encoded(encode(PNG), coding));

      const copied = await copy({ decode: true });

      expect(copied).toMatchObject({ contentType: 'image/png', sizeBytes: 5008, sha256: sha256(PNG) });
      expect(PNG.equals(await s3.bytesOf(key))).toBe(true);
      expect(cdn.requests).toHaveLength(2);
    },
  );

  it('and is large is read in one stream, and stored in parts', async () => {
    const { copy, key, cdn } = await copyWorld(encoded(LARGE_GZIP, 'gzip'));

    const copied = await copy({ decode: true });

    expect([copied.sizeBytes, copied.sha256]).toEqual([LARGE.length, LARGE_SHA256]);
    expect(LARGE.equals(await s3.bytesOf(key))).toBe(true);
    expect(cdn.ranges()).toEqual(['bytes=0-8388607', 'bytes=0-8388607', undefined]);
  });

  it('only by its header is stored as it is', async () => {
    const { copy } = await copyWorld(encoded(PNG, 'gzip'));

    expect((await copy({ decode: true })).sha256).toBe(sha256(PNG));
  });

  it.each([
    ['is broken', 'gzip', Buffer.concat([gzipSync(PNG).subarray(0, 500), noise(500)])],
    ['ends too early', 'gzip', gzipSync(PNG).subarray(0, 3_000)],
    ['ends too early', 'br', brotliCompressSync(PNG).subarray(0, 3_000)],
    ['ends too early', 'zstd', zstdCompressSync(PNG).subarray(0, 3_000)],
    ['is nothing', 'gzip', Buffer.alloc(0)],
    ['cannot be decoded', 'compress', PNG],
    ['is encoded too often', 'gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(PNG)))],
  ])('and %s (%s) is unavailable', async (_, coding, bytes) => {
    const { copy, key } = await copyWorld(encoded(bytes, coding));

    await expect(copy({ decode: true })).rejects.toThrow(/^Cannot decode an output that came as/);
    await expectNothingAt(key);
  });

  it('only by its header is unavailable if nothing shows where it ends', async () => {
    const { copy, key } = await copyWorld((_request, response) => {
      response.socket?.write('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n');
      response.socket?.end(PNG.subarray(0, 3_000));
    });

    await expect(copy({ decode: true })).rejects.toThrow('nothing says that this is all');
    await expectNothingAt(key);
  });

  it('and ends too early is unavailable', async () => {
    const { copy, key } = await copyWorld((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': LARGE_GZIP.length });
      beginThen(response, LARGE_GZIP.subarray(0, 12 * MIB), () => response.destroy());
    });

    await expect(copy({ decode: true })).rejects.toMatchObject({ name: 'OutputCutOffError' });
    await expectNothingAt(key);
  });

  it('is refused if it grows like a decompression bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(80 * MIB), { level: 1 });
    const { copy, key } = await copyWorld(encoded(bomb, 'gzip'));

    await expect(copy({ decode: true })).rejects.toThrow(
      /^Cannot decode an output: \d+ bytes become more than/,
    );
    await expectNothingAt(key);
  });

  it('is refused if it grows beyond the largest output', async () => {
    const { copy, key } = await copyWorld(encoded(LARGE_GZIP, 'gzip'), {
      maxBytes: 10 * MIB,
    });

    await expect(copy({ decode: true })).rejects.toThrow(OutputRefusedError);
    await expectNothingAt(key);
  });
});

describe('an output in a data: URL', () => {
  it('is stored like any other', async () => {
    const { copier, key } = await copyWorld(serve({ bytes: PNG }));
    const url = `data:image/png;base64,${PNG.toString('base64')}`;

    const copied = await copier.copy({ url, bucket: BUCKET, key });

    expect(copied).toMatchObject({ contentType: 'image/png', sizeBytes: 5008, sha256: sha256(PNG) });
    expect(PNG.equals(await s3.bytesOf(key))).toBe(true);
  });

  it('is refused if it is malformed, and no message quotes it', async () => {
    const { copier, key } = await copyWorld(serve({ bytes: PNG }));

    const failure = await copier
      .copy({ url: 'data:image/png;base64,c2VjcmV0*', bucket: BUCKET, key })
      .catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(OutputRefusedError);
    expect(String(failure)).not.toContain('c2VjcmV0');
  });
});

describe('outputs that are not copied', () => {
  it.each([404, 403, 410, 429, 500, 503])('is unavailable at %i', async (status) => {
    const { copy, key } = await copyWorld((_request, response) => {
      response.writeHead(status).end('no');
    });

    await expect(copy()).rejects.toMatchObject({ name: 'OutputUnavailableError', status });
    await expectNothingAt(key);
  });

  it('is unavailable if it changes between two ranges', async () => {
    const before = serve({ bytes: LARGE, etag: '"v1"' });
    const after = serve({ bytes: LARGE.toReversed() as Buffer, etag: '"v2"' });
    const { copy, key } = await copyWorld((request, response) =>
      (request.headers.range === 'bytes=0-8388607' ? before : after)(request, response),
    );

    await expect(copy()).rejects.toThrow(/changed while it was being read/);
    await expectNothingAt(key);
  });

  it('is unavailable if the host ignores If-Range for another version', async () => {
    const { copy, key } = await copyWorld((request, response) => {
      const etag = request.headers.range === 'bytes=0-8388607' ? '"v1"' : '"v2"';
      delete request.headers['if-range'];
      serve({ bytes: LARGE, etag })(request, response);
    });

    await expect(copy()).rejects.toThrow(/changed while it was being read/);
    await expectNothingAt(key);
  });

  it.each(['gzip', 'br', 'deflate', 'zstd, gzip'])(
    'is unavailable if it comes as %s at first',
    async (encoding) => {
      const { copy, key } = await copyWorld((_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(PNG);
      });

      await expect(copy()).rejects.toThrow(OutputUnavailableError);
      await expectNothingAt(key);
    },
  );

  it('refuses an output with too large an announced size without reading it', async () => {
    const { copy, key } = await copyWorld(serve({ bytes: LARGE, etag: '"v"' }), { maxBytes: 10 * MIB });

    await expect(copy()).rejects.toThrow(OutputRefusedError);
    await expectNothingAt(key);
  });

  it('refuses an endless body at the maximum size', async () => {
    const { copy, key } = await copyWorld(
      (_request, response) => {
        const chunk = noise(MIB);
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', more);
        more();
      },
      { maxBytes: 20 * MIB },
    );

    await expect(copy()).rejects.toThrow(OutputRefusedError);
    await expectNothingAt(key);
  });
});

describe('an abort', () => {
  it('ends with the reason of the abort, and leaves nothing', async () => {
    const stop = new AbortController();
    const reason = new Error('the lease is lost');
    const { copy, key } = await copyWorld((request, response) => {
      if (request.headers.range === 'bytes=0-8388607')
        return serve({ bytes: LARGE, etag: '"v"' })(request, response);
      stop.abort(reason);
    });

    await expect(copy({}, stop.signal)).rejects.toBe(reason);
    await expectNothingAt(key);
  });

  it('does not start if it comes before', async () => {
    const { cdn, copy } = await copyWorld(serve({ bytes: PNG }));

    await expect(copy({}, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
    expect(cdn.connections()).toBe(0);
  });

  it('fails if S3 refuses a part, and aborts its upload', async () => {
    const trap = await startCdn((_request, response) => void response.writeHead(403).end());
    cleanups.push(trap.stop);
    const { copy } = await copyWorld(serve({ bytes: LARGE, etag: '"v"' }), {
      ask: createAskS3(accessTo(`http://${trap.host}`)),
    });

    await expect(copy()).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  });

  it('closes the connection after a failure', async () => {
    const closed: Promise<unknown>[] = [];
    const { copy } = await copyWorld(
      (request, response) => {
        closed.push(once(request.socket, 'close'));
        response.writeHead(200, { 'content-length': LARGE.length });
        response.write(LARGE.subarray(0, 100));
      },
      { maxBytes: MIB },
    );

    await expect(copy()).rejects.toThrow(OutputRefusedError);
    await Promise.all(closed);
  });
});

describe('buffers', () => {
  it('all serve one output, and are shared once there are two', async () => {
    const held: (() => void)[] = [];
    const requested = { '/one.mp4': 0, '/two.mp4': 0 };
    const part = noise(8 * MIB);
    const { cdn, copier, key } = await copyWorld((request, response) => {
      requested[request.url as keyof typeof requested] += 1;
      const [, from = ''] = /^bytes=(\d+)-/.exec(request.headers.range ?? '') ?? [];
      const answer = () =>
        response
          .writeHead(206, {
            etag: '"v"',
            'content-length': part.length,
            'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${128 * part.length}`,
          })
          .end(part);
      if (from === '0') answer();
      else held.push(answer);
    });
    const stop = new AbortController();
    const copy = (name: string) =>
      copier
        .copy({ url: cdn.url(`/${name}.mp4`), bucket: BUCKET, key: `${key}-${name}` }, stop.signal)
        .catch((error: Error) => error.message);

    const one = copy('one');
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(8);
    const two = copy('two');
    expect(requested['/two.mp4']).toBe(0);
    held.shift()?.();
    await expect.poll(() => requested['/two.mp4'], { timeout: 20_000 }).toBeGreaterThan(0);

    stop.abort(new Error('enough'));
    expect(await Promise.all([one, two])).toEqual(['enough', 'enough']);
    for (const answer of held) answer();
  });
});

describe('with a thread that digests', () => {
  it('copies more outputs at once than it has buffers for, byte for byte', async () => {
    const { copier, cdn } = await copyWorld(serve({ bytes: LARGE, etag: '"v1"' }), {
      openSha256: createSha256Thread(),
    });
    const keys = Array.from({ length: 9 }, (_, index) => `threaded/${index}`);

    const copies = await Promise.all(keys.map((key) => copier.copy({ url: cdn.url(), bucket: BUCKET, key })));

    expect(new Set(copies.map(({ sha256: sum }) => sum))).toEqual(new Set([LARGE_SHA256]));
    expect(LARGE.equals(await s3.bytesOf('threaded/8'))).toBe(true);
    expect(await s3.openUploads()).toEqual([]);
  }, 60_000);

  it.each([
    ['decodes', encoded(LARGE_GZIP, 'gzip'), { decode: true }],
    ['reads in order', serve({ bytes: LARGE }), {}],
  ])('%s an output that comes without ranges', async (_, handler, hints) => {
    const { copy, key } = await copyWorld(handler, { openSha256: createSha256Thread() });

    expect((await copy(hints)).sha256).toBe(LARGE_SHA256);
    expect(LARGE.equals(await s3.bytesOf(key))).toBe(true);
  });

  it('leaves nothing after an abort, and copies the next output', async () => {
    const stop = new AbortController();
    let isStopping = true;
    const { copier, cdn, copy, key } = await copyWorld(
      (request, response) => {
        if (isStopping && request.headers.range !== 'bytes=0-8388607') stop.abort(new Error('enough'));
        else serve({ bytes: LARGE, etag: '"v"' })(request, response);
      },
      { openSha256: createSha256Thread() },
    );

    await expect(copy({}, stop.signal)).rejects.toThrow('enough');
    await expectNothingAt(key);
    isStopping = false;
    expect((await copier.copy({ url: cdn.url(), bucket: BUCKET, key })).sha256).toBe(LARGE_SHA256);
  });

  /** Counts the buffers in shared memory from now on. */
  function countBuffers(): () => number {
    let buffers = 0;
    class CountedBuffer extends SharedArrayBuffer {
      constructor(length: number) {
        super(length);
        buffers += 1;
      }
    }
    vi.stubGlobal('SharedArrayBuffer', CountedBuffer);
    cleanups.push(async () => void vi.unstubAllGlobals());
    return () => buffers;
  }

  it('takes no more memory after failures', async () => {
    const buffers = countBuffers();
    let isFailing = true;
    const { copier, cdn, copy, key } = await copyWorld(serve({ bytes: LARGE, etag: '"v"' }), {
      ask: async (request, signal) => {
        if (isFailing && request.query?.partNumber === '2') throw new Error('refused');
        return s3.ask(request, signal);
      },
      openSha256: createSha256Thread(),
    });

    for (let failures = 0; failures < 6; failures += 1) await expect(copy()).rejects.toThrow('refused');
    isFailing = false;
    expect((await copier.copy({ url: cdn.url(), bucket: BUCKET, key })).sha256).toBe(LARGE_SHA256);

    expect(buffers()).toBeLessThanOrEqual(8);
    expect(LARGE.equals(await s3.bytesOf(key))).toBe(true);
  });

  it('takes no more memory after refusals, and lends no buffer that still receives what was refused', async () => {
    const buffers = countBuffers();
    const [large, small] = [LARGE, PNG].map((bytes) => serve({ bytes, etag: '"v"' }));
    const { copier, cdn, key } = await copyWorld(
      (request, response) => (request.url === '/large.png' ? large : small)?.(request, response),
      { maxBytes: 10 * MIB, openSha256: createSha256Thread() },
    );
    const copy = (url: string) => copier.copy({ url, bucket: BUCKET, key });

    for (let refusals = 0; refusals < 3; refusals += 1) {
      await expect(copy('https://elsewhere.test/out.png')).rejects.toThrow(OutputRefusedError);
      await expect(copy(cdn.url('/large.png'))).rejects.toThrow('larger than');
      expect((await copy(cdn.url())).sha256).toBe(sha256(PNG));
    }

    expect(buffers()).toBe(1);
    expect(PNG.equals(await s3.bytesOf(key))).toBe(true);
  });

  it('fails with the thread, leaves nothing, and copies without it from then on', async () => {
    vi.spyOn(log, 'warn').mockReturnValue(undefined);
    const thread = createSha256Thread();
    let isFailing = true;
    const { copier, cdn, copy, key } = await copyWorld(serve({ bytes: LARGE, etag: '"v"' }), {
      openSha256: () => {
        const running = thread();
        // No bytes: the thread throws.
        return isFailing ? { ...running, update: () => running.update(1 as never) } : running;
      },
    });

    await expect(copy()).rejects.toThrow(/data.*must be|argument must be/);
    await expectNothingAt(key);
    isFailing = false;
    expect((await copier.copy({ url: cdn.url(), bucket: BUCKET, key })).sha256).toBe(LARGE_SHA256);
    expect(log.warn).toHaveBeenCalledOnce();
  });
});
