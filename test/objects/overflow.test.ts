import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createOverflow } from '../../functions/objects/overflow.ts';
import { BUCKET, type S3World, startS3World } from './s3-world.ts';

let s3: S3World;
beforeAll(async () => {
  s3 = await startS3World();
});
afterAll(() => s3.stop());

it('reads a large request as written, and undefined once it is deleted', async () => {
  const overflow = createOverflow(s3.client, { bucket: BUCKET, prefix: 'large-requests/' });
  await overflow.write('id/a.json', '{"ü": 1}');

  expect(await overflow.read('id/a.json')).toBe('{"ü": 1}');
  await s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'large-requests/id/a.json' }));
  expect(await overflow.read('id/a.json')).toBeUndefined();
});
