import { buffer } from 'node:stream/consumers';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createInputStore } from '../../functions/objects/input-store.ts';
import { startCdn } from './cdn-world.ts';
import { BUCKET, type S3World, s3ClientFor, startS3World } from './s3-world.ts';

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

/** An S3 that answers everything with one error, without a body to a HEAD, as S3 does. */
async function refusingStore(status: number, code: string, message: string) {
  const cdn = await startCdn((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
  });
  cleanups.push(cdn.stop);
  return createInputStore(s3ClientFor(`http://${cdn.host}`));
}
const REF = { bucket: BUCKET, key: 'in.png' };

describe('head', () => {
  it('tells what lies there', async () => {
    const { ETag } = await put('photos/ü 1.png', 'bytes');

    expect(await createInputStore(s3.client).head({ bucket: BUCKET, key: 'photos/ü 1.png' })).toEqual({
      bucket: BUCKET,
      key: 'photos/ü 1.png',
      etag: ETag,
      sizeBytes: 5,
      contentType: 'image/png',
    });
  });

  it('finds nothing where nothing is', async () => {
    expect(await createInputStore(s3.client).head({ bucket: BUCKET, key: 'missing' })).toBeUndefined();
  });

  it.each([
    'Access Denied',
    'User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: s3:ListBucket on resource: arn:aws:s3:::b',
  ])('finds nothing where it may not list: %s', async (message) => {
    const store = await refusingStore(403, 'AccessDenied', message);

    expect(await store.head(REF)).toBeUndefined();
  });

  it.each([
    ['AccessDenied', 'User: x is not authorized to perform: s3:GetObject on resource: y'],
    ['AccessDenied', 'User: x is not authorized to perform: kms:Decrypt on resource: y'],
    ['InvalidAccessKeyId', 'The key does not exist'],
    ['RequestTimeTooSkewed', 'The difference is too large'],
  ])('fails where something else is denied: %s %s', async (code, message) => {
    const store = await refusingStore(403, code, message);

    await expect(store.head(REF)).rejects.toMatchObject({ name: 'InputAccessError' });
  });
});

describe('open', () => {
  it('gives the bytes of the object that was accepted', async () => {
    await put('a.png', 'bytes');
    const store = createInputStore(s3.client);
    const input = await store.head({ bucket: BUCKET, key: 'a.png' });
    if (!input) throw new Error('not found');

    expect(String(await buffer(await store.open(input)))).toBe('bytes');
  });

  it('says that the input changed, or went', async () => {
    await put('b.png', 'bytes');
    const store = createInputStore(s3.client);
    const input = await store.head({ bucket: BUCKET, key: 'b.png' });
    if (!input) throw new Error('not found');

    await put('b.png', 'other');
    await expect(store.open(input)).rejects.toMatchObject({ name: 'InputChangedError' });
    await s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'b.png' }));
    await expect(store.open(input)).rejects.toMatchObject({ name: 'InputChangedError' });
  });
});
