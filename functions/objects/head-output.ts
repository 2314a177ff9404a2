import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ObjectRef } from './types.ts';

/** What stands at a place, with the sum of the whole that S3 keeps: SHA-256 of one PUT, CRC-32 of parts. */
export interface StandingObject {
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256?: string;
  /** Base64, as S3 has it. */
  readonly crc32?: string;
}

/** @returns `undefined` where nothing stands, or nothing that this function may see. */
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
        // A sum of sums, `…-3`, says nothing of the whole.
        ...(isOfWhole(ChecksumSHA256) && { sha256: Buffer.from(ChecksumSHA256, 'base64').toString('hex') }),
        ...(isOfWhole(ChecksumCRC32) && { crc32: ChecksumCRC32 }),
      };
    } catch (error) {
      if (isNotThere(error)) return undefined;
      throw error;
    }
  };

const isOfWhole = (sum: string | undefined): sum is string => sum !== undefined && !sum.includes('-');

function isNotThere(error: unknown): boolean {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  const status = (metadata as { httpStatusCode?: number } | undefined)?.httpStatusCode;
  return status === 404 || status === 403;
}
