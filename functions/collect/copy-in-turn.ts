import type { Collecting, Generation, Output } from '../generation/generation.ts';
import { isPatienceOver, isWaitingToBeCopied, type Setback } from '../generation/transitions/trouble.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { untilAborted } from '../runtime/until-aborted.ts';
import type { CopyPlaces } from '../store/copy-places.ts';
import { MOST_DEATHS, noteProgress } from '../store/deaths.ts';
import type { TaskOutput } from '../wiro/types.ts';
import { type CollectDeps, moment, type WorkDeps } from './collect-deps.ts';
import { type CopiedOutputs, copyOutputs } from './copy-outputs.ts';

/** No place is free. The generation must wait for one. */
interface InLine {
  readonly kind: 'inLine';
  readonly copyPlaces: CopyPlaces;
}

/** `isCutShort`: the invocation had collected another generation before, so it ran out of time. `isLast`: no more tries. */
export type Copies = CopiedOutputs & { readonly isCutShort?: true; readonly isLast?: true };

/** Whether the generation still waits for its turn to copy. Then there is nothing to ask Wiro or to write. */
export async function isStillInLine(
  { copyPlaces, ...deps }: CollectDeps,
  generation: Generation,
): Promise<boolean> {
  if (copyPlaces === undefined || generation.status !== 'running' || !isWaitingToBeCopied(generation))
    return false;
  return !isLineTooLong(deps, generation) && !(await copyPlaces.join(generation));
}

/** Passes on the place that is reserved for this generation and that it does not need. */
export async function passTurn(
  { copyPlaces, collectNext }: Pick<CollectDeps, 'copyPlaces' | 'collectNext'>,
  id: string,
): Promise<void> {
  const next = await copyPlaces
    ?.leave(id)
    .catch(logIgnored('the place is free in a minute', { generationId: id }));
  if (next !== undefined) collectNext(next);
}

/** Whether the wait has been too long, over all rounds. Wiro keeps outputs for a limited time. */
const isLineTooLong = (deps: Pick<CollectDeps, 'clock' | 'durations'>, generation: Generation): boolean =>
  isPatienceOver(generation, 'output_in_line', deps.durations.outputPatience, moment(deps));

/** Copies the outputs if the deployment's limit leaves a place. */
export async function copyInTurn(
  deps: WorkDeps,
  generation: Collecting,
  outputs: readonly TaskOutput[],
): Promise<Copies | InLine> {
  const { id, copyPlaces, deaths } = deps;
  const { holder } = deps.claim;
  const isOver = deaths !== undefined && deaths.count >= MOST_DEATHS;
  if (copyPlaces === undefined || outputs.length === 0 || isOver)
    return await copyInTime(deps, generation, outputs, isOver);
  if (!(await copyPlaces.take(generation, holder, deps.remainingMs()))) {
    if (isLineTooLong(deps, generation)) {
      await copyPlaces
        .leaveLine(generation)
        .catch(logIgnored('its turn may come in vain, and cost a minute'));
      const standing = await copyInTime(deps, generation, outputs, true);
      return standing.kind === 'copied'
        ? standing
        : { ...standing, code: 'output_unavailable', message: notItsTurn(copyPlaces), isLast: true };
    }
    return { kind: 'inLine', copyPlaces };
  }
  try {
    return await copyInTime(deps, generation, outputs);
  } finally {
    const next = await copyPlaces
      .leave(id, holder)
      .catch(logIgnored('the place is free when its time is over'));
    if (next !== undefined) deps.collectNext(next);
  }
}

export const inLineSetback = ({ task }: Collecting, { maximum }: CopyPlaces): Setback => ({
  code: 'output_in_line',
  message: `Task ${task.id} has ended and is paid for. Its outputs wait at Wiro: this deployment copies those of ${maximum} at once (maximumCollects). Its turn comes when one of them is done.`,
});

export const cutShortSetback = ({ task }: Collecting): Setback => ({
  code: 'output_in_line',
  message: `Task ${task.id} has ended and is paid for. The function that copied others first had too little time left for its outputs. Another function copies them.`,
});

const notItsTurn = ({ maximum }: CopyPlaces): string =>
  `The outputs waited to be copied for as long as this deployment lets them (outputPatience), and their turn did not come: it copies those of ${maximum} at once (maximumCollects).`;

/**
 * Copies as many outputs as the function has time for.
 * @param isOver - Fetches nothing, and returns the outputs that were copied before.
 */
async function copyInTime(
  { claim, deaths, ...deps }: WorkDeps,
  generation: Collecting,
  outputs: readonly TaskOutput[],
  isOver = false,
): Promise<Copies> {
  const standing = new Map<number, Output>();
  const copying = copyOutputs(deps, generation, outputs, claim.signal, {
    isAgain: deaths !== undefined || generation.trouble !== undefined,
    isOver,
    async onStanding(index, output) {
      standing.set(index, output);
      if (deaths !== undefined) await noteProgress(deps, generation, standing.size);
    },
  });
  try {
    return await untilAborted(claim.signal, copying);
  } catch (error) {
    if (!claim.isTimeUp()) throw error;
    return {
      kind: 'incomplete',
      code: 'output_unavailable',
      message: `Fetching the outputs takes longer than a function may run: ${standing.size} of ${outputs.length} are copied so far.`,
      outputs: [...standing].sort(([a], [b]) => a - b).map(([, output]) => output),
      ...(deps.isChained && { isCutShort: true }),
    };
  }
}
