import { beforeEach, describe, expect, it, vi } from 'vitest';
import { collectInTurn } from '../../functions/collect/collect.ts';
import { log } from '../../functions/runtime/log.ts';

beforeEach(() => {
  vi.spyOn(log, 'warn').mockReturnValue(undefined);
});

/** A function of 900 seconds. Each copy takes a given time and names the next generation. */
async function chain(names: readonly string[], takesSeconds: number, { fails = '' } = {}) {
  let leftMs = 900_000;
  const collected: string[] = [];
  const again: string[] = [];
  const ending = collectInTurn(names[0] ?? '', {
    async collect(id, { collectNext, isChained }) {
      collected.push(`${id}${isChained ? ' (chained)' : ''}`);
      leftMs -= takesSeconds * 1_000;
      const next = names[names.indexOf(id) + 1];
      if (next !== undefined) collectNext(next);
      if (id === fails) throw new Error('The table is away');
    },
    collectAgain: async (id) => void again.push(id),
    remainingMs: () => leftMs,
  });
  return { ending, collected, again };
}

describe('what a function collects after the first', () => {
  it('is each generation that is named, one after the other, while nearly the whole time is left', async () => {
    const { ending, collected, again } = await chain(['a', 'b', 'c', 'd', 'e'], 50);
    await ending;

    expect(collected).toEqual(['a', 'b (chained)', 'c (chained)']);
    expect(again).toEqual(['d']);
  });

  it('is none once a copy took long: the next gets an invocation of its own', async () => {
    const { ending, collected, again } = await chain(['a', 'b'], 449);
    await ending;

    expect([collected, again]).toEqual([['a'], ['b']]);
  });

  it('is also a generation named by one that fails; Lambda repeats only the first', async () => {
    const first = await chain(['a', 'b'], 1, { fails: 'a' });
    await expect(first.ending).rejects.toThrow('The table is away');
    expect(first.collected).toEqual(['a', 'b (chained)']);

    const second = await chain(['a', 'b', 'c'], 1, { fails: 'b' });
    await second.ending;
    expect(second.collected).toEqual(['a', 'b (chained)', 'c (chained)']);
  });
});
