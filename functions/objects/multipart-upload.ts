import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Digest } from './ordered-digest.ts';
import type { ObjectRef } from './types.ts';
import type { UploadPart } from './upload-part.ts';

export interface StoredAs {
  readonly ContentType: string;
  readonly ContentDisposition?: string;
  /** S3 keeps it with the object. Names and values are ASCII. */
  readonly Metadata?: Readonly<Record<string, string>>;
}

/** A multipart upload. The object does not exist before `complete`, and never exists after `abort`. */
export interface MultipartUpload {
  /**
   * @param number - The number of the part, from 1 to 10,000.
   * @param crc - Its CRC-32. S3 verifies it.
   */
  add(number: number, bytes: Buffer, crc: number, signal: AbortSignal): Promise<void>;
  /** Creates the object, after S3 verifies its size and checksum. S3 refuses if the key already has an object. */
  complete(digest: Digest, signal: AbortSignal): Promise<void>;
  abort(): Promise<void>;
}

/** S3's limit. */
export const MAX_PARTS = 10_000;
/** The time limit for cleaning up. The bucket's lifecycle rule removes the rest. */
const ABORT_MS = 10_000;

export async function startMultipartUpload(
  { client, uploadPart }: { readonly client: Pick<S3Client, 'send'>; readonly uploadPart: UploadPart },
  { bucket, key }: ObjectRef,
  storedAs: StoredAs,
  signal: AbortSignal,
): Promise<MultipartUpload> {
  const target = { Bucket: bucket, Key: key };
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      ...target,
      ...storedAs,
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
    }),
    { abortSignal: signal },
  );
  if (!UploadId) throw new Error(`Cannot store "${key}": S3 started no upload`);
  const upload = { ...target, UploadId };
  const parts: CompletedPart[] = [];

  return {
    async add(number, bytes, crc, abortSignal) {
      const part = { bucket, key, uploadId: UploadId, number, bytes, crc };
      const { etag, crc32 } = await uploadPart(part, abortSignal);
      parts.push({ PartNumber: number, ETag: etag, ...(crc32 ? { ChecksumCRC32: crc32 } : {}) });
    },

    async complete({ crc32, sizeBytes }, abortSignal) {
      const Parts = parts.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
      await client.send(
        new CompleteMultipartUploadCommand({
          ...upload,
          MultipartUpload: { Parts },
          ChecksumType: 'FULL_OBJECT',
          ChecksumCRC32: crc32,
          MpuObjectSize: sizeBytes,
          IfNoneMatch: '*',
        }),
        { abortSignal },
      );
    },

    async abort() {
      await client.send(new AbortMultipartUploadCommand(upload), {
        abortSignal: AbortSignal.timeout(ABORT_MS),
      });
    },
  };
}

/**
 * Aborts open uploads that an earlier copy left behind, because their parts cost money and they must never complete. A
 * frozen function that resumes after another took over its claim may abort its successor's upload, once. The successor
 * then gets `NoSuchUpload` and copies again.
 */
export async function abortOpenUploads(
  client: Pick<S3Client, 'send'>,
  { bucket, key }: ObjectRef,
  signal: AbortSignal,
): Promise<void> {
  const { Uploads = [] } = await client.send(
    new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }),
    { abortSignal: signal },
  );
  const left = Uploads.filter(({ Key, UploadId }) => Key === key && UploadId !== undefined);
  for (const { UploadId } of left) {
    const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId });
    await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
      // The earlier copy may have ended it meanwhile.
      if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error;
    });
  }
}
