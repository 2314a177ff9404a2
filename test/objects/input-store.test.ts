import { buffer } from 'node:stream/consumers';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createInputStore } from '../../functions/objects/input-store.ts';
import { createQuickInputs } from '../../functions/objects/quick-inputs.ts';
import { startCdn } from '../outputs/cdn-world.ts';
import { accessTo, BUCKET, type S3World, s3ClientFor, startS3World } from './s3-world.ts';

let s3: S3World;
const cleanups: (() => Promise<void>)[] = [];
beforeAll(async () => {
  s3 = await startS3World();
});
afterAll(() => s3.stop());
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

const put = (key: string, Body: string) =>
  s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body, ContentType: 'image/png' }));

/** As functions read inputs: by a plain request first. */
const storeAt = (endpoint: string) =>
  createQuickInputs(async () => createInputStore(s3ClientFor(endpoint)), accessTo(endpoint));

/** An S3 that answers every request with one error. As in S3, the answer to a HEAD has no body. */
async function refusingStore(status: number, code: string, message: string) {
  const cdn = await startCdn((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
  });
  cleanups.push(cdn.stop);
  return storeAt(`http://${cdn.host}`);
}

/** An S3 with one object that has these headers. It may refuse to return a version. */
async function answeringS3(headers: Record<string, string>, { refusesVersions = false } = {}) {
  const asked: string[] = [];
  const cdn = await startCdn((request, response) => {
    // A bucket may demand it. The body is empty.
    expect(request.headers['x-amz-content-sha256']).not.toBe('UNSIGNED-PAYLOAD');
    asked.push(`${request.method} ${request.url} ${request.headers['if-match'] ?? ''}`.trim());
    if (refusesVersions && /versionId/.test(request.url ?? '')) {
      response.writeHead(403, { 'content-type': 'application/xml' });
      response.end(
        '<Error><Code>AccessDenied</Code><Message>not authorized to perform: s3:GetObjectVersion</Message></Error>',
      );
      return;
    }
    response.writeHead(200, { etag: '"e"', 'content-length': '5', ...headers });
    response.end(request.method === 'HEAD' ? undefined : 'bytes');
  });
  cleanups.push(cdn.stop);
  return { cdn, asked };
}

async function answeringStore(...given: Parameters<typeof answeringS3>) {
  const { cdn, asked } = await answeringS3(...given);
  return { store: storeAt(`http://${cdn.host}`), asked };
}

const REF = { bucket: BUCKET, key: 'in.png' };

describe('head', () => {
  it('describes the object', async () => {
    const { ETag } = await put('photos/ü 1.png', 'bytes');

    expect(await storeAt(s3.endpoint).head({ bucket: BUCKET, key: 'photos/ü 1.png' })).toEqual({
      bucket: BUCKET,
      key: 'photos/ü 1.png',
      etag: ETag,
      sizeBytes: 5,
      contentType: 'image/png',
      checksum: 'CRC32:sZlDzg==',
      lastModified: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
    });
  });

  it('returns undefined if the object does not exist', async () => {
    expect(await storeAt(s3.endpoint).head({ bucket: BUCKET, key: 'missing' })).toBeUndefined();
  });

  it.each([
    'Access Denied',
    'User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: s3:ListBucket on resource: arn:aws:s3:::b',
  ])('returns undefined without permission to list: %s', async (message) => {
    const store = await refusingStore(403, 'AccessDenied', message);

    expect(await store.head(REF)).toBeUndefined();
  });

  it.each([
    [403, 'AccessDenied', 'User: x is not authorized to perform: s3:GetObject on resource: y'],
    [403, 'AccessDenied', 'User: x is not authorized to perform: kms:Decrypt on resource: y'],
    [403, 'InvalidObjectState', 'The operation is not valid for the storage class of the object'],
    [404, 'NoSuchBucket', 'The specified bucket does not exist'],
    [400, 'InvalidRequest', 'The object was stored using a form of Server Side Encryption'],
    [400, 'KMS.DisabledException', 'The key is disabled'],
    [301, 'PermanentRedirect', 'Address the bucket by its own endpoint'],
  ])('reports a permanent refusal: %i %s: %s', async (status, code, message) => {
    const store = await refusingStore(status, code, message);

    await expect(store.head(REF)).rejects.toMatchObject({ name: 'InputAccessError', code, ...REF });
    await expect(store.open({ ...REF, etag: '"e"', sizeBytes: 1 })).rejects.toMatchObject({
      name: 'InputAccessError',
      code,
    });
  });

  it.each([
    [403, 'InvalidAccessKeyId'],
    [403, 'RequestTimeTooSkewed'],
    [400, 'ExpiredToken'],
    [400, 'RequestTimeout'],
    [400, 'KMS.ThrottlingException'],
    [503, 'SlowDown'],
    [500, 'InternalError'],
  ])(
    'treats %i %s as transient',
    async (status, code) => {
      const store = await refusingStore(status, code, 'Later, perhaps');

      for (const ask of [() => store.head(REF), () => store.open({ ...REF, etag: '"e"', sizeBytes: 1 })])
        await expect(ask()).rejects.toMatchObject({ name: expect.not.stringMatching(/^Input/) });
    },
    20_000,
  );

  it.each([
    ['GLACIER', {}, true],
    ['DEEP_ARCHIVE', { 'x-amz-restore': 'ongoing-request="true"' }, true],
    [
      'GLACIER',
      { 'x-amz-restore': 'ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"' },
      undefined,
    ],
    ['INTELLIGENT_TIERING', { 'x-amz-archive-status': 'ARCHIVE_ACCESS' }, true],
    ['INTELLIGENT_TIERING', {}, undefined],
    ['GLACIER_IR', {}, undefined],
  ])('tells whether an object in %s with %j can be read', async (storageClass, headers, isArchived) => {
    const { store } = await answeringStore({ 'x-amz-storage-class': storageClass, ...headers });

    expect((await store.head(REF))?.isArchived).toBe(isArchived);
  });

  it.each([
    [{ 'x-amz-checksum-crc64nvme': 'abc=', 'x-amz-checksum-type': 'FULL_OBJECT' }, 'CRC64NVME:abc='],
    [{ 'x-amz-checksum-sha256': 'def=' }, 'SHA256:def='],
    [{ 'x-amz-checksum-sha256': 'def=-2', 'x-amz-checksum-type': 'COMPOSITE' }, undefined],
    [{ 'x-amz-checksum-crc32': 'abc=-2' }, undefined],
    [{}, undefined],
  ])('distinguishes a checksum of the whole object from a composite one: %j', async (headers, checksum) => {
    const { store } = await answeringStore(headers);

    expect((await store.head(REF))?.checksum).toBe(checksum);
  });
});

describe('the plain request', () => {
  const NO_SDK = async (): Promise<never> => {
    throw new Error('The SDK was loaded');
  };

  it('finds an object without the SDK, at a version, too, and under a key with dots', async () => {
    const { cdn, asked } = await answeringS3({ 'x-amz-version-id': 'v1' });
    const store = createQuickInputs(NO_SDK, accessTo(`http://${cdn.host}`));

    expect(await store.head({ ...REF, key: 'a/../in.png' })).toMatchObject({ etag: '"e"', versionId: 'v1' });
    expect(await store.isVersionReadable({ ...REF, versionId: 'v 1' })).toBe(true);
    expect(asked).toEqual(['HEAD /outputs/a/../in.png', 'HEAD /outputs/in.png?versionId=v%201']);
  });

  it.each([
    ['refused', 403],
    ['throttled', 503],
    ['redirected', 307],
    ['answered in part', 206],
    ['not answered', undefined],
  ])('is repeated by the SDK if it is %s', async (_, status) => {
    const asked: string[] = [];
    const cdn = await startCdn((request, response) => {
      asked.push(String(request.headers['user-agent']));
      if (asked.length > 1) response.writeHead(200, { etag: '"e"', 'content-length': '5' });
      else if (status === undefined) return void response.destroy();
      else response.writeHead(status);
      response.end();
    });
    cleanups.push(cdn.stop);

    expect(await storeAt(`http://${cdn.host}`).head(REF)).toMatchObject({ etag: '"e"' });
    expect(asked).toEqual(['undefined', expect.stringContaining('aws-sdk-js')]);
  });
});

describe('open', () => {
  it('returns the bytes of the accepted object', async () => {
    await put('a.png', 'bytes');
    const store = storeAt(s3.endpoint);
    const input = await store.head({ bucket: BUCKET, key: 'a.png' });
    if (!input) throw new Error('not found');

    expect(String(await buffer(await store.open(input)))).toBe('bytes');
  });

  it.each([false, true])(
    'reads the accepted version if it has permission (refused: %s)',
    async (refusesVersions) => {
      const { store, asked } = await answeringStore({ 'x-amz-version-id': 'v1' }, { refusesVersions });
      const input = await store.head(REF);
      if (!input) throw new Error('not found');

      expect(input.versionId).toBe('v1');
      expect(String(await buffer(await store.open(input)))).toBe('bytes');
      expect(asked.slice(1)).toEqual([
        'GET /outputs/in.png?versionId=v1&x-id=GetObject "e"',
        ...(refusesVersions ? ['GET /outputs/in.png?x-id=GetObject "e"'] : []),
      ]);
    },
  );

  it('reads the same bytes under another ETag, as after a copy onto itself, and no other bytes', async () => {
    const store = storeAt(s3.endpoint);
    const ref = { bucket: BUCKET, key: 'copied.png' };
    await put('copied.png', 'bytes');
    const found = await store.head(ref);
    if (!found?.checksum) throw new Error('no checksum');
    const accepted = { ...found, etag: '"that-of-parts-2"' };

    expect(String(await buffer(await store.open(accepted)))).toBe('bytes');
    const { checksum: _, ...withoutChecksum } = accepted;
    await expect(store.open(withoutChecksum)).rejects.toMatchObject({ name: 'InputChangedError' });
    await put('copied.png', 'other');
    await expect(store.open(accepted)).rejects.toMatchObject({ name: 'InputChangedError' });
  });

  it('returns no version if the bucket keeps none', async () => {
    const { store } = await answeringStore({ 'x-amz-version-id': 'null' });

    expect(await store.head(REF)).not.toHaveProperty('versionId');
  });

  it('reports that the input was replaced or deleted', async () => {
    await put('b.png', 'bytes');
    const store = storeAt(s3.endpoint);
    const input = await store.head({ bucket: BUCKET, key: 'b.png' });
    if (!input) throw new Error('not found');

    await put('b.png', 'other');
    await expect(store.open(input)).rejects.toMatchObject({ name: 'InputChangedError' });
    await s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'b.png' }));
    await expect(store.open(input)).rejects.toMatchObject({ name: 'InputChangedError' });
  });
});
