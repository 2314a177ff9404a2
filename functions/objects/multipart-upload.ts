import type { AskS3 } from './ask-s3.ts';
import { type Digest, spellCrc32 } from './ordered-digest.ts';
import { headersFor, type StoredAs } from './stored-as.ts';
import type { ObjectRef } from './types.ts';
import { elementOf, elementsOf, encodeXml } from './xml.ts';

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
/** S3 may put a large object together for several minutes. Meanwhile it sends spaces. */
const COMPLETE_MS = 10 * 60_000;

/**
 * @param signal - Is heeded late: an upload that S3 has started must be known, so that it can be aborted. But a function
 *   has no more than a minute to stop.
 */
export async function startMultipartUpload(
  ask: AskS3,
  place: ObjectRef,
  storedAs: StoredAs,
  signal: AbortSignal,
): Promise<MultipartUpload> {
  const { key } = place;
  const late = abortLater(signal, ABORT_MS);
  const created = await ask(
    {
      ...place,
      method: 'POST',
      query: { uploads: '' },
      headers: {
        ...headersFor(storedAs),
        'x-amz-checksum-algorithm': 'CRC32',
        'x-amz-checksum-type': 'FULL_OBJECT',
      },
      purpose: `start an upload of "${key}"`,
      isComplete: ({ text }) => Boolean(elementOf(text, 'UploadId')),
    },
    late.signal,
  ).finally(late.stop);
  const uploadId = elementOf(created.text, 'UploadId') ?? '';
  /** In XML, by their number. */
  const parts = new Map<number, string>();

  return {
    async add(number, bytes, crc, abortSignal) {
      const { headers } = await ask(
        {
          ...place,
          method: 'PUT',
          query: { partNumber: String(number), uploadId },
          headers: { 'x-amz-checksum-crc32': spellCrc32(crc) },
          body: bytes,
          purpose: `store part ${number} of "${key}"`,
          isComplete: ({ headers: { etag } }) => etag !== undefined,
        },
        abortSignal,
      );
      // Absent if S3 does not repeat it.
      const sum = headers['x-amz-checksum-crc32'];
      const facts = { ETag: headers.etag, ChecksumCRC32: sum?.toString(), PartNumber: String(number) };
      parts.set(number, spellElements(facts));
    },

    async complete({ crc32, sizeBytes }, abortSignal) {
      const inOrder = [...parts].sort(([one], [other]) => one - other);
      const listed = inOrder.map(([, part]) => `<Part>${part}</Part>`).join('');
      await ask(
        {
          ...place,
          method: 'POST',
          query: { uploadId },
          headers: {
            'content-type': 'application/xml',
            'if-none-match': '*',
            'x-amz-checksum-crc32': crc32,
            'x-amz-checksum-type': 'FULL_OBJECT',
            'x-amz-mp-object-size': String(sizeBytes),
          },
          body: `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed}</CompleteMultipartUpload>`,
          purpose: `complete the upload of "${key}"`,
          answerMs: COMPLETE_MS,
          isComplete: ({ text }) => text.includes('<CompleteMultipartUploadResult'),
        },
        abortSignal,
      );
    },

    abort: () => abortUpload(ask, place, uploadId, AbortSignal.timeout(ABORT_MS)),
  };
}

/**
 * Aborts open uploads that an earlier copy left behind, because their parts cost money and they must never complete. A
 * frozen function that resumes after another took over its claim may abort its successor's upload, once. The successor
 * then gets `NoSuchUpload` and copies again.
 */
export async function abortOpenUploads(ask: AskS3, place: ObjectRef, signal: AbortSignal): Promise<void> {
  const { bucket, key } = place;
  const query = { prefix: key, uploads: '' };
  const purpose = `list the open uploads of "${key}"`;
  const { text } = await ask({ method: 'GET', bucket, query, purpose }, signal);
  for (const upload of elementsOf(text, 'Upload')) {
    const uploadId = elementOf(upload, 'UploadId');
    if (elementOf(upload, 'Key') !== key || uploadId === undefined) continue;
    await abortUpload(ask, place, uploadId, signal).catch((error: unknown) => {
      // The earlier copy may have ended it meanwhile.
      if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error;
    });
  }
}

async function abortUpload(
  ask: AskS3,
  place: ObjectRef,
  uploadId: string,
  signal: AbortSignal,
): Promise<void> {
  const purpose = `abort an upload of "${place.key}"`;
  await ask({ ...place, method: 'DELETE', query: { uploadId }, purpose }, signal);
}

/** @returns A signal that is aborted so long after the other one, and what stops waiting for that. */
function abortLater(signal: AbortSignal, delayMs: number) {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer = setTimeout(() => late.abort(signal.reason), delayMs);
  };
  signal.addEventListener('abort', begin, { once: true });
  const stop = () => {
    signal.removeEventListener('abort', begin);
    clearTimeout(timer);
  };
  return { signal: late.signal, stop };
}

const spellElements = (facts: Readonly<Record<string, string | undefined>>): string =>
  Object.entries(facts)
    .map(([name, text]) => (text === undefined ? '' : `<${name}>${encodeXml(text)}</${name}>`))
    .join('');
