import { setTimeout as wait } from 'node:timers/promises';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type BufferPool, createBufferPool } from './buffer-pool.ts';
import { decideContentType, isShownInline } from './content-type.ts';
import type { OutputFetcher } from './fetch-output.ts';
import { abortOpenUploads, MAX_PARTS, type StoredAs, startMultipartUpload } from './multipart-upload.ts';
import { createOrderedDigest } from './ordered-digest.ts';
import { type OutputReader, openOutput } from './read-output.ts';
import type { CopiedOutput, OutputCopier, OutputToCopy } from './types.ts';

export interface OutputCopierDeps {
  readonly client: Pick<S3Client, 'send'>;
  readonly fetcher: Pick<OutputFetcher, 'fetch'>;
  /** A larger output is refused. @default 50 GiB: more than a Lambda function copies in its 15 minutes */
  readonly maxBytes?: number;
  /** Waits before a broken connection is replaced. @default - 0.1 s, 0.2 s, 0.4 s, give or take half */
  readonly pause?: (attempt: number, signal: AbortSignal) => Promise<void>;
}

const MIB = 1024 * 1024;
const MAX_BYTES = 50 * 1024 * MIB;
const MIN_PART_BYTES = 8 * MIB;
/** Of one copy: what the network carries, and what a small function's processor digests. */
const PARTS_SIDE_BY_SIDE = 4;
/** Of all copies of a container together, in buffers of one part each. */
const BUFFERS = 8;

/**
 * Copies outputs from their host to S3, within a fixed number of buffers however large they are and however
 * many are copied at once. What fits into one buffer is one PUT, anything larger a multipart upload; either
 * way there is no object until it is complete and S3 has checked it.
 */
export function createOutputCopier({
  client,
  fetcher,
  maxBytes = MAX_BYTES,
  pause = pauseBriefly,
}: OutputCopierDeps): OutputCopier {
  // The cap decides the parts' size once: even an output of unknown length fits into S3's 10,000.
  const partBytes = Math.max(MIN_PART_BYTES, Math.ceil(maxBytes / MAX_PARTS / MIB) * MIB);
  const pool = createBufferPool({ count: BUFFERS, sizeBytes: partBytes });

  async function putWhole(output: OutputToCopy, bytes: Buffer, storedAs: StoredAs, signal: AbortSignal) {
    const digest = createOrderedDigest(0);
    await digest.add(0, bytes);
    const { sha256, sizeBytes } = digest.end();
    await client.send(
      new PutObjectCommand({
        Bucket: output.bucket,
        Key: output.key,
        Body: bytes,
        ContentLength: sizeBytes,
        // S3 checks the very sum that the record keeps.
        ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
        ...storedAs,
      }),
      { abortSignal: signal },
    );
    return { sha256, sizeBytes };
  }

  async function putInParts(
    output: OutputToCopy,
    reader: OutputReader,
    first: Buffer,
    storedAs: StoredAs,
    scope: AbortController,
  ) {
    const { signal } = scope;
    await abortOpenUploads(client, output, signal);
    const upload = await startMultipartUpload(client, output, storedAs, signal);
    const digest = createOrderedDigest(0);
    let nextPart = 1;
    let isEnded = false;

    /** Digests and uploads a part; its buffer is free again once both are over, however they end. */
    async function store(part: number, bytes: Buffer): Promise<void> {
      await settleAll([digest.add(part, bytes), upload.add(part + 1, bytes, signal)], giveUp);
    }
    function giveUp(error: unknown): void {
      scope.abort(error);
      digest.fail(error);
    }
    async function storeFurtherParts(buffer: Buffer): Promise<void> {
      while (!isEnded) {
        const part = nextPart;
        nextPart += 1;
        const filled = await reader.read(part, buffer);
        if (filled < buffer.length) isEnded = true;
        if (filled > 0) await store(part, buffer.subarray(0, filled));
      }
    }

    const further = lendFurther(pool, PARTS_SIDE_BY_SIDE - 1);
    try {
      await settleAll(
        [store(0, first).then(() => storeFurtherParts(first)), ...further.map(storeFurtherParts)],
        giveUp,
      );
      const whole = digest.end();
      await upload.complete(whole, signal);
      return whole;
    } catch (error) {
      giveUp(error);
      // Nothing of ours is under way any more, so no part can slip in behind this.
      await upload.abort().catch(() => {}); // the next copy, or the bucket's lifecycle rule, removes it
      throw error;
    } finally {
      for (const buffer of further) pool.give(buffer, !signal.aborted);
    }
  }

  return {
    async copy(output, caller): Promise<CopiedOutput> {
      const scope = new AbortController();
      const stop = () => scope.abort(caller?.reason);
      caller?.addEventListener('abort', stop, { once: true });
      if (caller?.aborted) stop();
      const { signal } = scope;
      try {
        const first = await pool.take(signal);
        let reader: OutputReader | undefined;
        try {
          reader = await openOutput({ fetcher, maxBytes, pause }, { ...output, signal }, first);
          const bytes = first.subarray(0, reader.firstBytes);
          const contentType = decideContentType({
            head: bytes,
            name: output.key,
            ...(reader.contentType === undefined ? {} : { header: reader.contentType }),
            ...(output.contentType === undefined ? {} : { record: output.contentType }),
          });
          const storedAs: StoredAs = {
            ContentType: contentType,
            ...(isShownInline(contentType) ? {} : { ContentDisposition: 'attachment' }),
          };
          const { sha256, sizeBytes } = reader.isWhole
            ? await putWhole(output, bytes, storedAs, signal)
            : await putInParts(output, reader, first, storedAs, scope);
          return { bucket: output.bucket, key: output.key, contentType, sizeBytes, sha256 };
        } catch (error) {
          scope.abort(error);
          // What failed first says why; the rest only followed.
          throw signal.reason;
        } finally {
          reader?.close();
          pool.give(first, !signal.aborted);
        }
      } finally {
        caller?.removeEventListener('abort', stop);
      }
    },
  };
}

function lendFurther(pool: BufferPool, atMost: number): readonly Buffer[] {
  const lent = Array.from({ length: atMost }, () => pool.tryTake());
  return lent.filter((buffer) => buffer !== undefined);
}

/** Waits for all to be over, then throws what failed first, if anything did. */
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

async function pauseBriefly(attempt: number, signal: AbortSignal): Promise<void> {
  await wait(100 * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, { signal });
}
