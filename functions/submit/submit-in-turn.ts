import type { Generation } from '../generation/generation.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Gate } from '../store/gate.ts';
import { NewerVersionError } from '../store/stored-version.ts';
import type { SubmitEnd } from './submit-generation.ts';

export interface SubmitInTurnDeps {
  readonly submitOne: (id: string) => Promise<SubmitEnd>;
  readonly gate: Pick<Gate, 'admit' | 'free' | 'isAwaited'>;
  /** Starts another invocation. It serves the line too, whatever becomes of the generation that it is started for. */
  readonly submit: (id: string) => Promise<void>;
  readonly remainingMs: () => number;
  /** One submission takes at most this long, in milliseconds. */
  readonly durations: { readonly markLease: number };
}

const MOST_IN_TURN = 100;
const SIDE_BY_SIDE = 4;
/** Invocations started where there is room for more than a whole round here; each may start as many again. */
const FURTHER = 2;

/**
 * Submits a generation, and then whoever waits and has room: in this invocation, because Lambda stops chains of
 * functions that invoke each other. Only so many are admitted as are submitted here at once: one who was admitted and
 * then waits in Lambda's own queue would hold its slot idle. So other invocations are started to serve the line, and
 * for nobody in it by name. Should one not come, nobody in line holds a slot: the next task that ends has the line
 * served, or `reconcile` does within a minute.
 */
export async function submitInTurn(deps: SubmitInTurnDeps, id: string): Promise<void> {
  const { gate, submitOne, submit } = deps;
  const hasTime = () => deps.remainingMs() > deps.durations.markLease;
  const isAwaited = () => gate.isAwaited().catch(logIgnored('reconcile serves those who wait'));
  const startOther = (current: string) =>
    submit(current).catch(logIgnored('reconcile serves those who wait', { generationId: current }));
  const refused = new Set<string>();
  let turns = 0;
  /** Under way here, or about to be. */
  let open = 1;
  let isHandedOn = false;
  await take(id);

  async function take(current: string): Promise<void> {
    turns += 1;
    const end = await submitOne(current)
      .catch((error: unknown) => passBy(current, error))
      .finally(() => {
        open -= 1;
      });
    // Setbacks are Wiro's: the next one would meet the same.
    if (end.kind === 'later') return;
    // Refused twice with room here: tasks that are not ours fill the account. `reconcile` tries again.
    if (end.kind === 'waiting' && end.wasRefused && refused.has(current)) return;
    if (end.kind === 'waiting' && end.wasRefused) refused.add(current);
    await serve(current, end.kind === 'waiting' ? end.generation : undefined);
  }

  /** A newer release wrote it: nobody here can run it, and the line must not stand still behind it. */
  async function passBy(current: string, error: unknown): Promise<SubmitEnd> {
    if (!(error instanceof NewerVersionError)) throw error;
    logIgnored('it waits for the newer release', { generationId: current })(error);
    // As it was before anything was run: a slot that was taken again since stays.
    await gate.free({ id: current, revision: 1 }, 'notRun').catch(logIgnored('it keeps its slot until then'));
    return { kind: 'noTask' };
  }

  async function serve(current: string, joining: Generation | undefined): Promise<void> {
    if (turns >= MOST_IN_TURN || !hasTime()) return await handOn(current);
    const most = SIDE_BY_SIDE - open;
    open = SIDE_BY_SIDE;
    const admitted = await gate.admit(most, joining).catch((error: unknown) => {
      logIgnored('reconcile serves those who wait')(error);
      return [];
    });
    open -= most - admitted.length;
    // Places that come free one by one are filled here.
    const isWholeRound = most === SIDE_BY_SIDE && admitted.length === most;
    const served = await Promise.allSettled([
      ...admitted.map(take),
      ...(isWholeRound ? [startOthers(current)] : []),
    ]);
    for (const one of served) if (one.status === 'rejected') throw one.reason;
  }

  async function startOthers(current: string): Promise<void> {
    if (!(await isAwaited())) return;
    await Promise.all(Array.from({ length: FURTHER }, () => startOther(current)));
  }

  async function handOn(current: string): Promise<void> {
    // Each that is still under way here comes to this in its turn. One other goes on for them, and one more for the
    // last, which may leave room long after.
    const isSpared = () => isHandedOn && open > 0;
    if (isSpared() || !(await isAwaited()) || isSpared()) return;
    isHandedOn = true;
    await startOther(current);
  }
}
