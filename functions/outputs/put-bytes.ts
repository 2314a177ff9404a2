import type { S3Client } from '@aws-sdk/client-s3';
import { digestOf } from '../objects/ordered-digest.ts';
import { putOnce } from '../objects/store-once.ts';
import type { ObjectRef } from '../objects/types.ts';
import type { CopiedOutput } from './types.ts';

/** Stores bytes as an object. Never replaces other bytes. S3 checks them against the checksum that is returned. */
export const createPutBytes =
  (client: Pick<S3Client, 'send'>) =>
  async (
    { bucket, key }: ObjectRef,
    bytes: Buffer,
    contentType: string,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<CopiedOutput> => {
    const whole = digestOf(bytes);
    const stored = await putOnce({ client }, { bucket, key }, bytes, whole, {
      ContentType: contentType,
      ...(metadata && { Metadata: metadata }),
    });
    return { bucket, key: stored, contentType, sizeBytes: whole.sizeBytes, sha256: whole.sha256 };
  };
