import { expect, it } from 'vitest';
import { createS3Client } from '../../functions/objects/s3-client.ts';

it('addresses buckets by path at an emulator, and by host at AWS', () => {
  const emulator = { AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' };

  expect(createS3Client({ env: emulator }).config.forcePathStyle).toBe(true);
  expect(createS3Client({ env: { AWS_REGION: 'eu-west-1' } }).config.forcePathStyle).toBe(false);
});

it('prefers the endpoint for S3 over the general endpoint', async () => {
  const env = {
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:2',
  };

  expect(await createS3Client({ env }).config.endpoint?.()).toMatchObject({ port: 2 });
});
