import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { keyBeside } from './key-beside.ts';
import type { StoredAs } from './multipart-upload.ts';
import type { Digest } from './ordered-digest.ts';
import { pauseBriefly } from './pause-briefly.ts';
import type { ObjectRef } from './types.ts';

/** `stored`: written now. `same`: the key already has these bytes. `other`: it has other bytes, which stay. */
export type Stored = 'stored' | 'same' | 'other';

interface StoreOnceDeps {
  readonly client: Pick<S3Client, 'send'>;
  readonly pause?: (attempt: number, signal?: AbortSignal) => Promise<void>;
}

/** A write fails after this many conflicts in a row. */
const MAX_CONFLICTS = 4;

/**
 * Writes an object if its key is free. If S3 refuses, compares the existing object: an earlier try may have written it
 * although its answer was lost, or another holder of the claim may have.
 * @param write - Must send `If-None-Match: *`.
 */
export async function storeOnce(
  { client, pause = pauseBriefly }: StoreOnceDeps,
  place: ObjectRef,
  digest: Digest,
  write: () => Promise<unknown>,
  signal?: AbortSignal,
): Promise<Stored> {
  for (let conflicts = 1; ; conflicts += 1) {
    try {
      await write();
      return 'stored';
    } catch (error) {
      const code = codeOf(error);
      if (code === 'conflict' && conflicts < MAX_CONFLICTS) {
        // Another write or a deletion is in progress. Try again once it has ended.
        await pause(conflicts, signal);
        continue;
      }
      if (code === 'exists') return (await isSame(client, place, digest, signal)) ? 'same' : 'other';
      // The upload is gone: an earlier completion succeeded although its answer was lost, or another holder aborted it.
      if (code === 'noUpload' && (await isSame(client, place, digest, signal))) return 'same';
      throw error;
    }
  }
}

/**
 * Stores bytes under their key, or under an alternative key if that one has other bytes.
 * @returns The key used.
 */
export async function putOnce(
  deps: StoreOnceDeps,
  { bucket, key }: ObjectRef,
  bytes: Buffer,
  digest: Digest,
  storedAs: StoredAs,
  signal?: AbortSignal,
): Promise<string> {
  for (const candidate of [key, keyBeside(key, digest.sha256)]) {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: candidate,
      Body: bytes,
      ContentLength: bytes.length,
      // S3 verifies the checksum that the record keeps.
      ChecksumSHA256: Buffer.from(digest.sha256, 'hex').toString('base64'),
      IfNoneMatch: '*',
      ...storedAs,
    });
    signWithSha256(command, digest.sha256);
    const write = () => deps.client.send(command, signal && { abortSignal: signal });
    if ((await storeOnce(deps, { bucket, key: candidate }, digest, write, signal)) !== 'other')
      return candidate;
  }
  throw new Error(`Cannot store "${key}": this key and its alternative already have other bytes`);
}

/** The signature covers the SHA-256 of the body. The SDK would compute it again. */
function signWithSha256({ middlewareStack }: PutObjectCommand, sha256: string): void {
  middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'signWithSha256' },
  );
}

/**
 * Whether an object has this size and checksum. S3 has a SHA-256 after one PUT, and only a CRC-32 after a multipart
 * upload. The CRC-32 guards against accidents: two different outputs of one size share it once in four billion cases.
 */
async function isSame(
  client: Pick<S3Client, 'send'>,
  { bucket, key }: ObjectRef,
  { sha256, crc32, sizeBytes }: Digest,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    const { ContentLength, ChecksumSHA256, ChecksumCRC32 } = await client.send(
      new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' }),
      signal && { abortSignal: signal },
    );
    if (ContentLength !== sizeBytes) return false;
    if (ChecksumSHA256 !== undefined) return ChecksumSHA256 === Buffer.from(sha256, 'hex').toString('base64');
    return ChecksumCRC32 === crc32;
  } catch (error) {
    // The object is deleted or not readable, so nothing proves that it is the same.
    if (statusOf(error) === 404 || statusOf(error) === 403) return false;
    throw error;
  }
}

function codeOf(error: unknown): 'exists' | 'conflict' | 'noUpload' | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'NoSuchUpload') return 'noUpload';
  if (statusOf(error) === 412) return 'exists';
  return statusOf(error) === 409 ? 'conflict' : undefined;
}

function statusOf(error: unknown): number | undefined {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  return (metadata as { httpStatusCode?: number } | undefined)?.httpStatusCode;
}
