import type { AskS3 } from './ask-s3.ts';
import { statusOf } from './s3-refusal.ts';
import type { ObjectRef } from './types.ts';

/** An existing object, with S3's checksum over all its bytes: SHA-256 after one PUT, CRC-32 after a multipart upload. */
export interface StandingObject {
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256?: string;
  /** Base64, as S3 returns it. */
  readonly crc32?: string;
}

/** @returns `undefined` if no object exists, or if this function may not see it. */
export type HeadOutput = (ref: ObjectRef, signal?: AbortSignal) => Promise<StandingObject | undefined>;

export const createHeadOutput =
  (ask: AskS3): HeadOutput =>
  async ({ bucket, key }, signal) => {
    const headers = { 'x-amz-checksum-mode': 'ENABLED' };
    const request = { method: 'HEAD', bucket, key, headers, purpose: `look at "${key}"` } as const;
    try {
      const { headers: said } = await ask(request, signal);
      const sizeBytes = said['content-length'];
      if (sizeBytes === undefined) return undefined;
      const sha256 = sumOfWhole(said['x-amz-checksum-sha256']);
      const crc32 = sumOfWhole(said['x-amz-checksum-crc32']);
      return {
        contentType: said['content-type'] ?? 'application/octet-stream',
        sizeBytes: Number(sizeBytes),
        ...(sha256 !== undefined && { sha256: Buffer.from(sha256, 'base64').toString('hex') }),
        ...(crc32 !== undefined && { crc32 }),
      };
    } catch (error) {
      if (statusOf(error) === 404 || statusOf(error) === 403) return undefined;
      throw error;
    }
  };

/** A composite checksum, `…-3`, does not cover the bytes themselves. */
const sumOfWhole = (sum: string | string[] | undefined): string | undefined =>
  typeof sum === 'string' && !sum.includes('-') ? sum : undefined;
