import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { keyBeside } from './key-beside.ts';
import type { StoredAs } from './multipart-upload.ts';
import type { Digest } from './ordered-digest.ts';
import { pauseBriefly } from './pause-briefly.ts';
import type { ObjectRef } from './types.ts';

/** `stored` by us; the `same` bytes stand there already, by whoever; or `other` ones do, which stay. */
export type Stored = 'stored' | 'same' | 'other';

interface StoreOnceDeps {
  readonly client: Pick<S3Client, 'send'>;
  readonly pause?: (attempt: number, signal?: AbortSignal) => Promise<void>;
}

/** With so many conflicts in a row one write is given up. */
const MAX_CONFLICTS = 4;

/**
 * Makes one write on condition that nothing stands at its place, and finds out what does stand where S3 refuses it:
 * the answer to an earlier try of ours may have been lost, or another holder of the claim has come to the same end.
 * @param write - Sent with `If-None-Match: *`.
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
        // Another write or a deletion was under way: asked again, S3 knows how that ended.
        await pause(conflicts, signal);
        continue;
      }
      if (code === 'stands') return (await isSame(client, place, digest, signal)) ? 'same' : 'other';
      // The parts are gone: by the completion whose answer was lost, or by another holder who swept them away.
      if (code === 'noUpload' && (await isSame(client, place, digest, signal))) return 'same';
      throw error;
    }
  }
}

/**
 * Stores bytes that are at hand, beside whatever other bytes stand at their place.
 * @returns The key that they have.
 */
export async function putOnce(
  deps: StoreOnceDeps,
  { bucket, key }: ObjectRef,
  bytes: Buffer,
  digest: Digest,
  storedAs: StoredAs,
  signal?: AbortSignal,
): Promise<string> {
  for (const place of [key, keyBeside(key, digest.sha256)]) {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: place,
      Body: bytes,
      ContentLength: bytes.length,
      // S3 checks the very sum that the record keeps.
      ChecksumSHA256: Buffer.from(digest.sha256, 'hex').toString('base64'),
      IfNoneMatch: '*',
      ...storedAs,
    });
    const write = () => deps.client.send(command, signal && { abortSignal: signal });
    if ((await storeOnce(deps, { bucket, key: place }, digest, write, signal)) !== 'other') return place;
  }
  throw new Error(`Cannot store "${key}": other bytes stand there, and beside it`);
}

/**
 * Whether an object has this size and this sum: SHA-256 where S3 keeps that, which is where it came in one PUT;
 * CRC-32 of the whole where it came in parts, for which S3 knows no SHA-256. That is a guard against accidents: two
 * different outputs of one size share a CRC-32 once in four thousand million times.
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
    // Gone again, or not for us to look at: then nothing says that it is the same.
    if (statusOf(error) === 404 || statusOf(error) === 403) return false;
    throw error;
  }
}

function codeOf(error: unknown): 'stands' | 'conflict' | 'noUpload' | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'NoSuchUpload') return 'noUpload';
  if (statusOf(error) === 412) return 'stands';
  return statusOf(error) === 409 ? 'conflict' : undefined;
}

function statusOf(error: unknown): number | undefined {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  return (metadata as { httpStatusCode?: number } | undefined)?.httpStatusCode;
}
