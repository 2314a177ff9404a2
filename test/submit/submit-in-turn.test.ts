import { beforeEach, describe, expect, it, vi } from 'vitest';
import { log } from '../../functions/log.ts';
import type { SubmitEnd } from '../../functions/submit/submit-generation.ts';
import { submitInTurn } from '../../functions/submit/submit-in-turn.ts';
import { EXAMPLES } from '../generation/examples.ts';

beforeEach(() => {
  vi.spyOn(log, 'warn').mockReturnValue(undefined);
});

type Ending = SubmitEnd['kind'] | 'refused';

/** What becomes of each submission of each, and whom the gate admits after each; by default a task, and nobody. */
function turnWorld({
  ends = {},
  admitted = [],
  remainingMs = () => 1_000_000,
}: {
  ends?: Record<string, Ending[]>;
  admitted?: (string[] | Error)[];
  remainingMs?: () => number;
} = {}) {
  const submitted: string[] = [];
  const invoked: string[] = [];
  const joined: (string | undefined)[] = [];
  return {
    submitted,
    invoked,
    joined,
    deps: {
      submitOne: async (id: string): Promise<SubmitEnd> => {
        submitted.push(id);
        const kind = ends[id]?.shift() ?? 'task';
        if (kind !== 'waiting' && kind !== 'refused') return { kind };
        return { kind: 'waiting', generation: { ...EXAMPLES.waiting, id }, wasRefused: kind === 'refused' };
      },
      gate: {
        admit: async (joining?: { id: string }) => {
          joined.push(joining?.id);
          const next = admitted.shift() ?? [];
          if (next instanceof Error) throw next;
          return next;
        },
      },
      submit: async (id: string) => void invoked.push(id),
      remainingMs,
      durations: { markLease: 90_000 },
    },
  };
}

describe('submitInTurn', () => {
  it.each(['task', 'noTask', 'elsewhere'] as const)(
    'serves the next in line itself after %s, and starts others beside it',
    async (kind) => {
      const { deps, submitted, invoked } = turnWorld({ ends: { a: [kind] }, admitted: [['b', 'c', 'd']] });

      await submitInTurn(deps, 'a');

      expect([submitted, invoked]).toEqual([
        ['a', 'b'],
        ['c', 'd'],
      ]);
    },
  );

  it('does not meet the same setback with the next one', async () => {
    const { deps, submitted, joined } = turnWorld({ ends: { a: ['later'] }, admitted: [['b']] });

    await submitInTurn(deps, 'a');

    expect([submitted, joined]).toEqual([['a'], []]);
  });

  it('tells the gate who has just joined the line, and submits it again when there is room by now', async () => {
    const { deps, submitted, joined } = turnWorld({ ends: { a: ['waiting'] }, admitted: [['a']] });

    await submitInTurn(deps, 'a');

    expect([submitted, joined]).toEqual([
      ['a', 'a'],
      ['a', undefined],
    ]);
  });

  it('goes on while it is only turned away: each time there was room for it', async () => {
    const { deps, submitted } = turnWorld({
      ends: { a: ['waiting', 'waiting', 'waiting'] },
      admitted: [['a'], ['a'], ['a']],
    });

    await submitInTurn(deps, 'a');

    expect(submitted).toEqual(['a', 'a', 'a', 'a']);
  });

  it('stops after two refusals: others fill the account', async () => {
    const { deps, submitted } = turnWorld({
      ends: { a: ['refused', 'refused', 'refused'] },
      admitted: [['a'], ['a'], ['a']],
    });

    await submitInTurn(deps, 'a');

    expect(submitted).toEqual(['a', 'a']);
  });

  it('serves a long line in one invocation, then hands on', async () => {
    const admitted = Array.from({ length: 200 }, (_, n) => [`g${n}`]);
    const { deps, submitted, invoked } = turnWorld({ admitted });

    await submitInTurn(deps, 'a');

    expect([submitted.length, invoked]).toEqual([100, ['g99']]);
  });

  it('hands on whoever was admitted when time runs out', async () => {
    let remaining = 200_000;
    const { deps, submitted, invoked } = turnWorld({
      admitted: [['b'], ['c']],
      remainingMs: () => {
        remaining -= 60_000;
        return remaining;
      },
    });

    await submitInTurn(deps, 'a');

    expect([submitted, invoked]).toEqual([['a', 'b'], ['c']]);
  });

  it('always submits the one it was started for, however little time there is', async () => {
    const { deps, submitted, invoked } = turnWorld({ remainingMs: () => 1 });

    await submitInTurn(deps, 'a');

    expect([submitted, invoked]).toEqual([['a'], []]);
  });

  it('ends quietly when the gate cannot be asked, or another invocation not be started', async () => {
    const broken = turnWorld({ admitted: [new Error('throttled')] });
    const refusing = turnWorld({ admitted: [['b', 'c']] });
    const submit = () => Promise.reject(new Error('throttled'));

    await submitInTurn(broken.deps, 'a');
    await submitInTurn({ ...refusing.deps, submit }, 'a');

    expect([broken.submitted, refusing.submitted]).toEqual([['a'], ['a', 'b']]);
  });
});
