import { expect, it } from 'vitest';
import { createBufferPool } from '../../functions/outputs/buffer-pool.ts';
import { copyInLanes } from '../../functions/outputs/copy-in-lanes.ts';

/** A copy of `parts` parts, each of which takes as long as `work`, with eight buffers at most. */
function copyWorld(parts: number, work: () => Promise<void>) {
  const pool = createBufferPool({ count: 8, sizeBytes: 1 });
  const used = new Set<Buffer>();
  let begun = 0;
  const { signal } = new AbortController();
  const first = pool.tryTake() ?? Buffer.alloc(1);
  const copied = copyInLanes(Promise.resolve(), {
    first,
    pool,
    fairShare: () => 8,
    copyNext: (buffer) => {
      used.add(buffer);
      begun += 1;
      return work();
    },
    isOver: () => begun >= parts,
    fail: (error) => {
      throw error;
    },
    signal,
  });
  return { copied, used };
}

it('uses few buffers while the processor is busy', async () => {
  const { copied, used } = copyWorld(12, async () => {
    const until = performance.now() + 10;
    while (performance.now() < until);
  });

  await copied;

  expect(used.size).toBeLessThanOrEqual(4);
});

it('uses all buffers if the processor waits for the host', async () => {
  const held: (() => void)[] = [];
  const { copied, used } = copyWorld(8, () => new Promise((resolve) => held.push(resolve)));

  await expect.poll(() => used.size, { timeout: 20_000 }).toBe(8);

  for (const answer of held) answer();
  await copied;
});
