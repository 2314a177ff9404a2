import type { AskS3 } from './ask-s3.ts';
import { createHeadOutput } from './head-output.ts';
import { keyBeside } from './key-beside.ts';
import type { Digest } from './ordered-digest.ts';
import { pauseBriefly } from './pause-briefly.ts';
import { statusOf } from './s3-refusal.ts';
import { headersFor, type StoredAs } from './stored-as.ts';
import type { ObjectRef } from './types.ts';

/** `stored`: written now. `same`: the key already has these bytes. `other`: it has other bytes, which stay. */
export type Stored = 'stored' | 'same' | 'other';

interface StoreOnceDeps {
  readonly ask: AskS3;
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
  { ask, pause = pauseBriefly }: StoreOnceDeps,
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
      if (code === 'exists') return (await isSame(ask, place, digest, signal)) ? 'same' : 'other';
      // The upload is gone: an earlier completion succeeded although its answer was lost, or another holder aborted it.
      if (code === 'noUpload' && (await isSame(ask, place, digest, signal))) return 'same';
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
  const headers = {
    ...headersFor(storedAs),
    'if-none-match': '*',
    // S3 verifies the checksum that the record keeps.
    'x-amz-checksum-sha256': Buffer.from(digest.sha256, 'hex').toString('base64'),
  };
  for (const candidate of [key, keyBeside(key, digest.sha256)]) {
    const place = { bucket, key: candidate };
    const purpose = `store "${candidate}"`;
    const write = () =>
      deps.ask({ ...place, method: 'PUT', headers, body: bytes, sha256: digest.sha256, purpose }, signal);
    if ((await storeOnce(deps, place, digest, write, signal)) !== 'other') return candidate;
  }
  throw new Error(`Cannot store "${key}": this key and its alternative already have other bytes`);
}

/**
 * Whether an object has this size and checksum. S3 has a SHA-256 after one PUT, and only a CRC-32 after a multipart
 * upload. The CRC-32 guards against accidents: two different outputs of one size share it once in four billion cases. If
 * the object is deleted or not readable, nothing proves that it is the same.
 */
async function isSame(
  ask: AskS3,
  place: ObjectRef,
  { sha256, crc32, sizeBytes }: Digest,
  signal?: AbortSignal,
): Promise<boolean> {
  const standing = await createHeadOutput(ask)(place, signal);
  if (standing?.sizeBytes !== sizeBytes) return false;
  return standing.sha256 === undefined ? standing.crc32 === crc32 : standing.sha256 === sha256;
}

function codeOf(error: unknown): 'exists' | 'conflict' | 'noUpload' | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'NoSuchUpload') return 'noUpload';
  if (statusOf(error) === 412) return 'exists';
  return statusOf(error) === 409 ? 'conflict' : undefined;
}
