import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** A file's content, in memory, on disk or generated. */
export interface StoredBytes {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Reads from `start` to `end`, both inclusive. */
  read(start: number, end: number): Readable;
  all(): Promise<Buffer>;
  remove(): Promise<void>;
}

/** Larger content is stored on disk. */
const MEMORY_BYTES = 256 * 1024;

export class TooLargeError extends Error {}

/**
 * Stores a stream's content, in memory if it is small.
 * @throws {TooLargeError} If there are more than `limitBytes`. The stream is still read to its end.
 */
export async function storeStream(
  chunks: AsyncIterable<Buffer>,
  directory: string,
  limitBytes = Number.POSITIVE_INFINITY,
): Promise<StoredBytes> {
  const hash = createHash('sha256');
  const path = join(directory, crypto.randomUUID());
  const held: Buffer[] = [];
  let file: ReturnType<typeof createWriteStream> | undefined;
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) continue;
    hash.update(chunk);
    // A copy, because a slice would keep its whole buffer in memory.
    if (!file) held.push(Buffer.from(chunk));
    if (!file && sizeBytes > MEMORY_BYTES) {
      // The next `await` reports an error. Without this listener, the error would end the process.
      file = createWriteStream(path).on('error', () => {});
      for (const early of held) file.write(early);
    } else if (file && !file.write(chunk)) await once(file, 'drain');
  }
  if (file) await finished(file.end());
  if (sizeBytes > limitBytes) {
    await rm(path, { force: true });
    throw new TooLargeError(`More than ${limitBytes} bytes`);
  }
  const sha256 = hash.digest('hex');
  return file ? onDisk(path, sizeBytes, sha256) : inMemory(Buffer.concat(held), sha256);
}

export function storeBuffer(bytes: Buffer): StoredBytes {
  return inMemory(bytes, createHash('sha256').update(bytes).digest('hex'));
}

function inMemory(bytes: Buffer, sha256: string): StoredBytes {
  return {
    sizeBytes: bytes.length,
    sha256,
    read: (start, end) => Readable.from([bytes.subarray(start, end + 1)], { objectMode: false }),
    all: async () => bytes,
    remove: async () => {},
  };
}

export function onDisk(path: string, sizeBytes: number, sha256: string): StoredBytes {
  return {
    sizeBytes,
    sha256,
    read: (start, end) => createReadStream(path, { start, end }),
    all: () => readFile(path),
    remove: () => rm(path, { force: true }),
  };
}

const BLOCK_BYTES = 256 * 1024;

/** Generates any number of pseudo-random bytes on the fly, from any offset: the key stream of AES in counter mode. */
export function generateBytes(seed: string, sizeBytes: number): StoredBytes {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16);

  function* blocks(start: number, end: number): Generator<Buffer> {
    const counter = Buffer.alloc(16);
    counter.writeBigUInt64BE(BigInt(Math.floor(start / 16)), 8);
    const cipher = createCipheriv('aes-128-ctr', key, counter);
    cipher.update(Buffer.alloc(start % 16));
    for (let at = start; at <= end; at += BLOCK_BYTES)
      yield cipher.update(Buffer.alloc(Math.min(BLOCK_BYTES, end + 1 - at)));
  }

  return {
    sizeBytes,
    // Only the ETag depends on this hash, so it does not cover the gigabytes themselves.
    sha256: createHash('sha256').update(`${seed}/${sizeBytes}`).digest('hex'),
    read: (start, end) => Readable.from(blocks(start, end), { objectMode: false }),
    all: async () => Buffer.concat([...blocks(0, sizeBytes - 1)]),
    remove: async () => {},
  };
}
