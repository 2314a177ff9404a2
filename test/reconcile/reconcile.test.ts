import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Generation, isInLine, queueKey } from '../../functions/generation/generation.ts';
import { type ReconcileDeps, reconcile } from '../../functions/reconcile/reconcile.ts';
import { createStepOver } from '../../functions/reconcile/step-over.ts';
import { log } from '../../functions/runtime/log.ts';
import { NewerVersionError } from '../../functions/store/stored-version.ts';
import { at, EXAMPLES, moment } from '../generation/examples.ts';

let alarms: unknown[] = [];
beforeEach(() => {
  alarms = [];
  for (const level of ['info', 'warn'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
  vi.spyOn(log, 'error').mockImplementation((_, facts) => void alarms.push(facts?.alarm));
});

/** Generations in memory, and notes of what was done with each. */
function reconcileWorld(
  given: readonly Generation[],
  {
    holders = [],
    admitted = [],
    failing = [],
    unreadable = [],
    noted = {},
  }: Partial<Record<'holders' | 'admitted' | 'failing' | 'unreadable', string[]>> & {
    /** When attempts joined the line, if that was noted. */
    noted?: Record<string, string>;
  } = {},
) {
  const standing = new Map(given.map((generation) => [generation.id, generation]));
  const joined = new Map(Object.entries(noted));
  const done: string[] = [];
  const looks: string[] = [];
  const note = (what: string) => async (id: string) => {
    done.push(`${what} ${id}`);
    if (failing.includes(id)) throw new Error('throttled');
  };
  const placeOf = ({ dueAt, id }: Generation) => `${dueAt} ${id}`;
  const read = async (id: string) => {
    looks.push(id);
    if (unreadable.includes(id)) throw new NewerVersionError(id, 2);
    return standing.get(id);
  };
  const generations: ReconcileDeps['generations'] = {
    due: async (now, limit, after) => {
      const due = [...standing.values()]
        .filter(({ dueAt }) => dueAt !== undefined && dueAt <= now)
        .filter((one) => after === undefined || placeOf(one) > String(after.shard?.place?.S))
        .toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
        .slice(0, limit);
      const last = due.at(-1);
      return {
        ids: due.map(({ id }) => id),
        ...(due.length === limit && last && { next: { shard: { place: { S: placeOf(last) } } } }),
      };
    },
    get: read,
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
    waiting: async (limit, from = '') =>
      [...standing.values()]
        .filter(isInLine)
        .map((generation) => ({ id: generation.id, queueKey: queueKey(generation) }))
        .toSorted((a, b) => (a.queueKey < b.queueKey ? -1 : 1))
        .filter((one) => one.queueKey >= from)
        .slice(0, limit),
  };
  const time = { remainingMs: 60_000 };
  const stepOver = createStepOver({ first: 30_000, longest: 900_000 });
  const keyOf = (id: string, attempt: number) => `${id} ${attempt}`;
  const gate: ReconcileDeps['gate'] = {
    holders: async () => holders,
    admit: async () => admitted,
    hasLine: () => true,
    free: async ({ id }, why) => {
      await note(`free (${why})`)(id);
      return false;
    },
    joinLine: async ({ id }) => {
      await note('line up')(id);
      return true;
    },
  };
  return {
    gate,
    done,
    looks,
    standing,
    joined,
    time,
    generations,
    run: (seconds = 1_000, over: Partial<ReconcileDeps> = {}) =>
      reconcile({
        generations,
        notes: {
          joinedLine: async (id, attempt, now) => {
            joined.set(keyOf(id, attempt), joined.get(keyOf(id, attempt)) ?? now);
            return { joinedLineAt: joined.get(keyOf(id, attempt)) ?? now };
          },
          read: async (id, attempt) => {
            const joinedLineAt = joined.get(keyOf(id, attempt));
            return joinedLineAt === undefined ? {} : { joinedLineAt };
          },
        },
        gate,
        submit: note('submit'),
        collect: note('collect'),
        announce: note('announce'),
        moment: () => moment(seconds),
        remainingMs: () => time.remainingMs,
        stepOver,
        ...over,
      }),
  };
}

const named = (id: string, example: Generation, over: Partial<Generation> = {}) =>
  ({ ...example, id, ...over }) as Generation;
const WEEK = 604_800;
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
  ])('and %s is started', async (_, generation, expected) => {
    const { done, run } = reconcileWorld([generation]);

    await run();

    expect(done).toEqual(expected);
  });

  it('and is in line, stored by an earlier release, is not submitted; it is due when its time there is over', async () => {
    const { done, run, standing, joined } = reconcileWorld([named('g', EXAMPLES.waiting)]);

    await run();

    expect(done).not.toContain('submit g');
    expect(standing.get('g')).toMatchObject({ status: 'queued', dueAt: at(1_000 + WEEK) });
    expect(joined.get('g 1')).toBe(at(1_000));
  });

  it('and is in line is collected if a callback has named its task', async () => {
    const { done, run } = reconcileWorld([
      named('g', EXAMPLES.waiting, { callback: { seenAt: at(1), taskId: 't' } }),
    ]);

    await run();

    expect(done).toEqual(['line up g', 'collect g']);
  });

  it('is no longer due once it was looked at, so that the next run leaves it alone', async () => {
    const { done, run, standing } = reconcileWorld([named('g', EXAMPLES.running, { looks: 0 })]);

    const counts = [await run(1_000), await run(1_059)];

    expect(done).toEqual(['collect g']);
    expect(counts.map(({ due, collected }) => [due, collected])).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(standing.get('g')).toMatchObject({ looks: 1, dueAt: at(1_060) });
  });

  it('is left alone if it has ended or is no longer due since the index was read', async () => {
    const { done, run, standing } = reconcileWorld([named('g', EXAMPLES.running)]);
    const { dueAt: _, ...over } = named('g', EXAMPLES.succeeded, { dueAt: at(5) });
    const due = standing.get('g');
    if (due === undefined) throw new Error('It is there');
    // The index still shows it.
    standing.set('g', { ...over, dueAt: at(2_000) } as Generation);

    await run();

    expect(done).toEqual([]);
  });

  it('and is claimed is left alone until its lease is over, and is taken up then', async () => {
    const claimed = named('g', EXAMPLES.collecting, { dueAt: at(5), looks: 0 });
    const { done, looks, run, standing } = reconcileWorld([claimed]);

    await run(60);
    expect([done, looks, standing.get('g')]).toEqual([[], ['g'], claimed]);

    await run(65);
    expect(done).toEqual(['collect g']);
    expect(standing.get('g')).toMatchObject({ looks: 1, dueAt: at(125) });
  });

  it('is started side by side, and a failure does not hold up the others', async () => {
    const { done, run } = reconcileWorld(
      ['a', 'b', 'c'].map((id) => named(id, EXAMPLES.running)),
      { failing: ['b'] },
    );

    const counts = await run();

    expect(done.toSorted()).toEqual(['collect a', 'collect b', 'collect c']);
    expect(counts).toEqual({
      due: 3,
      submitted: 0,
      collected: 2,
      announced: 0,
      steppedOver: 0,
      isCutShort: false,
      waitingSince: null,
    });
  });

  it('is all started in one run, whatever its number', async () => {
    const many = Array.from({ length: 2_500 }, (_, n) => named(`g${n}`, EXAMPLES.running));
    const { done, run } = reconcileWorld(many);

    const counts = await run();

    expect([counts.due, counts.isCutShort, new Set(done).size]).toEqual([2_500, false, 2_500]);
  });

  it('is started only while there is time to finish; the next run goes on', async () => {
    const many = Array.from({ length: 100 }, (_, n) => named(`g${n}`, EXAMPLES.running));
    const { done, run, time } = reconcileWorld(many);
    const collect = async (id: string) => {
      done.push(id);
      time.remainingMs = done.length < 30 ? 20_001 : 20_000;
    };

    const first = await run(1_000, { collect });
    const begun = done.length;
    time.remainingMs = 60_000;
    const second = await run(1_000, { collect: async (id) => void done.push(id) });

    expect([first.isCutShort, second.isCutShort]).toEqual([true, false]);
    // Thirty, and what was under way beside the thirtieth.
    expect(begun).toBeGreaterThanOrEqual(30);
    expect(begun).toBeLessThan(50);
    expect([first.due + second.due, new Set(done).size]).toEqual([100, 100]);
  });

  it('is not waited for beyond the time of the run if it hangs', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { done, run } = reconcileWorld(['a', 'b'].map((id) => named(id, EXAMPLES.running)));

    const running = run(1_000, {
      collect: (id) => (id === 'a' ? new Promise(() => undefined) : Promise.resolve(void done.push(id))),
    });
    await vi.advanceTimersByTimeAsync(55_000);
    const counts = await running;

    expect([done, counts.isCutShort]).toEqual([['b'], true]);
  });

  it('fails the run if the index cannot be read, so that the alarm for missing runs rings', async () => {
    const { run, generations } = reconcileWorld([]);

    const running = run(1_000, {
      generations: { ...generations, due: () => Promise.reject(new Error('throttled')) },
    });

    await expect(running).rejects.toThrow('throttled');
  });

  it('fails the run if the index cannot be read, even if the gate takes all of its time', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { run, gate, generations } = reconcileWorld([]);

    const running = run(1_000, {
      generations: { ...generations, due: () => Promise.reject(new Error('throttled')) },
      gate: { ...gate, holders: () => new Promise(() => undefined) },
    }).catch(({ message }) => message);
    await vi.advanceTimersByTimeAsync(55_000);

    expect(await running).toBe('throttled');
  });

  it('raises an alarm after twenty looks without progress', async () => {
    const { run } = reconcileWorld([
      named('a', EXAMPLES.running, { looks: 18 }),
      named('b', EXAMPLES.running, { looks: 19 }),
    ]);

    await run();

    expect(alarms).toEqual(['fruitless_looks']);
  });

  it('raises no alarm while outputs wait for their turn to be copied, unless that takes too long', async () => {
    const inLine = (firstAt: string) =>
      ({
        looks: 30,
        trouble: {
          since: firstAt,
          firstAt: { output_in_line: firstAt },
          count: 1,
          code: 'output_in_line',
          message: 'In line.',
        },
      }) as const;
    const { run } = reconcileWorld([named('g', EXAMPLES.running, inLine(at(0)))]);

    await run(6 * 3_600 - 1);
    expect(alarms).toEqual([]);
    await run(7 * 3_600);
    expect(alarms).toEqual(['fruitless_looks']);
  });

  it('can be started by two runs at once', async () => {
    const { done, run } = reconcileWorld([named('g', EXAMPLES.running)]);

    await Promise.all([run(), run()]);

    expect(new Set(done)).toEqual(new Set(['collect g']));
  });
});

describe('a generation that cannot be read', () => {
  it('does not hold up the others, though there are hundreds', async () => {
    const newer = Array.from({ length: 2_200 }, (_, n) =>
      named(`newer${n}`, EXAMPLES.running, { dueAt: at(0) }),
    );
    const { done, run } = reconcileWorld([...newer, named('other', EXAMPLES.running, { dueAt: at(60) })], {
      unreadable: newer.map(({ id }) => id),
    });

    const counts = await run(120);

    expect(done).toEqual(['collect other']);
    expect(counts).toMatchObject({ due: 2_201, collected: 1 });
  });

  it('is looked at more and more rarely, at least every quarter of an hour, and goes on once it can be read', async () => {
    const unreadable = ['newer'];
    const { done, run, looks } = reconcileWorld([named('newer', EXAMPLES.running, { dueAt: at(0) })], {
      unreadable,
    });

    const lookedAt: number[] = [];
    for (let minute = 1; minute <= 62; minute += 1) {
      const before = looks.length;
      await run(minute * 60);
      if (looks.length > before) lookedAt.push(minute);
    }
    unreadable.length = 0;
    for (let minute = 63; minute <= 80 && done.length === 0; minute += 1) await run(minute * 60);

    expect(lookedAt).toEqual([1, 2, 3, 5, 9, 17, 32, 47, 62]);
    expect(done).toEqual(['collect newer']);
  });
});

describe('the time in line', () => {
  const joinedAt = (seconds: number) => ({ noted: { 'g 1': at(seconds) } });

  it('ends a generation after a week, announces that, and gives its slot back', async () => {
    const waiting = named('g', EXAMPLES.waiting, { dueAt: at(100 + WEEK) });
    const { done, run, standing } = reconcileWorld([waiting], joinedAt(100));

    await run(100 + WEEK - 1);
    const before = standing.get('g')?.status;
    await run(100 + WEEK);

    expect(before).toBe('queued');
    expect(standing.get('g')).toMatchObject({ status: 'failed', error: { code: 'waited_too_long' } });
    expect(done).toEqual(['line up g', 'line up g', 'free (notRun) g', 'announce g']);
  });

  it('starts again for an attempt after a retry', async () => {
    const again = named('g', EXAMPLES.waiting, { attempt: 2, dueAt: at(WEEK + 50) });
    const { run, standing } = reconcileWorld([again], {
      noted: { 'g 1': at(0), 'g 2': at(WEEK + 40) },
    });

    await run(WEEK + 60);

    expect(standing.get('g')).toMatchObject({ status: 'queued', dueAt: at(2 * WEEK + 40) });
  });

  it('does not end a generation that was claimed since it was read', async () => {
    const waiting = named('g', EXAMPLES.waiting, { dueAt: at(WEEK) });
    const { run, standing, generations, done } = reconcileWorld([waiting], joinedAt(0));
    const get = async (id: string) => {
      const found = await generations.get(id);
      standing.set('g', named('g', EXAMPLES.submitting, { dueAt: at(WEEK + 65) }));
      return found;
    };

    await run(WEEK, { generations: { ...generations, get, waiting: async () => [] } });

    expect(standing.get('g')?.status).toBe('submitting');
    expect(done).toEqual([]);
  });
});

describe('the gate', () => {
  it('gets slots back from ended or missing generations, and submits queued holders', async () => {
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

    expect(done.toSorted()).toEqual(['free (ended) gone', 'free (ended) over', 'submit queued']);
  });

  it('has the oldest waiting generation in line, though its submission was killed before it joined', async () => {
    const { done, run } = reconcileWorld([
      named('young', EXAMPLES.waiting, { createdAt: at(2), dueAt: at(9_999) }),
      named('old', EXAMPLES.waiting, { createdAt: at(1), dueAt: at(9_999) }),
    ]);

    await run();

    expect(done).toEqual(['line up old']);
  });

  it('has no generation in line that only the index still shows', async () => {
    const { done, run, standing, generations } = reconcileWorld([
      named('gone', EXAMPLES.waiting, { createdAt: at(1), dueAt: at(9_999) }),
      named('old', EXAMPLES.waiting, { createdAt: at(2), dueAt: at(9_999) }),
    ]);
    // The index still shows it.
    const line = await generations.waiting(10);
    standing.set('gone', named('gone', EXAMPLES.running, { dueAt: at(9_999) }));

    await run(1_000, { generations: { ...generations, waiting: async () => line } });

    expect(done).toEqual(['line up old']);
  });

  it('admits waiting generations, and starts all of them though one fails', async () => {
    const { done, run } = reconcileWorld([], { admitted: ['a', 'b', 'c'], failing: ['a'] });

    await run();

    expect(done).toEqual(['submit a', 'submit b', 'submit c']);
  });

  it.each([
    ['nobody waits: it is read once', false, []],
    ['the index lags behind it: it is asked', true, ['submit a']],
  ])('whose line the index shows empty: if %s', async (_, hasLine, expected) => {
    const { done, gate, run } = reconcileWorld([], { admitted: ['a'] });

    await run(1_000, { gate: { ...gate, hasLine: () => hasLine } });

    expect(done).toEqual(expected);
  });

  it('is tended for the others if one holder cannot be read', async () => {
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

  it('is tended for generations behind hundreds that cannot be read', async () => {
    const newer = Array.from({ length: 200 }, (_, n) =>
      named(`newer${String(n).padStart(3, '0')}`, EXAMPLES.waiting, { createdAt: at(1), dueAt: at(9_999) }),
    );
    const { done, run } = reconcileWorld(
      [...newer, named('old', EXAMPLES.waiting, { createdAt: at(2), dueAt: at(9_999) })],
      { unreadable: newer.map(({ id }) => id) },
    );

    await run();

    expect(done).toEqual(['line up old']);
  });

  it('reports since when the first in line waits; a retry joins again', async () => {
    const { run } = reconcileWorld(
      [named('g', EXAMPLES.waiting, { attempt: 2, createdAt: at(0), dueAt: at(9_999) })],
      { noted: { 'g 2': at(900) } },
    );

    expect((await run()).waitingSince).toBe(at(900));
  });

  it('is tended for all, though one slot cannot be given back and the first cannot be put in line', async () => {
    const { done, run } = reconcileWorld(
      [named('old', EXAMPLES.waiting, { createdAt: at(2), dueAt: at(9_999) })],
      { holders: ['stuck', 'gone'], failing: ['stuck', 'old'], admitted: ['a'] },
    );

    await run();

    expect(done).toEqual(['free (ended) stuck', 'free (ended) gone', 'line up old', 'submit a']);
  });

  it.each([
    ['a submission of a holder hangs', { holders: ['holder'] }],
    ['a submission of an admitted generation hangs', { admitted: ['holder'] }],
  ])('does not keep the run from what is due if %s', async (_, slots) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { done, run } = reconcileWorld(
      [named('holder', EXAMPLES.queued, { dueAt: at(9_999) }), named('due', EXAMPLES.running)],
      slots,
    );

    const running = run(1_000, { submit: () => new Promise(() => undefined) });
    await vi.advanceTimersByTimeAsync(55_000);
    const counts = await running;

    expect([done, counts.collected, counts.waitingSince]).toEqual([['collect due'], 1, undefined]);
  });

  it('that cannot be tended does not stop the run', async () => {
    const { done, run } = reconcileWorld([named('g', EXAMPLES.running)], {
      holders: ['gone'],
      failing: ['gone'],
    });

    const counts = await run();

    expect([done, counts.collected]).toEqual([['free (ended) gone', 'collect g'], 1]);
  });
});
