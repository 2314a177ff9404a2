import type { Collecting, Generation, Submitting } from '../generation/generation.ts';
import type { Moment } from '../generation/time.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { deadHolder, renew } from '../generation/transitions/claim.ts';
import { log } from '../runtime/log.ts';
import type { Durations } from '../settings.ts';
import type { AttemptNotesStore, Deaths } from './attempt-notes.ts';
import { countDeath } from './deaths.ts';
import type { GenerationStore } from './generation-store.ts';

type Claimed = Submitting | Collecting;

/** Decides the next state of a generation that is held. `undefined` if the step does not apply. */
export type Step<Held extends Claimed, Next extends Generation> = (
  current: Held,
  moment: Moment,
) => Next | undefined;

/** How a write under a claim ended. */
export type ClaimWrite<Next extends Generation = Generation> =
  | { readonly kind: 'written'; readonly generation: Next }
  /** Nothing is written: a request to cancel stands, and the step does not apply while it does. */
  | { readonly kind: 'cancelWished' }
  /** Nothing is written: the claim has ended or another holder has it, or the step does not apply. Stop quietly. */
  | { readonly kind: 'lost' };

/** The right to work on one generation. It renews itself in the background until the first `write`, `fence` or `stop`. */
export interface Claim<Held extends Claimed = Claimed> {
  /** Unique to this claim. */
  readonly holder: string;
  /** Aborts once the claim is lost or the time for the work is up. */
  readonly signal: AbortSignal;
  /** Whether another holder may have the generation by now: nothing more may be done under this claim. */
  isLost(): boolean;
  /** Whether the function is about to end. The claim still stands: there is time to record the work's result. */
  isTimeUp(): boolean;
  /**
   * Stops renewing, so that no renewal comes between the decision and its write. Then writes the next state, provided
   * that this claim still holds the generation.
   */
  write<Next extends Generation>(step: Step<Held, Next>): Promise<ClaimWrite<Next>>;
  /** Writes like `write`, but goes on renewing: for a step in the middle of the work. */
  amend<Next extends Held>(step: Step<Held, Next>): Promise<ClaimWrite<Next>>;
  /**
   * Stops renewing.
   * @returns The revision that guards what is written beside the state. `undefined` once the claim is lost.
   */
  fence(): Promise<number | undefined>;
  /** Stops renewing and lets the claim run out. */
  stop(): Promise<void>;
}

export interface ClaimDeps {
  readonly generations: Pick<GenerationStore, 'update'>;
  readonly notes: Pick<AttemptNotesStore, 'change'>;
  readonly durations: Durations;
  readonly clock: Clock;
  /** Milliseconds on a clock that cannot be set. @default performance.now */
  readonly monotonic?: () => number;
  /** The function's remaining time in milliseconds. @default - no end */
  readonly remainingMs?: () => number;
  readonly createHolder: () => string;
}

export type TakenClaim<Held extends Claimed> =
  | {
      readonly kind: 'claimed';
      readonly claim: Claim<Held>;
      readonly generation: Held;
      /** The deaths in a row before this claim. Absent if the last holder did not die. */
      readonly deaths?: Deaths;
    }
  /** The generation cannot be claimed now. */
  | { readonly kind: 'refused'; readonly generation: Generation }
  | { readonly kind: 'missing' };

/**
 * Takes a claim. If the last holder died without releasing its claim, counts that death first: what killed it may kill
 * every holder.
 * @param take - The transition that takes the claim for `holder`. `undefined` if the generation cannot be claimed.
 */
export async function takeClaim<Held extends Claimed>(
  deps: ClaimDeps,
  known: string | Generation,
  take: (current: Generation, holder: string, moment: Moment) => Held | undefined,
): Promise<TakenClaim<Held>> {
  const { generations, durations } = deps;
  const holder = deps.createHolder();
  let takenAt = readClocks(deps);
  let counted: string | undefined;
  let deaths: Deaths | undefined;
  for (;;) {
    const taken = await generations.update(known, (current) => {
      takenAt = readClocks(deps);
      const moment = toMoment(takenAt, durations);
      const dead = deadHolder(current, moment);
      return dead !== undefined && dead !== counted ? undefined : take(current, holder, moment);
    });
    if (taken.kind === 'missing') return taken;
    if (taken.kind !== 'refused') {
      const { generation } = taken;
      return {
        kind: 'claimed',
        claim: holdClaim(deps, generation, takenAt),
        generation,
        ...(deaths && { deaths }),
      };
    }
    const { generation } = taken;
    const dead = deadHolder(generation, toMoment(readClocks(deps), durations));
    if (dead === undefined || dead === counted) return { kind: 'refused', generation };
    deaths = await countDeath(deps, generation, dead);
    counted = dead;
  }
}

/** The longest that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function holdClaim<Held extends Claimed>(deps: ClaimDeps, claimed: Held, takenAt: Instant): Claim<Held> {
  const { generations, durations, remainingMs = () => Number.POSITIVE_INFINITY } = deps;
  const { id, status } = claimed;
  const { holder } = claimed.claim;
  const { lease, leaseRenewal } = durations;
  const work = new AbortController();
  const lost = Promise.withResolvers<void>();
  let latest: Generation = claimed;
  let end = endOf(claimed, takenAt);
  let isLost = false;
  let isTimeUp = false;
  let renewal: Promise<void> = Promise.resolve();

  /** The one place that decides whether this claim holds a generation. */
  const isHeld = (generation: Generation): generation is Held =>
    generation.status === status && 'claim' in generation && generation.claim.holder === holder;

  function lose(why: string): void {
    isLost = true;
    work.abort(new Error(`The claim on ${id} ${why}`));
    lost.resolve();
  }

  function hasEnded(): boolean {
    if (!isLost && isPast(end, readClocks(deps))) lose('ran out');
    return isLost;
  }

  async function writeHeld<Next extends Generation>(step: Step<Held, Next>): Promise<ClaimWrite<Next>> {
    if (hasEnded()) return { kind: 'lost' };
    let decidedAt = readClocks(deps);
    const outcome = await generations.update(latest, (current) => {
      decidedAt = readClocks(deps);
      return isHeld(current) ? step(current, toMoment(decidedAt, durations)) : undefined;
    });
    if (outcome.kind === 'written' || outcome.kind === 'unchanged') {
      const { generation } = outcome;
      if (isHeld(generation) && Date.parse(generation.claim.until) !== end.wallMs)
        end = endOf(generation, decidedAt);
      latest = generation;
      return { kind: 'written', generation };
    }
    if (outcome.kind === 'missing' || !isHeld(outcome.generation)) {
      lose('was lost');
      return { kind: 'lost' };
    }
    return { kind: outcome.generation.cancelRequestedAt === undefined ? 'lost' : 'cancelWished' };
  }

  async function prolong(): Promise<void> {
    await writeHeld(renew).catch((error: unknown) => {
      // The lease still stands for a while; the next renewal may work.
      log.warn('A claim could not be renewed', { generationId: id, error });
    });
  }

  const renewing = setInterval(() => {
    renewal = renewal.then(prolong);
  }, leaseRenewal);
  // Several times a lease: a machine that slept must notice soon after it wakes.
  const watching = setInterval(hasEnded, Math.min(leaseRenewal, lease) / 4);
  const workMs = Math.max(remainingMs() - lease, remainingMs() / 2);
  const ending = setTimeout(
    () => {
      isTimeUp = true;
      work.abort(new Error(`The time for ${id} in this invocation is up`));
    },
    Math.min(workMs, MAX_TIMER_MS),
  );
  for (const timer of [renewing, watching, ending]) timer.unref();

  // A renewal that hangs is not waited for once the claim has ended: it can write nothing but a lease.
  const renewalEnd = () => Promise.race([renewal, lost.promise]);

  async function stop(): Promise<void> {
    clearInterval(renewing);
    clearInterval(watching);
    clearTimeout(ending);
    await renewalEnd();
  }

  return {
    holder,
    signal: work.signal,
    isLost: hasEnded,
    isTimeUp: () => isTimeUp,
    async write(step) {
      await stop();
      return await writeHeld(step);
    },
    async amend(step) {
      await renewalEnd();
      return await writeHeld(step);
    },
    async fence() {
      await stop();
      return hasEnded() ? undefined : latest.revision;
    },
    stop,
  };
}

// --- two clocks -----------------------------------------------------------------------------------------------

// A claim ends as soon as either clock says so: one may stand while the machine sleeps, the other may be set.

interface Instant {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

const readClocks = ({ clock, monotonic = () => performance.now() }: ClaimDeps): Instant => ({
  wallMs: clock().getTime(),
  monotonicMs: monotonic(),
});

const toMoment = ({ wallMs }: Instant, durations: Durations): Moment => ({
  now: timestamp(wallMs),
  durations,
});

/** When the claim that was written at `decidedAt` ends, by each clock. */
function endOf({ claim }: Claimed, { wallMs, monotonicMs }: Instant): Instant {
  const untilMs = Date.parse(claim.until);
  return { wallMs: untilMs, monotonicMs: monotonicMs + untilMs - wallMs };
}

const isPast = (end: Instant, now: Instant): boolean =>
  now.wallMs >= end.wallMs || now.monotonicMs >= end.monotonicMs;
