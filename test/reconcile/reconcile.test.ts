import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Generation, queueKey } from '../../functions/generation/generation.ts';
import { log } from '../../functions/log.ts';
import { reconcile } from '../../functions/reconcile/reconcile.ts';
import type { GenerationStore } from '../../functions/store/generation-store.ts';
import { at, EXAMPLES, moment } from '../generation/examples.ts';

let alarms: unknown[] = [];
beforeEach(() => {
  alarms = [];
  for (const level of ['info', 'warn'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
  vi.spyOn(log, 'error').mockImplementation((_, facts) => void alarms.push(facts?.alarm));
});

/** Generations in memory, all of them due; what was done with which. */
function reconcileWorld(
  given: readonly Generation[],
  {
    holders = [],
    admitted = [],
    failing = [],
    unreadable = [],
  }: Partial<Record<'holders' | 'admitted' | 'failing' | 'unreadable', string[]>> = {},
) {
  const standing = new Map(given.map((generation) => [generation.id, generation]));
  const done: string[] = [];
  const note = (what: string) => async (id: string) => {
    done.push(`${what} ${id}`);
    if (failing.includes(id)) throw new Error('throttled');
  };
  const generations: Pick<GenerationStore, 'due' | 'get' | 'update' | 'waiting'> = {
    due: async (now, limit) =>
      [...standing.values()]
        .filter(({ dueAt }) => dueAt !== undefined && dueAt <= now)
        .map(({ id }) => id)
        .slice(0, limit),
    get: async (id) => {
      if (unreadable.includes(id)) throw new Error('of a newer release');
      return standing.get(id);
    },
    async update(known, decide) {
      const id = typeof known === 'string' ? known : known.id;
      const current = standing.get(id);
      if (current === undefined) return { kind: 'missing' };
      const next = decide(current);
      if (next === undefined) return { kind: 'refused', generation: current };
      if (next === (current as Generation)) return { kind: 'unchanged', generation: next };
      standing.set(id, next);
      return { kind: 'written', generation: next };
    },
    waiting: async (limit) =>
      given
        .filter((generation) => generation.status === 'queued' && generation.waiting)
        .map((generation) => ({ id: generation.id, queueKey: queueKey(generation) }))
        .toSorted((a, b) => (a.queueKey < b.queueKey ? -1 : 1))
        .slice(0, limit),
  };
  return {
    done,
    standing,
    run: (seconds = 1_000) =>
      reconcile({
        generations,
        gate: {
          holders: async () => holders,
          admit: async () => admitted,
          free: async (id, why) => {
            await note(`free (${why})`)(id);
            return false;
          },
          wait: async ({ id }) => note('line up')(id),
        },
        submit: note('submit'),
        collect: note('collect'),
        announce: note('announce'),
        moment: () => moment(seconds),
      }),
  };
}

const named = (id: string, example: Generation, over: Partial<Generation> = {}) =>
  ({ ...example, id, ...over }) as Generation;
const announcement = { eventId: 'e1', type: 'Running', attempt: 1, at: at(0) } as const;

describe('what is due', () => {
  it.each([
    ['queued', named('g', EXAMPLES.queued), ['submit g']],
    ['submitting', named('g', EXAMPLES.submitting), ['submit g']],
    ['marked', named('g', EXAMPLES.marked), ['submit g']],
    [
      'marked, with a callback that names a task',
      named('g', EXAMPLES.marked, { callback: { seenAt: at(1), taskId: 't' } }),
      ['collect g', 'submit g'],
    ],
    ['running', named('g', EXAMPLES.running), ['collect g']],
    ['collecting', named('g', EXAMPLES.collecting), ['collect g']],
    [
      'running, with something to tell',
      named('g', EXAMPLES.running, { announcements: [announcement] }),
      ['announce g', 'collect g'],
    ],
    [
      'ended, with something to tell',
      named('g', EXAMPLES.failed, { announcements: [announcement], dueAt: at(5) }),
      ['announce g'],
    ],
  ])('and %s is set going', async (_, generation, expected) => {
    const { done, run } = reconcileWorld([generation]);

    await run();

    expect(done).toEqual(expected);
  });

  it('and waits in line is not submitted: its turn comes', async () => {
    const { done, run, standing } = reconcileWorld([named('g', EXAMPLES.waiting)]);

    await run();

    expect(done).not.toContain('submit g');
    expect(standing.get('g')?.dueAt).toBe(at(4_600));
  });

  it('is not due any more once it was looked at, so that the next run leaves it alone', async () => {
    const { done, run, standing } = reconcileWorld([named('g', EXAMPLES.running, { looks: 0 })]);

    const counts = [await run(1_000), await run(1_059)];

    expect(done).toEqual(['collect g']);
    expect(counts.map(({ due, collected }) => [due, collected])).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(standing.get('g')).toMatchObject({ looks: 1, dueAt: at(1_060) });
  });

  it('is left alone when it ended, or was put off, since the index was read', async () => {
    const { done, run, standing } = reconcileWorld([named('g', EXAMPLES.running)]);
    const { dueAt: _, ...over } = named('g', EXAMPLES.succeeded, { dueAt: at(5) });
    const due = standing.get('g');
    if (due === undefined) throw new Error('It is there');
    // The index still names it.
    standing.set('g', { ...over, dueAt: at(2_000) } as Generation);

    await run();

    expect(done).toEqual([]);
  });

  it('is done side by side, and one that fails keeps nobody else back', async () => {
    const { done, run } = reconcileWorld(
      ['a', 'b', 'c'].map((id) => named(id, EXAMPLES.running)),
      { failing: ['b'] },
    );

    const counts = await run();

    expect(done.toSorted()).toEqual(['collect a', 'collect b', 'collect c']);
    expect(counts).toEqual({ due: 3, submitted: 0, collected: 2, announced: 0, waitingSince: null });
  });

  it('is at most two hundred in one run; the rest comes with the next', async () => {
    const many = Array.from({ length: 250 }, (_, n) => named(`g${n}`, EXAMPLES.running));
    const { done, run } = reconcileWorld(many);

    const first = await run();
    const second = await run();

    expect([first.due, second.due, new Set(done).size]).toEqual([200, 50, 250]);
  });

  it('calls for a person after twenty looks of which nothing came', async () => {
    const { run } = reconcileWorld([
      named('a', EXAMPLES.running, { looks: 18 }),
      named('b', EXAMPLES.running, { looks: 19 }),
    ]);

    await run();

    expect(alarms).toEqual(['fruitless_looks']);
  });

  it('may be done by two at once', async () => {
    const { done, run } = reconcileWorld([named('g', EXAMPLES.running)]);

    await Promise.all([run(), run()]);

    expect(new Set(done)).toEqual(new Set(['collect g']));
  });
});

describe('the gate', () => {
  it('gets back the slots of those that are over, are gone, or went back to the queue', async () => {
    const { done, run } = reconcileWorld(
      [
        named('over', EXAMPLES.succeeded),
        named('queued', EXAMPLES.queued, { dueAt: at(9_999) }),
        named('submitting', EXAMPLES.marked, { dueAt: at(9_999) }),
        named('running', EXAMPLES.running, { dueAt: at(9_999) }),
        named('collecting', EXAMPLES.collecting, { dueAt: at(9_999) }),
      ],
      { holders: ['over', 'gone', 'queued', 'submitting', 'running', 'collecting'] },
    );

    await run();

    expect(done.toSorted()).toEqual(['free (ended) gone', 'free (ended) over', 'free (notRun) queued']);
  });

  it('has the oldest who waits in line, though whoever put it there crashed', async () => {
    const { done, run } = reconcileWorld([
      named('young', EXAMPLES.waiting, { createdAt: at(2), dueAt: at(9_999) }),
      named('old', EXAMPLES.waiting, { createdAt: at(1), dueAt: at(9_999) }),
    ]);

    await run();

    expect(done).toEqual(['line up old']);
  });

  it('has nobody in line whom only the index still shows there', async () => {
    const { done, run, standing } = reconcileWorld([
      named('gone', EXAMPLES.waiting, { createdAt: at(1), dueAt: at(9_999) }),
      named('old', EXAMPLES.waiting, { createdAt: at(2), dueAt: at(9_999) }),
    ]);
    standing.set('gone', named('gone', EXAMPLES.running, { dueAt: at(9_999) }));

    await run();

    expect(done).toEqual(['line up old']);
  });

  it('admits those who wait, and all of them are started though one fails', async () => {
    const { done, run } = reconcileWorld([], { admitted: ['a', 'b', 'c'], failing: ['a'] });

    await run();

    expect(done).toEqual(['submit a', 'submit b', 'submit c']);
  });

  it('is tended for the others when one of them cannot be read', async () => {
    const { done, run } = reconcileWorld(
      [
        named('newer', EXAMPLES.waiting, { createdAt: at(1), dueAt: at(9_999) }),
        named('old', EXAMPLES.waiting, { createdAt: at(2), dueAt: at(9_999) }),
      ],
      { holders: ['newer', 'gone'], unreadable: ['newer'] },
    );

    await run();

    expect(done).toEqual(['free (ended) gone', 'line up old']);
  });

  it('that cannot be tended stops nothing else', async () => {
    const { done, run } = reconcileWorld([named('g', EXAMPLES.running)], {
      holders: ['gone'],
      failing: ['gone'],
    });

    const counts = await run();

    expect([done, counts.collected]).toEqual([['collect g', 'free (ended) gone'], 1]);
  });
});
