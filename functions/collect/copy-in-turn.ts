import type { Collecting, Generation, Output } from '../generation/generation.ts';
import { isPatienceOver, isWaitingToBeCopied, type Setback } from '../generation/transitions/trouble.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { untilAborted } from '../runtime/until-aborted.ts';
import type { CopyPlaces } from '../store/copy-places.ts';
import { MOST_DEATHS, noteProgress } from '../store/deaths.ts';
import type { TaskOutput } from '../wiro/types.ts';
import { type CollectDeps, moment, type WorkDeps } from './collect-deps.ts';
import { type CopiedOutputs, copyOutputs } from './copy-outputs.ts';

/** No place was free: it is to wait for one. */
interface InLine {
  readonly kind: 'inLine';
  readonly copyPlaces: CopyPlaces;
}

/** `isCutShort`: in a function that had less time than it might have had. `isLast`: nothing is waited for any more. */
export type Copies = CopiedOutputs & { readonly isCutShort?: true; readonly isLast?: true };

/** Whether its turn to be copied has not come yet: then nobody is asked, and nothing is written. */
export async function isStillInLine(
  { copyPlaces, ...deps }: CollectDeps,
  generation: Generation,
): Promise<boolean> {
  if (copyPlaces === undefined || generation.status !== 'running' || !isWaitingToBeCopied(generation))
    return false;
  return !isLineTooLong(deps, generation) && !(await copyPlaces.join(generation));
}

/** Lets the next in line have the place that was kept for this one, where it was named and took none. */
export async function passTurn(
  { copyPlaces, collectNext }: Pick<CollectDeps, 'copyPlaces' | 'collectNext'>,
  id: string,
): Promise<void> {
  const next = await copyPlaces
    ?.leave(id)
    .catch(logIgnored('the place is free in a minute', { generationId: id }));
  if (next !== undefined) collectNext(next);
}

/** Over all rounds: Wiro keeps outputs for a limited time. */
const isLineTooLong = (deps: Pick<CollectDeps, 'clock' | 'durations'>, generation: Generation): boolean =>
  isPatienceOver(generation, 'output_in_line', deps.durations.outputPatience, moment(deps));

/** Copies the outputs, unless the deployment copies those of as many generations at once as it may. */
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
      await copyPlaces.leaveLine(generation).catch(logIgnored('whoever is named in vain loses a minute'));
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

export const inLine = ({ task }: Collecting, { maximum }: CopyPlaces): Setback => ({
  code: 'output_in_line',
  message: `Task ${task.id} has ended and is paid for. Its outputs wait at Wiro: this deployment copies those of ${maximum} at once (maximumCollects). Its turn comes when one of them is done.`,
});

export const cutShort = ({ task }: Collecting): Setback => ({
  code: 'output_in_line',
  message: `Task ${task.id} has ended and is paid for. Copying its outputs takes longer than was left of a function that had copied others before: it goes on in one of its own.`,
});

const notItsTurn = ({ maximum }: CopyPlaces): string =>
  `The outputs waited to be copied for as long as this deployment lets them (outputPatience), and their turn did not come: it copies those of ${maximum} at once (maximumCollects).`;

/**
 * Copies what the function has time for.
 * @param isOver - Nothing is fetched any more: the outputs are those that stand.
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
      message: `Fetching the outputs takes longer than a function has: ${standing.size} of ${outputs.length} stand so far.`,
      outputs: [...standing].sort(([a], [b]) => a - b).map(([, output]) => output),
      ...(deps.isChained && { isCutShort: true }),
    };
  }
}
