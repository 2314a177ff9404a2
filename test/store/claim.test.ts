import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Generation, Submitting } from '../../functions/generation/generation.ts';
import type { Moment } from '../../functions/generation/time.ts';
import { claimToCollect, lookLater } from '../../functions/generation/transitions/collect.ts';
import { cancel, fail } from '../../functions/generation/transitions/end.ts';
import { requestCancel } from '../../functions/generation/transitions/request-cancel.ts';
import {
  claimToSubmit,
  joinLine,
  mark,
  noteSearch,
  requeue,
  unmark,
} from '../../functions/generation/transitions/submit.ts';
import { log } from '../../functions/runtime/log.ts';
import { DURATIONS } from '../../functions/settings.ts';
import type { AttemptNotesStore } from '../../functions/store/attempt-notes.ts';
import { type Claim, type ClaimDeps, type Step, takeClaim } from '../../functions/store/claim.ts';
import type { GenerationStore } from '../../functions/store/generation-store.ts';
import { at, EXAMPLES, type ExampleName } from '../generation/examples.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(at(0)) });
  vi.spyOn(log, 'warn').mockReturnValue(undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const setback = { code: 'upstream_unavailable', message: 'Wiro is away.' } as const;
const error = { code: 'model_failed', message: 'The model failed.', retryable: true } as const;

/** A store of one generation, and two clocks that a test can move apart. */
function claimWorld(first: Generation = EXAMPLES.queued) {
  let standing = first;
  let failures = 0;
  let answered: Promise<void> | undefined;
  const known: (string | Generation)[] = [];
  const update = async (
    seen: string | Generation,
    decide: (current: Generation) => Generation | undefined,
  ) => {
    known.push(seen);
    if (failures-- > 0) throw new Error('throttled');
    const next = decide(standing);
    if (next !== undefined) standing = { ...next, revision: standing.revision + 1 };
    const outcome = { kind: next === undefined ? 'refused' : 'written', generation: standing } as const;
    await answered;
    return outcome;
  };
  let wallMs = 0;
  let monotonicMs = 0;
  const depsOf = (functionMs: number): ClaimDeps => {
    const endsAt = performance.now() + functionMs;
    return {
      generations: { update } as Pick<GenerationStore, 'update'>,
      notes: { change: async () => ({}) } as Pick<AttemptNotesStore, 'change'>,
      durations: DURATIONS,
      clock: () => new Date(Date.now() + wallMs),
      monotonic: () => performance.now() + monotonicMs,
      remainingMs: () => endsAt - performance.now(),
      createHolder: () => 'me',
    };
  };
  return {
    claim: async (functionMs = 900_000): Promise<Claim<Submitting>> => {
      const taken = await takeClaim(depsOf(functionMs), standing, claimToSubmit);
      if (taken.kind !== 'claimed') throw new Error(`The claim was ${taken.kind}`);
      return taken.claim;
    },
    claimToCollect: async () => {
      const taken = await takeClaim(depsOf(900_000), standing, claimToCollect);
      if (taken.kind !== 'claimed') throw new Error(`The claim was ${taken.kind}`);
      return taken.claim;
    },
    /** The machine sleeps: the clocks go on by different times while the timers stand. */
    sleep: (slept: { readonly wallMs: number; readonly monotonicMs: number }) => {
      wallMs += slept.wallMs;
      monotonicMs += slept.monotonicMs;
    },
    known,
    standing: () => standing,
    until: () => ('claim' in standing ? standing.claim.until : undefined),
    become: (generation: Generation) => {
      standing = generation;
    },
    /** Holds back every answer from now on. @returns Releases them. */
    answerLater: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      answered = promise;
      return resolve;
    },
    fail: (times: number) => {
      failures = times;
    },
  };
}

const untilOf = (generation: string | Generation) =>
  typeof generation !== 'string' && 'claim' in generation ? generation.claim.until : undefined;

describe('the renewal of a claim', () => {
  it('comes every twenty seconds and prolongs the claim to a minute from then', async () => {
    const { claim, until } = claimWorld();
    const held = await claim();

    const ends = [];
    for (const seconds of [19, 1, 20, 20]) {
      await vi.advanceTimersByTimeAsync(seconds * 1_000);
      ends.push(until());
    }

    expect(ends).toEqual([at(60), at(80), at(100), at(120)]);
    expect(held.signal.aborted).toBe(false);
    await held.stop();
  });

  it('starts from what the claim wrote last, and so does a write', async () => {
    const { claim, known } = claimWorld();
    const held = await claim();

    await vi.advanceTimersByTimeAsync(40_000);
    await held.write((current, moment) => requeue(current, setback, moment));

    expect(known.map(untilOf)).toEqual([undefined, at(60), at(80), at(100)]);
  });

  it('aborts the work if another holder has the generation', async () => {
    const { claim, become } = claimWorld();
    const held = await claim();
    become({ ...EXAMPLES.submitting, claim: { holder: 'you', until: at(100) } });

    await vi.advanceTimersByTimeAsync(20_000);

    expect(held.signal.aborted).toBe(true);
    expect(String(held.signal.reason)).toContain('was lost');
    await held.stop();
  });

  it('may fail: the next one may work', async () => {
    const { claim, until, fail } = claimWorld();
    const held = await claim();
    fail(1);

    await vi.advanceTimersByTimeAsync(20_000);
    const afterFailure = [until(), held.signal.aborted];
    await vi.advanceTimersByTimeAsync(20_000);

    expect([afterFailure, until()]).toEqual([[at(60), false], at(100)]);
    await held.stop();
  });

  it('ends with `stop`', async () => {
    const { claim, until } = claimWorld();
    const held = await claim();

    await held.stop();
    await vi.advanceTimersByTimeAsync(100_000);

    expect(until()).toBe(at(60));
  });
});

describe('the end of a claim', () => {
  it.each([
    ['fails every time', (world: ReturnType<typeof claimWorld>) => world.fail(100)],
    ['hangs', (world: ReturnType<typeof claimWorld>) => void world.answerLater()],
  ])('aborts the work when the lease is over, though its renewal %s', async (_, breakRenewals) => {
    const world = claimWorld();
    const held = await world.claim();
    breakRenewals(world);

    await vi.advanceTimersByTimeAsync(59_999);
    const before = [held.signal.aborted, held.isLost()];
    await vi.advanceTimersByTimeAsync(1);

    expect(before).toEqual([false, false]);
    expect([held.signal.aborted, held.isLost(), held.isTimeUp()]).toEqual([true, true, false]);
    expect(String(held.signal.reason)).toContain('ran out');
    await held.stop();
  });

  it.each([
    ['the wall clock stood', 0, 60_000],
    ['the monotonic clock stood', 60_000, 0],
  ])('comes soon after a sleeping machine wakes: %s', async (_, wallMs, monotonicMs) => {
    const world = claimWorld();
    const held = await world.claim();
    world.sleep({ wallMs, monotonicMs });

    const atOnce = held.isLost();
    await vi.advanceTimersByTimeAsync(5_000);

    expect([atOnce, held.signal.aborted]).toEqual([true, true]);
    await held.stop();
  });

  it('leaves a long work one lease to record its result before the function ends', async () => {
    const { claim, until } = claimWorld();
    const held = await claim(300_000);

    await vi.advanceTimersByTimeAsync(239_999);
    const before = held.signal.aborted;
    await vi.advanceTimersByTimeAsync(1);

    expect([before, held.signal.aborted, held.isTimeUp(), held.isLost()]).toEqual([false, true, true, false]);
    expect(until()).toBe(at(300));
    await held.stop();
  });

  it('is the end of the mark once the mark is written', async () => {
    const { claim } = claimWorld();
    const held = await claim();
    await vi.advanceTimersByTimeAsync(10_000);
    await held.write((current, moment) => mark(current, { reusedUploads: false }, moment));

    await vi.advanceTimersByTimeAsync(89_999);
    const before = held.isLost();
    await vi.advanceTimersByTimeAsync(1);

    expect([before, held.isLost()]).toEqual([false, true]);
  });
});

describe('a write under a claim', () => {
  it('waits for the renewal under way, and no renewal follows it', async () => {
    const { claim, answerLater, until } = claimWorld();
    const held = await claim();
    const answer = answerLater();
    await vi.advanceTimersByTimeAsync(20_000);

    const decided = vi.fn((current: Submitting) => current);
    const writing = held.write(decided);
    await vi.advanceTimersByTimeAsync(5_000);
    const meanwhile = decided.mock.calls.length;
    answer();
    await writing;
    await vi.advanceTimersByTimeAsync(100_000);

    expect(meanwhile).toBe(0);
    expect(decided.mock.calls[0]?.[0]).toMatchObject({ claim: { holder: 'me', until: at(80) } });
    expect(until()).toBe(at(80));
  });

  it('does not wait for a renewal that hangs after the claim has ended', async () => {
    const { claim, answerLater } = claimWorld();
    const held = await claim();
    answerLater();
    await vi.advanceTimersByTimeAsync(60_000);

    expect(await held.write((current) => current)).toEqual({ kind: 'lost' });
  });

  it('answers what was written', async () => {
    const { claim, standing } = claimWorld();
    const held = await claim();

    const outcome = await held.write((current, moment) => requeue(current, setback, moment));

    expect(outcome).toEqual({ kind: 'written', generation: standing() });
    expect(standing().status).toBe('queued');
  });

  it('can be followed by another while the claim stands', async () => {
    const { claim, standing } = claimWorld();
    const held = await claim();
    await held.write((current, moment) => mark(current, { reusedUploads: false }, moment));

    const outcome = await held.write((current, moment) => fail(current, error, {}, moment));

    expect([outcome.kind, standing().status]).toEqual(['written', 'failed']);
  });

  const REFUSED_BY_CANCEL: Record<string, Step<Submitting, Generation>> = {
    turnedAway: (current, moment) => joinLine(current, at(0), moment),
    requeued: (current, moment) => requeue(current, setback, moment),
    marked: (current, moment) => mark(current, { reusedUploads: false }, moment),
  };
  it.each(Object.entries(REFUSED_BY_CANCEL))(
    'answers `cancelWished` if %s is refused because a request to cancel stands; the claim can still cancel',
    async (_, step) => {
      const { claim, standing, become } = claimWorld();
      const held = await claim();
      become(requestCancel(standing(), { now: at(1), durations: DURATIONS }));

      const outcome = await held.write(step);
      const end = await held.write((current, moment) => cancel(current, {}, moment));

      expect(outcome).toEqual({ kind: 'cancelWished' });
      expect([end.kind, standing().status]).toEqual(['written', 'cancelled']);
    },
  );

  it('answers `lost` if the step does not apply; the claim stands', async () => {
    const { claim } = claimWorld();
    const held = await claim();

    expect(await held.write(unmark)).toEqual({ kind: 'lost' });
    expect(held.isLost()).toBe(false);
  });

  it('leaves the renewals running as an `amend`', async () => {
    const { claim, until, become, standing } = claimWorld();
    const held = await claim();
    const run = { startedAt: at(-200), reusedUploads: false, searches: 1, emptySearchAt: at(-100) };
    become({ ...(standing() as Submitting), run });

    const outcome = await held.amend(unmark);
    await vi.advanceTimersByTimeAsync(20_000);

    expect(outcome).toMatchObject({ kind: 'written', generation: { status: 'submitting' } });
    expect(standing()).not.toHaveProperty('run');
    expect(until()).toBe(at(80));
    await held.stop();
  });
});

describe('a claim that has ended', () => {
  const steps: Record<string, Step<Submitting, Generation>> = {
    turnedAway: (current, moment) => joinLine(current, at(0), moment),
    requeued: (current, moment) => requeue(current, setback, moment),
    marked: (current, moment) => mark(current, { reusedUploads: false }, moment),
    searched: (current, moment) => noteSearch(current, true, moment),
    unmark,
    failed: (current, moment) => fail(current, error, {}, moment),
    cancelled: (current, moment) => cancel(current, {}, moment),
  };
  const yours = { holder: 'you', until: at(120) };
  const since: Record<string, Generation> = {
    ...EXAMPLES,
    submitting: { ...EXAMPLES.submitting, claim: yours },
    marked: { ...EXAMPLES.marked, claim: yours },
    collecting: { ...EXAMPLES.collecting, claim: yours },
  } satisfies Record<ExampleName, Generation>;

  it.each(Object.keys(since))('writes nothing if the generation is %s since', async (name) => {
    for (const step of Object.values(steps)) {
      const { claim, become, standing } = claimWorld();
      const held = await claim();
      const successor = since[name] as Generation;
      become(successor);

      const outcomes = [await held.write(step), await held.amend((current) => current)];

      expect(outcomes).toEqual([{ kind: 'lost' }, { kind: 'lost' }]);
      expect([standing() === successor, held.isLost()]).toEqual([true, true]);
    }
  });

  it.each([
    ['the wall clock', 60_000, 0],
    ['the monotonic clock', 0, 60_000],
  ])('by %s writes nothing, even if no other holder has come', async (_, wallMs, monotonicMs) => {
    const { claim, sleep, standing, known } = claimWorld();
    const held = await claim();
    const before = standing();
    sleep({ wallMs, monotonicMs });

    const outcomes = [
      await held.write((current, moment) => requeue(current, setback, moment)),
      await held.amend((current) => current),
      await held.fence(),
    ];

    expect(outcomes).toEqual([{ kind: 'lost' }, { kind: 'lost' }, undefined]);
    expect([standing() === before, known.length]).toEqual([true, 1]);
  });

  it('is not prolonged by a wall clock that was set back', async () => {
    const { claim, sleep, become, standing } = claimWorld();
    const held = await claim();
    const run = { startedAt: at(-200), reusedUploads: false, searches: 1, emptySearchAt: at(-7_200) };
    become({ ...(standing() as Submitting), run });
    sleep({ wallMs: -3_600_000, monotonicMs: 0 });
    await held.amend(unmark);

    sleep({ wallMs: 0, monotonicMs: 60_000 });

    expect(held.isLost()).toBe(true);
    await held.stop();
  });
});

describe('the fence of a claim', () => {
  it('is the latest revision, and no renewal follows', async () => {
    const { claimToCollect: claim, standing, until } = claimWorld(EXAMPLES.running);
    const held = await claim();
    await vi.advanceTimersByTimeAsync(20_000);

    const fence = await held.fence();
    await vi.advanceTimersByTimeAsync(20_000);

    expect([fence, until()]).toEqual([standing().revision, at(80)]);
    const moment: Moment = { now: at(40), durations: DURATIONS };
    const outcome = await held.write((current) => lookLater(current, { callbackKnown: undefined }, moment));
    expect(outcome.kind).toBe('written');
  });
});
