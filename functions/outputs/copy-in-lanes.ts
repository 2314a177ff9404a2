import type { BufferPool } from './buffer-pool.ts';

export interface Lanes {
  /** The copy's own buffer. It is never given back here. */
  readonly first: Buffer;
  readonly pool: Pick<BufferPool, 'tryTake' | 'give'>;
  /** The number of buffers that this copy may have, now. */
  readonly fairShare: () => number;
  /** Reads the next part into a buffer and stores it. Resolves once the buffer is free again. */
  readonly copyNext: (buffer: Buffer) => Promise<void>;
  /** Whether the end was read. */
  readonly isOver: () => boolean;
  readonly fail: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/**
 * Copies part after part with several buffers side by side. After each part, the copy gives back a buffer that another
 * copy should have, or takes one that is free. Resolves once no part is under way. Never rejects: `fail` hears why.
 * @param begun - The part that the first buffer holds already.
 */
export async function copyInLanes(
  begun: Promise<void>,
  { first, pool, fairShare, copyNext, isOver, fail, signal }: Lanes,
): Promise<void> {
  let buffers = 0;
  const lanes: Promise<void>[] = [];

  async function runLane(buffer: Buffer, part?: Promise<void>): Promise<void> {
    buffers += 1;
    try {
      await part;
      while (!isOver() && (buffer === first || buffers <= fairShare())) {
        takeFreeBuffers();
        await copyNext(buffer);
      }
    } catch (error) {
      fail(error);
    } finally {
      buffers -= 1;
      if (buffer !== first) pool.give(buffer, !signal.aborted);
    }
  }

  function takeFreeBuffers(): void {
    while (buffers < fairShare()) {
      const buffer = pool.tryTake();
      if (buffer === undefined) return;
      lanes.push(runLane(buffer));
    }
  }

  lanes.push(runLane(first, begun));
  takeFreeBuffers();
  // The array grows meanwhile.
  for (const lane of lanes) await lane;
}
