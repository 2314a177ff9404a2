import type { Generation } from '../generation/generation.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { renewed } from '../generation/transitions.ts';
import { log } from '../log.ts';
import type { Durations } from '../settings.ts';
import type { GenerationStore } from './generation-store.ts';

/** A claim that is kept while work goes on. */
export interface HeldClaim {
  /** Aborted once the claim is lost: whoever works on must stop. */
  readonly signal: AbortSignal;
  /**
   * Lets it run out, so that no renewal comes between the last write and what it was decided on.
   * @returns The generation as it was claimed, or as the last renewal left it.
   */
  stop(): Promise<Generation>;
}

/** Renews the claim of `holder` on a generation in the background until stopped. */
export function holdClaim(
  {
    generations,
    durations,
    clock,
  }: {
    readonly generations: Pick<GenerationStore, 'update'>;
    readonly durations: Durations;
    readonly clock: Clock;
  },
  claimed: Generation,
  holder: string,
): HeldClaim {
  const { id } = claimed;
  let latest = claimed;
  const lost = new AbortController();
  let renewal: Promise<void> = Promise.resolve();

  async function renew(): Promise<void> {
    try {
      const moment = { now: timestamp(clock()), durations };
      const outcome = await generations.update(latest, (current) => renewed(current, holder, moment));
      if (outcome.kind === 'refused' || outcome.kind === 'missing')
        lost.abort(new Error(`The claim on ${id} was lost`));
      else latest = outcome.generation;
    } catch (error) {
      // The lease still stands for a while; the next renewal may work.
      log.warn('A claim could not be renewed', { generationId: id, error });
    }
  }

  const timer = setInterval(() => {
    renewal = renewal.then(renew);
  }, durations.leaseRenewal);
  timer.unref();

  return {
    signal: lost.signal,
    async stop() {
      clearInterval(timer);
      await renewal;
      return latest;
    },
  };
}
