import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** An odd length, so that no part of the file equals another. */
const BLOCK_BYTES = 1024 * 1024 - 3;

/** The block that the file repeats. */
export function fileBlock(): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  let state = 42;
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    block[at] = state >>> 24;
  }
  return block;
}

/** Yields the bytes from `from` (inclusive) to `to` (exclusive) in slices. */
export function* fileSlices(block: Buffer, from: number, to: number): Generator<Buffer> {
  for (let at = from; at < to; ) {
    const offset = at % block.length;
    const slice = block.subarray(offset, Math.min(block.length, offset + to - at, offset + 256 * 1024));
    yield slice;
    at += slice.length;
  }
}

export function fileSha256(sizeBytes: number): string {
  const hash = createHash('sha256');
  for (const slice of fileSlices(fileBlock(), 0, sizeBytes)) hash.update(slice);
  return hash.digest('hex');
}

export async function writeFileOf(name: string, sizeBytes: number): Promise<void> {
  const handle = await open(name, 'w');
  try {
    for (const slice of fileSlices(fileBlock(), 0, sizeBytes)) await handle.writeFile(slice);
  } finally {
    await handle.close();
  }
}
