import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contentDisposition, createOutputPresigner } from '../../functions/outputs/presign-output.ts';
import { BUCKET, type S3World, startS3World } from '../objects/s3-world.ts';

let s3: S3World;
beforeAll(async () => {
  s3 = await startS3World();
  await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'g/1/0-ü.png', Body: 'bytes' }));
});
afterAll(() => s3.stop());

it('makes a link that anyone can follow for a quarter of an hour', async () => {
  const now = new Date();
  const presign = createOutputPresigner({ access: s3.access, now: () => now, expiresInSeconds: 86_400 });

  const { url, expiresAt } = await presign({
    bucket: BUCKET,
    key: 'g/1/0-ü.png',
    contentType: 'image/png',
    name: 'ü.png',
  });
  const response = await fetch(url);

  expect(await response.text()).toBe('bytes');
  expect(response.headers.get('content-disposition')).toBe(
    `inline; filename="_.png"; filename*=UTF-8''%C3%BC.png`,
  );
  expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('900');
  expect(expiresAt).toEqual(new Date(Math.floor(now.getTime() / 1000) * 1000 + 900_000));
});

it('has what a browser might run saved, not shown', async () => {
  const presign = createOutputPresigner({ access: s3.access, now: () => new Date() });

  const { url } = await presign({
    bucket: BUCKET,
    key: 'x',
    contentType: 'application/octet-stream',
    name: 'x.html',
  });

  expect(new URL(url).searchParams.get('response-content-disposition')).toMatch(/^attachment;/);
});

it('lets no name break out of its header', () => {
  expect(contentDisposition('inline', 'a"b\\c\r\n%41(\').png')).toBe(
    `inline; filename="a_b_c___41(').png"; filename*=UTF-8''a%22b%5Cc%0D%0A%2541%28%27%29.png`,
  );
});
