import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { expect, it, vi } from 'vitest';
import { Bucket, outcome, s3World } from '../local/aws/s3-world.ts';
import { findChecksumFault } from './checksum-fault.ts';

vi.setConfig({ testTimeout: 30_000 });

const place = { Bucket, Key: 'probe' };

/** An S3 whose multipart uploads end with an error of this name. */
const failingWith = (client: S3Client, name: string): Pick<S3Client, 'send'> => ({
  send: ((command: Parameters<S3Client['send']>[0]) =>
    command.constructor.name === 'CompleteMultipartUploadCommand'
      ? Promise.reject(Object.assign(new Error('no'), { name }))
      : client.send(command)) as S3Client['send'],
});

it('finds nothing wrong with an S3 that takes the checksum of the whole, and leaves nothing there', async () => {
  const { client } = await s3World();

  expect(await findChecksumFault(client, place)).toBeUndefined();
  expect(await outcome(client.send(new HeadObjectCommand(place)))).toBe('NotFound');
});

it('says what is wrong with one that answers BadDigest to it', async () => {
  const { client } = await s3World();

  expect(await findChecksumFault(failingWith(client, 'BadDigest'), place)).toMatch(
    /composite CRC .* BadDigest/,
  );
});

it('excuses no other failure', async () => {
  const { client } = await s3World();

  expect(await outcome(findChecksumFault(failingWith(client, 'InvalidPart'), place))).toBe('InvalidPart');
});
