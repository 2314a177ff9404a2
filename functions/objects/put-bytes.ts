import { createHash } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { CopiedOutput, ObjectRef } from './types.ts';

/** Stores bytes that are at hand as an object; S3 checks them against the very sum that is answered. */
export const createPutBytes =
  (client: Pick<S3Client, 'send'>) =>
  async ({ bucket, key }: ObjectRef, bytes: Buffer, contentType: string): Promise<CopiedOutput> => {
    const digest = createHash('sha256').update(bytes).digest();
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: bytes,
        ContentType: contentType,
        ChecksumSHA256: digest.toString('base64'),
      }),
    );
    return { bucket, key, contentType, sizeBytes: bytes.length, sha256: digest.toString('hex') };
  };
