import { beforeEach, describe, expect, it, vi } from 'vitest';
import { log } from '../../functions/runtime/log.ts';
import { NewerVersionError } from '../../functions/store/stored-version.ts';
import type { SubmitEnd } from '../../functions/submit/submit-deps.ts';
import { submitInTurn } from '../../functions/submit/submit-in-turn.ts';
import { EXAMPLES } from '../generation/examples.ts';

beforeEach(() => {
  vi.spyOn(log, 'warn').mockReturnValue(undefined);
});

type Ending = SubmitEnd['kind'] | 'refused' | 'newer';

/** Sets the end of each submission, and what the gate admits after each. By default a task, and none. */
function turnWorld({
  ends = {},
  admitted = [],
  awaited = false,
  remainingMs = () => 1_000_000,
}: {
  ends?: Record<string, Ending[]>;
  admitted?: (string[] | Error)[];
  /** Whether the line has a generation that there is room for. */
  awaited?: boolean | Error;
  remainingMs?: () => number;
} = {}) {
  const submitted: string[] = [];
  const invoked: string[] = [];
  const joined: (string | undefined)[] = [];
  const asked: number[] = [];
  const freed: string[] = [];
  let [under, mostAtOnce] = [0, 0];
  return {
    asked,
    freed,
    mostAtOnce: () => mostAtOnce,
    submitted,
    invoked,
    joined,
    deps: {
      submitOne: async (id: string): Promise<SubmitEnd> => {
        submitted.push(id);
        under += 1;
        mostAtOnce = Math.max(mostAtOnce, under);
        await new Promise(setImmediate);
        under -= 1;
        const kind = ends[id]?.shift() ?? 'task';
        if (kind === 'newer') throw new NewerVersionError(id, 2);
        if (kind !== 'waiting' && kind !== 'refused') return { kind };
        return { kind: 'waiting', generation: { ...EXAMPLES.waiting, id }, wasRefused: kind === 'refused' };
      },
      gate: {
        free: async ({ id }: { id: string }, why: 'ended' | 'notRun') => {
          freed.push(`${id} ${why}`);
          return false;
        },
        admit: async (most: number, joining?: { id: string }) => {
          asked.push(most);
          joined.push(joining?.id);
          const next = admitted.shift() ?? [];
          if (next instanceof Error) throw next;
          return next;
        },
        isAwaited: async () => {
          if (awaited instanceof Error) throw awaited;
          return awaited;
        },
      },
      submit: async (id: string) => void invoked.push(id),
      remainingMs,
      durations: { markLease: 90_000 },
    },
  };
}

describe('submitInTurn', () => {
  describe.each([
    ['a task', { kind: 'task' }],
    ['joining the line', { kind: 'waiting', generation: EXAMPLES.waiting, wasRefused: false }],
  ] as const)('after %s', (_, end) => {
    it.each([
      [false, 0],
      [true, 1],
      [undefined, 1],
    ])('asks the gate for the line only if it may be awaited (%s)', async (isAwaited, times) => {
      const { deps, asked } = turnWorld();

      await submitInTurn({ ...deps, submitOne: async () => ({ ...end, isAwaited }) }, 'a');

      expect(asked).toHaveLength(times);
    });
  });

  it('skips generations of a newer release, gives their slots back, and serves the line behind them', async () => {
    const world = turnWorld({
      ends: { a: ['newer'], b: ['newer'] },
      admitted: [['b'], ['c']],
    });

    await submitInTurn(world.deps, 'a');

    expect(world.submitted).toEqual(['a', 'b', 'c']);
    expect(world.freed).toEqual(['a notRun', 'b notRun']);
  });

  it.each(['task', 'noTask', 'elsewhere'] as const)(
    'serves the line itself after %s, side by side',
    async (kind) => {
      const world = turnWorld({ ends: { a: [kind] }, admitted: [['b', 'c', 'd']] });

      await submitInTurn(world.deps, 'a');

      expect([world.submitted, world.mostAtOnce(), world.invoked]).toEqual([['a', 'b', 'c', 'd'], 3, []]);
    },
  );

  it('asks for four at most, the number that it submits at once, however they end', async () => {
    const world = turnWorld({
      admitted: [['b', 'c', 'd', 'e'], ['f'], ['g'], ['h'], ['i'], ['j'], [], ['k']],
    });

    await submitInTurn(world.deps, 'a');

    expect(world.asked[0]).toBe(4);
    expect(world.submitted.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k']);
    expect(world.mostAtOnce()).toBe(4);
  });

  it('starts further invocations if there is more room than it can use', async () => {
    const more = turnWorld({ admitted: [['b', 'c', 'd', 'e']], awaited: true });
    const enough = turnWorld({ admitted: [['b', 'c', 'd']], awaited: true });
    const all = turnWorld({ admitted: [['b', 'c', 'd', 'e']], awaited: false });

    await submitInTurn(more.deps, 'a');
    await submitInTurn(enough.deps, 'a');
    await submitInTurn(all.deps, 'a');

    expect([more.invoked, enough.invoked, all.invoked]).toEqual([['a', 'a'], [], []]);
  });

  it('starts no further invocations for slots that come free one by one', async () => {
    const oneByOne = Array.from({ length: 30 }, (_, n) => [`g${n}`]);
    const long = turnWorld({ admitted: [['b', 'c', 'd', 'e'], ...oneByOne], awaited: true });

    await submitInTurn(long.deps, 'a');

    expect([long.submitted.length, long.invoked]).toEqual([35, ['a', 'a']]);
  });

  it('starts further invocations with every round that fills all lanes', async () => {
    const world = turnWorld({
      admitted: [['b', 'c', 'd', 'e'], [], [], [], ['f', 'g', 'h', 'i']],
      awaited: true,
    });

    await submitInTurn(world.deps, 'a');

    expect([world.asked.slice(0, 5), world.invoked]).toEqual([
      [4, 1, 2, 3, 4],
      ['a', 'a', 'e', 'e'],
    ]);
  });

  it('stops after a setback, which the next one would meet too', async () => {
    const { deps, submitted, joined } = turnWorld({ ends: { a: ['later'] }, admitted: [['b']] });

    await submitInTurn(deps, 'a');

    expect([submitted, joined]).toEqual([['a'], []]);
  });

  it('passes a generation that has just joined the line to the gate, and submits it again if there is room by now', async () => {
    const { deps, submitted, joined } = turnWorld({ ends: { a: ['waiting'] }, admitted: [['a']] });

    await submitInTurn(deps, 'a');

    expect([submitted, joined]).toEqual([
      ['a', 'a'],
      ['a', undefined],
    ]);
  });

  it('goes on while a generation is only sent back into line, because each time there was room', async () => {
    const { deps, submitted } = turnWorld({
      ends: { a: ['waiting', 'waiting', 'waiting'] },
      admitted: [['a'], ['a'], ['a']],
    });

    await submitInTurn(deps, 'a');

    expect(submitted).toEqual(['a', 'a', 'a', 'a']);
  });

  it('stops after two refusals, because others fill the account', async () => {
    const { deps, submitted } = turnWorld({
      ends: { a: ['refused', 'refused', 'refused'] },
      admitted: [['a'], ['a'], ['a']],
    });

    await submitInTurn(deps, 'a');

    expect(submitted).toEqual(['a', 'a']);
  });

  it('serves a long line in one invocation, then hands over to another', async () => {
    const admitted = Array.from({ length: 200 }, (_, n) => [`g${n}`]);
    const { deps, submitted, invoked } = turnWorld({ admitted, awaited: true });

    await submitInTurn(deps, 'a');

    expect([submitted.length, invoked]).toEqual([100, ['g98']]);
  });

  it('admits no more when time runs out, and hands over to another invocation', async () => {
    let remaining = 200_000;
    const { deps, submitted, invoked, asked } = turnWorld({
      admitted: [['b'], ['c']],
      awaited: true,
      remainingMs: () => {
        remaining -= 60_000;
        return remaining;
      },
    });

    await submitInTurn(deps, 'a');

    expect([submitted, asked, invoked]).toEqual([['a', 'b'], [4], ['b']]);
  });

  it('hands over with the first and the last lane after its last submission', async () => {
    const admitted = [['b', 'c', 'd', 'e'], ...Array.from({ length: 200 }, (_, n) => [`g${n}`])];
    const world = turnWorld({ admitted, awaited: true });

    await submitInTurn(world.deps, 'a');

    expect([world.submitted.length, world.invoked]).toEqual([100, ['a', 'a', 'g91', 'g94']]);
  });

  it('hands over with the first and the last lane when time runs out', async () => {
    let remaining = 200_000;
    const world = turnWorld({
      admitted: [['b', 'c', 'd', 'e'], ['f']],
      awaited: true,
      remainingMs: () => {
        remaining -= 80_000;
        return remaining;
      },
    });

    await submitInTurn(world.deps, 'a');

    expect([world.submitted, world.invoked]).toEqual([
      ['a', 'b', 'c', 'd', 'e'],
      ['a', 'a', 'b', 'e'],
    ]);
  });

  it('hands over as soon as there is room, if there is none when the first lane ends', async () => {
    const world = turnWorld({
      admitted: [['b', 'c', 'd']],
      remainingMs: () => (world.asked.length > 0 ? 1 : 1e6),
    });
    let asked = 0;
    const isAwaited = async () => {
      asked += 1;
      return asked > 1;
    };

    await submitInTurn({ ...world.deps, gate: { ...world.deps.gate, isAwaited } }, 'a');

    expect([world.submitted, world.invoked]).toEqual([
      ['a', 'b', 'c', 'd'],
      ['c', 'd'],
    ]);
  });

  it('hands over again after the last lane, though it has handed over before', async () => {
    const world = turnWorld({
      admitted: [['b', 'c']],
      remainingMs: () => (world.asked.length > 0 ? 1 : 1e6),
    });
    // There is room when b has ended, which the other invocation fills, and again when c has ended without a task.
    const rooms = [true, true];
    const isAwaited = async () => rooms.shift() ?? false;

    await submitInTurn({ ...world.deps, gate: { ...world.deps.gate, isAwaited } }, 'a');

    expect(world.invoked).toEqual(['b', 'c']);
  });

  it('always submits the generation it was started for, however little time there is', async () => {
    const { deps, submitted, invoked } = turnWorld({ remainingMs: () => 1 });

    await submitInTurn(deps, 'a');

    expect([submitted, invoked]).toEqual([['a'], []]);
  });

  it('ends quietly if the gate does not answer or another invocation cannot be started', async () => {
    const broken = turnWorld({ admitted: [new Error('throttled')], awaited: new Error('throttled') });
    const refusing = turnWorld({ admitted: [['b', 'c', 'd', 'e']], awaited: true });
    const submit = () => Promise.reject(new Error('throttled'));

    await submitInTurn(broken.deps, 'a');
    await submitInTurn({ ...refusing.deps, submit }, 'a');

    expect([broken.submitted, refusing.submitted]).toEqual([['a'], ['a', 'b', 'c', 'd', 'e']]);
  });

  it('finishes all submissions under way before it fails with one of them', async () => {
    const world = turnWorld({ admitted: [['b', 'c']] });
    const finished: string[] = [];
    const submitOne = async (id: string): Promise<SubmitEnd> => {
      if (id === 'b') throw new Error('the table is away');
      await new Promise(setImmediate);
      finished.push(id);
      return { kind: 'task' };
    };

    await expect(submitInTurn({ ...world.deps, submitOne }, 'a')).rejects.toThrow('the table is away');

    expect(finished).toEqual(['a', 'c']);
  });
});
