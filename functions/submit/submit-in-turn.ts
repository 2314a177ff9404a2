import type { Generation } from '../generation/generation.ts';
import { ignore } from '../ignore.ts';
import type { Gate } from '../store/gate.ts';
import type { SubmitEnd } from './submit-generation.ts';

export interface SubmitInTurnDeps {
  readonly submitOne: (id: string) => Promise<SubmitEnd>;
  readonly gate: Pick<Gate, 'admit'>;
  /** Starts another invocation for one that may go side by side. */
  readonly submit: (id: string) => Promise<void>;
  readonly remainingMs: () => number;
  /** One submission takes at most this long, in milliseconds. */
  readonly durations: { readonly markLease: number };
}

const MOST_IN_TURN = 100;

/**
 * Submits a generation, and then whoever waits and has room: in this invocation, because Lambda stops chains of
 * functions that invoke each other. What is left when time runs out is due, and `reconcile` sees it.
 */
export async function submitInTurn(deps: SubmitInTurnDeps, id: string): Promise<void> {
  const next = [id];
  const turnedAway = new Set<string>();
  for (let turns = 0; turns < MOST_IN_TURN && deps.remainingMs() > deps.durations.markLease; turns += 1) {
    const current = next.shift();
    if (current === undefined) return;
    const end = await deps.submitOne(current);
    // Setbacks are Wiro's: the next one would meet the same. Elsewhere, somebody else is at it.
    if (end.kind === 'later' || end.kind === 'elsewhere') continue;
    let joining: Generation | undefined;
    if (end.kind === 'waiting') {
      // Twice turned away is enough: whoever frees the slot that it waits for starts it.
      if (turnedAway.has(current)) continue;
      turnedAway.add(current);
      joining = end.generation;
    }
    const admitted = await deps.gate.admit(joining).catch((error: unknown) => {
      ignore('reconcile serves those who wait')(error);
      return [];
    });
    const [first, ...others] = admitted.filter((one) => !next.includes(one));
    if (first !== undefined) next.push(first);
    await Promise.all(
      others.map((other) => deps.submit(other).catch(ignore('reconcile submits what is due'))),
    );
  }
}
