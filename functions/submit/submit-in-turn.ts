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
 * functions that invoke each other. When time runs out, another invocation goes on.
 */
export async function submitInTurn(deps: SubmitInTurnDeps, id: string): Promise<void> {
  const next = [id];
  const refused = new Set<string>();
  const hasTime = () => deps.remainingMs() > deps.durations.markLease;
  for (let turns = 0; turns === 0 || (turns < MOST_IN_TURN && hasTime()); turns += 1) {
    const current = next.shift();
    if (current === undefined) return;
    const end = await deps.submitOne(current);
    // Setbacks are Wiro's: the next one would meet the same.
    if (end.kind === 'later') continue;
    let joining: Generation | undefined;
    if (end.kind === 'waiting') {
      // Refused twice with room here: tasks that are not ours fill the account. `reconcile` tries again.
      if (end.wasRefused && refused.has(current)) continue;
      if (end.wasRefused) refused.add(current);
      joining = end.generation;
    }
    const admitted = await deps.gate.admit(joining).catch((error: unknown) => {
      ignore('reconcile serves those who wait')(error);
      return [];
    });
    const [first, ...others] = admitted.filter((one) => !next.includes(one));
    if (first !== undefined) next.push(first);
    await start(deps, others);
  }
  await start(deps, next);
}

async function start({ submit }: SubmitInTurnDeps, ids: readonly string[]): Promise<void> {
  await Promise.all(
    ids.map((id) => submit(id).catch(ignore('reconcile takes its slot back, and starts it'))),
  );
}
