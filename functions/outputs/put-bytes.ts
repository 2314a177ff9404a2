import type { AskS3 } from '../objects/ask-s3.ts';
import { digestOf } from '../objects/ordered-digest.ts';
import { putOnce } from '../objects/store-once.ts';
import type { ObjectRef } from '../objects/types.ts';
import type { CopiedOutput } from './types.ts';

/** Stores bytes as an object. Never replaces other bytes. S3 checks them against the checksum that is returned. */
export const createPutBytes =
  (ask: AskS3) =>
  async (
    { bucket, key }: ObjectRef,
    bytes: Buffer,
    contentType: string,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<CopiedOutput> => {
    const whole = digestOf(bytes);
    const storedAs = { contentType, ...(metadata && { metadata }) };
    const stored = await putOnce({ ask }, { bucket, key }, bytes, whole, storedAs);
    return { bucket, key: stored, contentType, sizeBytes: whole.sizeBytes, sha256: whole.sha256 };
  };
