import type { Claim, Collecting, Generation, Submitting } from '../generation.ts';
import { after, earlier, type Moment, type Timestamp } from '../time.ts';

//     submitting ──renew──► submitting        collecting ──renew──► collecting

/** The claim of `holder` on a generation for one lease from now, or until a moment. */
export function leaseTo(
  { dueAt }: Generation,
  holder: string,
  { now, durations }: Moment,
  until: Timestamp = after(now, durations.lease),
): { readonly claim: Claim; readonly dueAt: Timestamp } {
  // `reconcile` looks once the lease is over by every clock: see `looksAt`. An earlier `dueAt` stays, because to change it
  // costs two writes to the index.
  return { claim: { holder, until }, dueAt: earlier(dueAt, after(until, durations.clockSkew)) };
}

/** Extends a claim to one lease from now. */
export const renew = <Held extends Submitting | Collecting>(generation: Held, moment: Moment): Held => ({
  ...generation,
  ...leaseTo(generation, generation.claim.holder, moment),
});

/** Whether a lease is over, by any clock that is not off by more than the allowed skew. */
export const isFree = ({ until }: Claim, { now, durations }: Moment): boolean =>
  after(until, durations.clockSkew) <= now;

/** The holder of a claim that was released early but leaves its generation in the same state. */
const NO_HOLDER = '';

/** A claim that any function may take now. */
export const releasedAt = (now: Timestamp): Claim => ({ holder: NO_HOLDER, until: now });

/**
 * The holder of a claim that ran out without being released: its function died. Not the holder that sent an unanswered
 * Run: the claim that comes with the mark is meant to run out.
 */
export function deadHolder(generation: Generation, moment: Moment): string | undefined {
  if (generation.status !== 'submitting' && generation.status !== 'collecting') return undefined;
  const { holder, until } = generation.claim;
  if (holder === NO_HOLDER || !isFree(generation.claim, moment)) return undefined;
  if (generation.status === 'submitting' && generation.run !== undefined) {
    // A searcher takes its claim after the mark's has ended. The mark's is longer for files in the Run's body.
    const { markLease, lease } = moment.durations;
    if (until <= after(generation.run.startedAt, markLease + lease)) return undefined;
  }
  return holder;
}
