import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Digest } from './ordered-digest.ts';
import type { ObjectRef } from './types.ts';

export interface StoredAs {
  readonly ContentType: string;
  readonly ContentDisposition?: string;
}

/** An object that comes to be in parts: there is none until `complete`, and none at all after `abort`. */
export interface MultipartUpload {
  /** @param number - From 1 to 10,000. */
  add(number: number, bytes: Buffer, signal: AbortSignal): Promise<void>;
  /** S3 checks the size and sum of the whole before the object stands, and refuses if another stands there. */
  complete(digest: Digest, signal: AbortSignal): Promise<void>;
  abort(): Promise<void>;
}

/** S3 takes no more. */
export const MAX_PARTS = 10_000;
/** How long cleaning up may take: the bucket's lifecycle rule removes what is left. */
const ABORT_MS = 10_000;

export async function startMultipartUpload(
  client: Pick<S3Client, 'send'>,
  { bucket, key }: ObjectRef,
  storedAs: StoredAs,
  signal: AbortSignal,
): Promise<MultipartUpload> {
  const place = { Bucket: bucket, Key: key };
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      ...place,
      ...storedAs,
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
    }),
    { abortSignal: signal },
  );
  if (!UploadId) throw new Error(`Cannot store "${key}": S3 started no upload`);
  const upload = { ...place, UploadId };
  const parts: CompletedPart[] = [];

  return {
    async add(PartNumber, Body, abortSignal) {
      const command = new UploadPartCommand({ ...upload, PartNumber, Body, ChecksumAlgorithm: 'CRC32' });
      signWithoutBody(command);
      const { ETag, ChecksumCRC32 } = await client.send(command, { abortSignal });
      parts.push({ PartNumber, ETag, ...(ChecksumCRC32 ? { ChecksumCRC32 } : {}) });
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

/** The CRC-32 is signed and guards the bytes: a second SHA-256 of them, for the signature, would guard nothing more. */
function signWithoutBody(command: UploadPartCommand): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      return next(args);
    },
    { step: 'build', name: 'signWithoutBody' },
  );
}

/**
 * Ends uploads of an object that an earlier copy left behind: their parts cost, and must never complete. A holder that
 * thaws after its claim was taken over may so end an upload of its successor, once: the successor meets `NoSuchUpload`,
 * and copies again.
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
      // Whoever left it may have ended it meanwhile.
      if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error;
    });
  }
}
