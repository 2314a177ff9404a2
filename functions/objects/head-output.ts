import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
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
export type HeadOutput = (ref: ObjectRef) => Promise<StandingObject | undefined>;

export const createHeadOutput =
  (client: Pick<S3Client, 'send'>): HeadOutput =>
  async ({ bucket, key }) => {
    try {
      const { ContentLength, ContentType, ChecksumSHA256, ChecksumCRC32 } = await client.send(
        new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' }),
      );
      if (ContentLength === undefined) return undefined;
      return {
        contentType: ContentType ?? 'application/octet-stream',
        sizeBytes: ContentLength,
        // A composite checksum, `…-3`, does not cover the bytes themselves.
        ...(isOfWhole(ChecksumSHA256) && { sha256: Buffer.from(ChecksumSHA256, 'base64').toString('hex') }),
        ...(isOfWhole(ChecksumCRC32) && { crc32: ChecksumCRC32 }),
      };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };

const isOfWhole = (sum: string | undefined): sum is string => sum !== undefined && !sum.includes('-');

function isMissing(error: unknown): boolean {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  const status = (metadata as { httpStatusCode?: number } | undefined)?.httpStatusCode;
  return status === 404 || status === 403;
}
