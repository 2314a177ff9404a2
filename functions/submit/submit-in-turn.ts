import type { Generation } from '../generation/generation.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Gate } from '../store/gate.ts';
import { NewerVersionError } from '../store/stored-version.ts';
import type { SubmitEnd } from './submit-deps.ts';

export interface SubmitInTurnDeps {
  readonly submitOne: (id: string) => Promise<SubmitEnd>;
  readonly gate: Pick<Gate, 'admit' | 'free' | 'isAwaited'>;
  /** Starts another invocation. It serves the line too, whatever becomes of the generation it is started for. */
  readonly submit: (id: string) => Promise<void>;
  readonly remainingMs: () => number;
  /** One submission takes at most this long, in milliseconds. */
  readonly durations: { readonly markLease: number };
}

/** Submissions of one invocation. */
const MOST_IN_TURN = 100;
/** Submissions at once. Each runs in a lane. */
const LANES = 4;
/** Invocations to start if there is room for more than all lanes. Each may start as many again. */
const FURTHER = 2;

/**
 * Submits a generation, and then the generations in line that there is room for.
 *
 *     submit(a)
 *        │
 *        ▼
 *     submitOne(a) ── no slot: a joins the line ──┐
 *        │                                        │
 *        └── a has a task, or needs no slot ──────┤
 *                                                 ▼
 *     THE LINE  b c d e f …  ── oldest first ─► admit: a slot for each free lane, if the gate has them
 *                                                 │
 *                          ┌────────────┬─────────┴──┬────────────┐
 *                          ▼            ▼            ▼            ▼
 *                     submitOne(b) submitOne(c) submitOne(d) submitOne(e)     each then admits again
 *
 *     HAND-OVER   Four were admitted, and there is room for more ─► start two more invocations
 *                 100 submissions, or too little time            ─► start one that goes on
 *
 * The line is served here and not by an invocation each, because Lambda stops chains of functions that invoke each
 * other. A slot is given only to a generation that a lane submits at once: in Lambda's own queue it would hold the slot
 * idle. So another invocation gets no slot to begin with. It is started for a generation that is done here, and serves
 * the line. If it never comes, no generation in line holds a slot. Then the next task that ends has the line served, or
 * `reconcile` does within a minute.
 */
export async function submitInTurn(deps: SubmitInTurnDeps, id: string): Promise<void> {
  const { gate, submitOne, submit } = deps;
  const hasTime = () => deps.remainingMs() > deps.durations.markLease;
  const isAwaited = () => gate.isAwaited().catch(logIgnored('reconcile serves the line'));
  const startOther = (current: string) =>
    submit(current).catch(logIgnored('reconcile serves the line', { generationId: current }));
  const refused = new Set<string>();
  let submissions = 0;
  /** Lanes in use, and lanes that an admission under way may fill. */
  let busy = 1;
  let isHandedOver = false;
  await submitAndServe(id);

  async function submitAndServe(current: string): Promise<void> {
    submissions += 1;
    const end = await submitOne(current)
      .catch((error: unknown) => skipNewer(current, error))
      .finally(() => {
        busy -= 1;
      });
    // Setbacks come from Wiro. The next generation would meet the same.
    if (end.kind === 'later') return;
    // Whichever generation joins the line from now on has it served, and so has one whose task ends.
    if ('isAwaited' in end && end.isAwaited === false) return;
    // Refused twice although the gate has room: tasks that are not ours fill the account. `reconcile` tries again.
    if (end.kind === 'waiting' && end.wasRefused && refused.has(current)) return;
    if (end.kind === 'waiting' && end.wasRefused) refused.add(current);
    await serveLine(current, end.kind === 'waiting' ? end.generation : undefined);
  }

  /** A newer release wrote this generation. This release cannot run it, and goes on with the line behind it. */
  async function skipNewer(current: string, error: unknown): Promise<SubmitEnd> {
    if (!(error instanceof NewerVersionError)) throw error;
    logIgnored('it waits for the newer release', { generationId: current })(error);
    // With the first revision, this frees no slot that a later revision has taken since.
    await gate.free({ id: current, revision: 1 }, 'notRun').catch(logIgnored('it keeps its slot until then'));
    return { kind: 'noTask' };
  }

  /** Fills the free lanes from the line. */
  async function serveLine(current: string, joining: Generation | undefined): Promise<void> {
    if (submissions >= MOST_IN_TURN || !hasTime()) return await handOver(current);
    const most = LANES - busy;
    busy = LANES;
    const admitted = await gate.admit(most, joining).catch((error: unknown) => {
      logIgnored('reconcile serves the line')(error);
      return [];
    });
    busy -= most - admitted.length;
    // Slots that come free one by one are filled here.
    const areAllLanesFilled = most === LANES && admitted.length === most;
    const served = await Promise.allSettled([
      ...admitted.map(submitAndServe),
      ...(areAllLanesFilled ? [startMore(current)] : []),
    ]);
    for (const one of served) if (one.status === 'rejected') throw one.reason;
  }

  async function startMore(current: string): Promise<void> {
    if (!(await isAwaited())) return;
    await Promise.all(Array.from({ length: FURTHER }, () => startOther(current)));
  }

  /**
   * Starts another invocation that goes on. Each lane comes here when it ends. The first that finds room hands over for
   * all. The last may have left room long after that, so it hands over once more.
   */
  async function handOver(current: string): Promise<void> {
    const isSpared = () => isHandedOver && busy > 0;
    if (isSpared() || !(await isAwaited()) || isSpared()) return;
    isHandedOver = true;
    await startOther(current);
  }
}
