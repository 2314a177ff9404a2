import { performance } from 'node:perf_hooks';
import type { BufferPool } from './buffer-pool.ts';

export interface Lanes {
  /** The copy's own buffer. It is never given back here. */
  readonly first: Buffer;
  readonly pool: Pick<BufferPool, 'tryTake' | 'give'>;
  /** The number of buffers that this copy may have, now. */
  readonly fairShare: () => number;
  /** Reads the next part into a buffer and stores it. Settles once the buffer is free again. */
  readonly copyNext: (buffer: Buffer) => Promise<void>;
  /** Whether the end was read. */
  readonly isOver: () => boolean;
  readonly fail: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** As many buffers as keep a processor busy. More of them cost memory and the processor's cache, and gain nothing. */
const BUSY_LANES = 4;
const LOOK_MS = 25;

/**
 * Copies part after part with several buffers side by side. After each part, the copy gives back a buffer that another
 * copy should have, or takes one that is free. It takes more than a few only while the processor idles, because the host
 * or S3 is slow. Resolves once no part is under way. Never rejects: `fail` hears why.
 * @param begun - The part that the first buffer holds already.
 */
export async function copyInLanes(
  begun: Promise<void>,
  { first, pool, fairShare, copyNext, isOver, fail, signal }: Lanes,
): Promise<void> {
  let buffers = 0;
  let mostBuffers = BUSY_LANES;
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
      // Also after a failure: `copyNext` has ended.
      if (buffer !== first) pool.give(buffer);
    }
  }

  function takeFreeBuffers(): void {
    while (buffers < Math.min(fairShare(), mostBuffers) && !isOver() && !signal.aborted) {
      const buffer = pool.tryTake();
      if (buffer === undefined) return;
      lanes.push(runLane(buffer));
    }
  }

  let before = performance.eventLoopUtilization();
  const look = setInterval(() => {
    const { utilization } = performance.eventLoopUtilization(before);
    before = performance.eventLoopUtilization();
    if (utilization > 0.5) return;
    mostBuffers += 1;
    takeFreeBuffers();
  }, LOOK_MS);

  lanes.push(runLane(first, begun));
  takeFreeBuffers();
  // The array grows meanwhile.
  for (const lane of lanes) await lane;
  clearInterval(look);
}
