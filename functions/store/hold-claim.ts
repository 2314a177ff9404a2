import type { Generation } from '../generation/generation.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { renewed } from '../generation/transitions.ts';
import { log } from '../runtime/log.ts';
import type { Durations } from '../settings.ts';
import type { GenerationStore } from './generation-store.ts';

/** A claim that is kept while work goes on. */
export interface HeldClaim {
  /** Aborted once the claim is lost, or the time for the work is up: whoever works must stop. */
  readonly signal: AbortSignal;
  /** Whether another may have the claim by now: nothing more is to be done under it. */
  isLost(): boolean;
  /** Whether the function is about to be ended. The claim stands: there is time to write what becomes of the work. */
  isTimeUp(): boolean;
  /**
   * Lets it run out, so that no renewal comes between the last write and what it was decided on.
   * @returns The generation as it was claimed, or as the last renewal left it.
   */
  stop(): Promise<Generation>;
}

export interface HoldClaimDeps {
  readonly generations: Pick<GenerationStore, 'update'>;
  readonly durations: Durations;
  readonly clock: Clock;
  /** Milliseconds on a clock that nobody sets. @default performance.now */
  readonly monotonic?: () => number;
  /** What is left of the function's time. @default - no end */
  readonly remainingMs?: () => number;
}

/** The longest that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Renews the claim of `holder` on a generation in the background until stopped. The claim is over as soon as either
 * clock says so: one of them may stand while the machine sleeps, the other may be set.
 */
export function holdClaim(
  {
    generations,
    durations,
    clock,
    monotonic = () => performance.now(),
    remainingMs = () => Number.POSITIVE_INFINITY,
  }: HoldClaimDeps,
  claimed: Generation,
  holder: string,
): HeldClaim {
  const { id } = claimed;
  const { lease, leaseRenewal } = durations;
  let latest = claimed;
  const work = new AbortController();
  let isLost = false;
  let isTimeUp = false;
  let renewal: Promise<void> = Promise.resolve();
  const letGo = Promise.withResolvers<void>();

  const leftOf = (generation: Generation) =>
    'claim' in generation ? Date.parse(generation.claim.until) - clock().getTime() : 0;
  let endsAt = monotonic() + Math.min(lease, leftOf(claimed));

  function lose(why: string): void {
    isLost = true;
    work.abort(new Error(`The claim on ${id} ${why}`));
    letGo.resolve();
  }

  function check(): void {
    if (!isLost && (monotonic() >= endsAt || leftOf(latest) <= 0)) lose('ran out');
  }

  async function renew(): Promise<void> {
    try {
      const begun = monotonic();
      const moment = { now: timestamp(clock()), durations };
      const outcome = await generations.update(latest, (current) => renewed(current, holder, moment));
      if (outcome.kind === 'refused' || outcome.kind === 'missing') return lose('was lost');
      latest = outcome.generation;
      endsAt = begun + lease;
    } catch (error) {
      // The lease still stands for a while; the next renewal may work.
      log.warn('A claim could not be renewed', { generationId: id, error });
    }
  }

  const renewing = setInterval(() => {
    renewal = renewal.then(renew);
  }, leaseRenewal);
  // Several times a lease: a machine that slept must notice soon after it wakes.
  const watching = setInterval(check, Math.min(leaseRenewal, lease) / 4);
  const workMs = Math.max(remainingMs() - lease, remainingMs() / 2);
  const ending = setTimeout(
    () => {
      isTimeUp = true;
      work.abort(new Error(`The time for ${id} in this invocation is up`));
    },
    Math.min(workMs, MAX_TIMER_MS),
  );
  for (const timer of [renewing, watching, ending]) timer.unref();

  return {
    signal: work.signal,
    isLost() {
      check();
      return isLost;
    },
    isTimeUp: () => isTimeUp,
    async stop() {
      clearInterval(renewing);
      clearInterval(watching);
      clearTimeout(ending);
      // A renewal that hangs is not waited for once the claim is over: what it may still write is only a lease.
      await Promise.race([renewal, letGo.promise]);
      return latest;
    },
  };
}
