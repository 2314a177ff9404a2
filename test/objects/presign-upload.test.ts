import { afterAll, expect, it } from 'vitest';
import { createUploadPresigner } from '../../functions/objects/presign-upload.ts';
import { BUCKET, startS3World } from './s3-world.ts';

const s3 = await startS3World();
afterAll(() => s3.stop());
const BYTES = new Uint8Array([1, 2, 3, 4]);

async function presign(key: string, { now = new Date() } = {}) {
  return createUploadPresigner({
    access: s3.access,
    now: () => now,
  })({ bucket: BUCKET, key, contentType: 'image/png', sizeBytes: 4 });
}

it('lets anyone upload exactly the stated object, and no other', async () => {
  const { url, headers } = await presign('inputs/temporary/a/photo.png');
  const put = async (body: Uint8Array<ArrayBuffer>, type: string, to = url) =>
    (await fetch(to, { method: 'PUT', body, headers: { 'content-type': type } })).status;

  expect(headers).toEqual({ 'content-type': 'image/png', 'content-length': '4' });
  expect(await put(new Uint8Array(5), 'image/png')).toBe(403);
  expect(await put(BYTES, 'text/html')).toBe(403);
  expect(await put(BYTES, 'image/png', url.replace('photo.png', 'other.png'))).toBe(403);
  expect(await put(BYTES, 'image/png')).toBe(200);
  expect(new Uint8Array(await s3.bytesOf('inputs/temporary/a/photo.png'))).toEqual(BYTES);
});

it('expires after fifteen minutes', async () => {
  const signedAt = new Date(Date.now() - 901_000);
  const { url, expiresAt } = await presign('inputs/temporary/b/photo.png', { now: signedAt });

  const { status } = await fetch(url, {
    method: 'PUT',
    body: BYTES,
    headers: { 'content-type': 'image/png' },
  });

  expect(status).toBe(403);
  expect(expiresAt.getTime()).toBe(Math.floor(signedAt.getTime() / 1000 + 900) * 1000);
});
