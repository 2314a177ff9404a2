import { crc32 } from 'node:zlib';
import type { AskS3 } from '../objects/ask-s3.ts';
import { keyBeside } from '../objects/key-beside.ts';
import { abortOpenUploads, MAX_PARTS, startMultipartUpload } from '../objects/multipart-upload.ts';
import { createOrderedDigest, type Digest, digestOf } from '../objects/ordered-digest.ts';
import { pauseBriefly } from '../objects/pause-briefly.ts';
import type { OpenSha256 } from '../objects/running-sha256.ts';
import { putOnce, storeOnce } from '../objects/store-once.ts';
import type { StoredAs } from '../objects/stored-as.ts';
import type { ObjectRef } from '../objects/types.ts';
import { createBufferPool } from './buffer-pool.ts';
import { decideContentType, isShownInline } from './content-type.ts';
import { copyInLanes } from './copy-in-lanes.ts';
import { OutputUnavailableError } from './errors.ts';
import type { OutputFetcher } from './fetch-output.ts';
import { judgeOutput } from './judge-output.ts';
import { type OutputReader, openOutput } from './read-output.ts';
import type { CopiedOutput, OutputCopier, OutputToCopy } from './types.ts';

export interface OutputCopierDeps {
  readonly ask: AskS3;
  readonly fetcher: Pick<OutputFetcher, 'fetch' | 'fetchInto'>;
  /** A larger output is refused. @default 50 GiB, more than a Lambda function copies in 15 minutes */
  readonly maxBytes?: number;
  /** Waits before it replaces a broken connection. @default - 0.1 s, 0.2 s, 0.4 s, plus or minus half */
  readonly pause?: (attempt: number, signal?: AbortSignal) => Promise<void>;
  /** Digests large outputs on another thread. @default - on this one */
  readonly openSha256?: OpenSha256 | undefined;
}

const MIB = 1024 * 1024;
const MAX_BYTES = 50 * 1024 * MIB;
const MIN_PART_BYTES = 8 * MIB;
/** Buffers of one part each, for all copies of a container together. One copy by itself uses them all. */
const BUFFERS = 8;

/**
 * Copies outputs from their host to S3 within a fixed number of buffers, whatever their size and number. An output that
 * fits into one buffer is one PUT. A larger one is a multipart upload. Either way the object appears once it is complete
 * and S3 has checked it. An existing object is never replaced: if other bytes have the key, the output gets a key beside
 * them (`keyBeside`).
 */
export function createOutputCopier({
  ask,
  fetcher,
  maxBytes = MAX_BYTES,
  pause = pauseBriefly,
  openSha256,
}: OutputCopierDeps): OutputCopier {
  // The maximum size decides the size of a part. So even an output of unknown length fits into S3's 10,000 parts.
  const partBytes = Math.max(MIN_PART_BYTES, Math.ceil(maxBytes / MAX_PARTS / MIB) * MIB);
  const pool = createBufferPool({ count: BUFFERS, sizeBytes: partBytes, isShared: openSha256 !== undefined });
  let copying = 0;
  /** Buffers that one copy may have, now. */
  const fairShare = () => Math.ceil(BUFFERS / copying);

  async function putWhole(output: OutputToCopy, bytes: Buffer, storedAs: StoredAs, signal: AbortSignal) {
    const whole = digestOf(bytes);
    return { whole, key: await putOnce({ ask, pause }, output, bytes, whole, storedAs, signal) };
  }

  /**
   * Copies an output as a multipart upload, which begins while the first parts arrive. Several buffers work side by side
   * (`copyInLanes`). Each reads the next part, then digests and uploads it, until one reads the end. The first failure
   * aborts all of them.
   * @param first - Receives the first part.
   * @param only - The SHA-256 that the output must have.
   */
  async function putInParts(
    target: ObjectRef,
    reader: OutputReader,
    first: Buffer,
    storedAs: StoredAs,
    scope: AbortController,
    only?: string,
  ) {
    const { signal } = scope;
    const digest = createOrderedDigest(0, openSha256);
    const starting = startUpload();
    starting.catch(fail);

    async function startUpload() {
      await abortOpenUploads(ask, target, signal);
      signal.throwIfAborted();
      return startMultipartUpload(ask, target, storedAs, signal);
    }

    function fail(error: unknown): void {
      scope.abort(error);
      digest.fail(error);
    }

    /** Waits for both the digest and the upload, even if one fails: until then the buffer is in use. */
    function storePart(index: number, bytes: Buffer): Promise<void> {
      const crc = crc32(bytes);
      const uploading = starting.then((upload) => upload.add(index + 1, bytes, crc, signal));
      return settleAll([uploading, digest.add(index, bytes, crc)], fail);
    }

    let nextIndex = 1;
    let isEndRead = false;

    async function copyNext(buffer: Buffer): Promise<void> {
      const index = nextIndex;
      nextIndex += 1;
      const filled = await reader.read(index, buffer);
      if (filled < buffer.length) isEndRead = true;
      if (filled > 0) await storePart(index, buffer.subarray(0, filled));
    }

    async function copyAllParts(): Promise<Digest> {
      const isOver = () => isEndRead;
      const begun = reader.first.then((bytes) => storePart(0, first.subarray(0, bytes)));
      await copyInLanes(begun, { first, pool, fairShare, copyNext, isOver, fail, signal });
      signal.throwIfAborted();
      const whole = await digest.end();
      if (only !== undefined && whole.sha256 !== only)
        throw new OutputUnavailableError('Cannot fetch an output: it changed between two readings');
      return whole;
    }

    // Only called when no part is under way, so none slips in behind the abort. If it fails, the next copy or the
    // bucket's lifecycle rule removes what is left.
    const abortUpload = () => starting.then((upload) => upload.abort()).catch(() => {});

    try {
      const whole = await copyAllParts();
      const upload = await starting;
      const complete = () => upload.complete(whole, signal);
      const stored = await storeOnce({ ask, pause }, target, whole, complete, signal);
      if (stored !== 'stored') await abortUpload();
      return { whole, isOther: stored === 'other' };
    } catch (error) {
      fail(error);
      await abortUpload();
      throw error;
    }
  }

  /** @param only - The SHA-256 that the output must have if it comes in parts. */
  async function copyTo(output: OutputToCopy, scope: AbortController, only?: string): Promise<Copied> {
    const { signal } = scope;
    copying += 1;
    let first: Buffer | undefined;
    let reader: OutputReader | undefined;
    try {
      first = await pool.take(signal);
      reader = await openOutput({ fetcher, maxBytes, pause }, { ...output, signal }, first);
      const head = first.subarray(0, reader.headBytes);
      const judgement = judgeOutput({
        head,
        name: output.key,
        ...(output.contentType === undefined ? {} : { record: output.contentType }),
      });
      if (judgement.kind === 'notTheOutput')
        throw new OutputUnavailableError(
          `Cannot fetch an output: its host sent ${judgement.came} instead of ${judgement.wanted}`,
        );
      const { before } = output;
      if (before?.etag !== undefined && before.etag === reader.etag) {
        await reader.first; // its buffer is lent again
        const { differsFrom: _, ...same } = before;
        return { kind: 'copied', output: { ...same, ...differences(output, same.sizeBytes, judgement) } };
      }
      const contentType = decideContentType({
        head,
        name: output.key,
        ...(reader.contentType === undefined ? {} : { header: reader.contentType }),
        ...(output.contentType === undefined ? {} : { record: output.contentType }),
      });
      const storedAs: StoredAs = {
        contentType,
        ...(isShownInline(contentType) ? {} : { contentDisposition: 'attachment' }),
        ...(output.metadata === undefined ? {} : { metadata: output.metadata }),
      };
      const { bucket } = output;
      const reported = (sizeBytes: number) => ({
        ...(reader?.etag === undefined ? {} : { etag: reader.etag }),
        ...differences(output, sizeBytes, judgement),
      });
      if (reader.isWhole) {
        const bytes = first.subarray(0, await reader.first);
        const { whole, key } = await putWhole(output, bytes, storedAs, signal);
        const { sha256, sizeBytes } = whole;
        return {
          kind: 'copied',
          output: { bucket, key, contentType, sizeBytes, sha256, ...reported(sizeBytes) },
        };
      }
      const { whole, isOther } = await putInParts(output, reader, first, storedAs, scope, only);
      const { sha256, sizeBytes } = whole;
      if (isOther) return { kind: 'occupied', sha256 };
      const { key } = output;
      return {
        kind: 'copied',
        output: { bucket, key, contentType, sizeBytes, sha256, crc32: whole.crc32, ...reported(sizeBytes) },
      };
    } catch (error) {
      scope.abort(error);
      // Bytes may still arrive in the first buffer, and it is lent again.
      await reader?.first.catch(() => {});
      // The first failure says why. The others followed from it.
      throw signal.reason;
    } finally {
      reader?.close();
      if (first) pool.give(first);
      copying -= 1;
    }
  }

  return {
    async copy(output, caller): Promise<CopiedOutput> {
      const scope = new AbortController();
      const stop = () => scope.abort(caller?.reason);
      caller?.addEventListener('abort', stop, { once: true });
      if (caller?.aborted) stop();
      try {
        const copied = await copyTo(output, scope);
        if (copied.kind === 'copied') return copied.output;
        // The parts of an upload belong to one key. Another key needs another upload, so the output is read again.
        const { sha256 } = copied;
        const beside = await copyTo({ ...output, key: keyBeside(output.key, sha256) }, scope, sha256);
        if (beside.kind === 'copied') return beside.output;
        throw new Error(`Cannot store "${output.key}": other bytes have this key and the key beside it`);
      } finally {
        caller?.removeEventListener('abort', stop);
      }
    },
  };
}

type Copied =
  | { readonly kind: 'copied'; readonly output: CopiedOutput }
  /** Other bytes have the key. */
  | { readonly kind: 'occupied'; readonly sha256: string };

/** Compares with Wiro's record. A size of 0 says nothing: Wiro writes "0" for a number that it does not know. */
function differences(
  { sizeBytes: said }: OutputToCopy,
  sizeBytes: number,
  { differingType: contentType }: { readonly differingType?: string },
): Pick<CopiedOutput, 'differsFrom'> {
  const isOtherSize = Number.isSafeInteger(said) && said !== 0 && said !== sizeBytes;
  if (!isOtherSize && contentType === undefined) return {};
  return {
    differsFrom: {
      ...(isOtherSize && said !== undefined ? { sizeBytes: said } : {}),
      ...(contentType === undefined ? {} : { contentType }),
    },
  };
}

/** Waits until all have settled. Then throws the first error, if there is one. */
async function settleAll(
  running: readonly Promise<void>[],
  onFailure: (error: unknown) => void,
): Promise<void> {
  const results = await Promise.allSettled(
    running.map((promise) =>
      promise.catch((error: unknown) => {
        onFailure(error);
        throw error;
      }),
    ),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
