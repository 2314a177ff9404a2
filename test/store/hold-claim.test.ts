import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Generation } from '../../functions/generation/generation.ts';
import { log } from '../../functions/runtime/log.ts';
import { DURATIONS } from '../../functions/settings.ts';
import type { GenerationStore } from '../../functions/store/generation-store.ts';
import { holdClaim } from '../../functions/store/hold-claim.ts';
import { at, EXAMPLES } from '../generation/examples.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(at(0)) });
  vi.spyOn(log, 'warn').mockReturnValue(undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function claimWorld() {
  let standing: Generation = EXAMPLES.submitting;
  let failures = 0;
  let answered: Promise<void> | undefined;
  const given: (string | Generation)[] = [];
  const update = async (
    known: string | Generation,
    decide: (current: Generation) => Generation | undefined,
  ) => {
    given.push(known);
    await answered;
    if (failures-- > 0) throw new Error('throttled');
    const next = decide(standing);
    if (next === undefined) return { kind: 'refused', generation: standing };
    standing = next;
    return { kind: 'written', generation: next };
  };
  const generations = { update } as Pick<GenerationStore, 'update'>;
  let wallMs = 0;
  let monotonicMs = 0;
  const clock = () => new Date(Date.now() + wallMs);
  const monotonic = () => performance.now() + monotonicMs;
  return {
    hold: (functionMs = 900_000) => {
      const endsAt = performance.now() + functionMs;
      return holdClaim(
        {
          generations,
          durations: DURATIONS,
          clock,
          monotonic,
          remainingMs: () => endsAt - performance.now(),
        },
        EXAMPLES.submitting,
        'me',
      );
    },
    /** One clock goes on while the timers stand. */
    sleep: (slept: { readonly wallMs: number; readonly monotonicMs: number }) => {
      wallMs += slept.wallMs;
      monotonicMs += slept.monotonicMs;
    },
    given,
    until: () => ('claim' in standing ? standing.claim.until : undefined),
    become: (generation: Generation) => {
      standing = generation;
    },
    /** @returns Lets the answers come that wait from now on. */
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

describe('a claim that is held', () => {
  it('is renewed every twenty seconds to a minute from then', async () => {
    const { hold, until } = claimWorld();
    const held = hold();

    const ends = [];
    for (const seconds of [19, 1, 20, 20]) {
      await vi.advanceTimersByTimeAsync(seconds * 1_000);
      ends.push(until());
    }

    expect(ends).toEqual([at(60), at(80), at(100), at(120)]);
    expect(held.signal.aborted).toBe(false);
    await held.stop();
  });

  it('goes by what it has written last, and tells it in the end', async () => {
    const { hold, given } = claimWorld();
    const held = hold();

    await vi.advanceTimersByTimeAsync(40_000);
    const latest = await held.stop();

    const untils = [...given, latest].map(
      (one) => typeof one !== 'string' && 'claim' in one && one.claim.until,
    );
    expect(untils).toEqual([at(60), at(80), at(100)]);
  });

  it('that another has taken stops the work', async () => {
    const { hold, become } = claimWorld();
    const held = hold();
    become({ ...EXAMPLES.submitting, claim: { holder: 'you', until: at(100) } });

    await vi.advanceTimersByTimeAsync(20_000);

    expect(held.signal.aborted).toBe(true);
    expect(String(held.signal.reason)).toContain('was lost');
    await held.stop();
  });

  it('outlives a renewal that fails: the next may work', async () => {
    const { hold, until, fail } = claimWorld();
    const held = hold();
    fail(1);

    await vi.advanceTimersByTimeAsync(20_000);
    const afterFailure = [until(), held.signal.aborted];
    await vi.advanceTimersByTimeAsync(20_000);

    expect([afterFailure, until()]).toEqual([[at(60), false], at(100)]);
    await held.stop();
  });

  it.each([
    ['fails every time', (world: ReturnType<typeof claimWorld>) => world.fail(100)],
    ['hangs', (world: ReturnType<typeof claimWorld>) => void world.answerLater()],
  ])('stops the work when its lease is over, though its renewal %s', async (_, breakRenewals) => {
    const world = claimWorld();
    const held = world.hold();
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
    ['the wall clock stood while the machine slept', 0, 60_000],
    ['the other clock stood while the machine slept', 60_000, 0],
  ])('stops the work soon after it wakes: %s', async (_, wallMs, monotonicMs) => {
    const world = claimWorld();
    world.fail(100);
    const held = world.hold();
    world.sleep({ wallMs, monotonicMs });

    const atOnce = held.isLost();
    await vi.advanceTimersByTimeAsync(5_000);

    expect([atOnce, held.signal.aborted]).toEqual([true, true]);
    await held.stop();
  });

  it('of a long work ends it one lease before the function ends, and stands', async () => {
    const { hold, until } = claimWorld();
    const held = hold(300_000);

    await vi.advanceTimersByTimeAsync(239_999);
    const before = held.signal.aborted;
    await vi.advanceTimersByTimeAsync(1);

    expect([before, held.signal.aborted, held.isTimeUp(), held.isLost()]).toEqual([false, true, true, false]);
    expect(until()).toBe(at(300));
    await held.stop();
  });

  it('is let go once the renewal under way is over, and not before', async () => {
    const { hold, answerLater } = claimWorld();
    const held = hold();
    const answer = answerLater();
    await vi.advanceTimersByTimeAsync(20_000);

    let latest: Generation | undefined;
    const stopping = held.stop().then((generation) => {
      latest = generation;
    });
    await vi.advanceTimersByTimeAsync(5_000);
    const meanwhile = latest;
    answer();
    await stopping;

    expect(meanwhile).toBeUndefined();
    expect(latest).toMatchObject({ claim: { holder: 'me', until: at(80) } });
  });

  it('is not renewed any more once it is let go', async () => {
    const { hold, until } = claimWorld();
    const held = hold();

    await held.stop();
    await vi.advanceTimersByTimeAsync(100_000);

    expect(until()).toBe(at(60));
  });
});
