import { unexpectedSetback } from '../events/setback.ts';
import type { GenerationError } from '../generation/errors.ts';
import { type Ending, hasEnded, type RunMark, type Submitting } from '../generation/generation.ts';
import { claimToSubmit } from '../generation/transitions/submit.ts';
import type { Setback } from '../generation/transitions/trouble.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { AttemptNotes } from '../store/attempt-notes.ts';
import { takeClaim } from '../store/claim.ts';
import { MOST_DEATHS, noteSurvival } from '../store/deaths.ts';
import { bringAndRun } from './bring-and-run.ts';
import { findCalledBack, findLostTask } from './find-lost-task.ts';
import { cancelNow, failNow, releaseUnmarked, tryLater } from './let-go.ts';
import { findFinalRefusal, isLosingForTooLong } from './lost-runs.ts';
import { recordTask, reportOthers } from './record-task.ts';
import { moment, type SubmitDeps, type SubmitEnd, type WorkDeps } from './submit-deps.ts';

/** Brings a generation to Wiro: claim, inputs, slot, mark, Run, task. Safe to repeat, and to kill at any point. */
export async function submitGeneration(deps: SubmitDeps, id: string): Promise<SubmitEnd> {
  const taken = await takeClaim(deps, id, claimToSubmit);
  if (taken.kind === 'refused' && hasEnded(taken.generation)) {
    await freeSlotOfEnded(deps, taken.generation).catch(logIgnored('reconcile clears what is over'));
    return { kind: 'noTask' };
  }
  if (taken.kind !== 'claimed') return { kind: 'elsewhere' };
  const { claim, generation, deaths } = taken;
  const work: WorkDeps = { ...deps, id, claim, ...(deaths && { deaths }) };
  let end: SubmitEnd;
  try {
    end = await submitClaimed(work, generation);
  } catch (error) {
    if (claim.isLost()) return { kind: 'elsewhere' };
    end = await releaseUnmarked(work, unexpectedSetback('A submission failed unexpectedly', id, error));
  } finally {
    await claim.stop();
  }
  if (deaths !== undefined && !claim.isLost()) await noteSurvival(deps, generation);
  return end;
}

/**
 * Frees the slot of a generation that has ended, if it holds one: it was cancelled after its admission, or the index of
 * the line still showed it and it was admitted again. Most hold none: a read costs less than a write in vain.
 */
async function freeSlotOfEnded({ gate }: Pick<SubmitDeps, 'gate'>, ended: Ending): Promise<void> {
  if ((await gate.holders()).includes(ended.id)) await gate.free(ended, 'notRun');
}

/** Searches for the task of a lost Run, if there is one. Then runs, unless the generation ends. */
async function submitClaimed(deps: WorkDeps, claimed: Submitting): Promise<SubmitEnd> {
  const deaths = deps.deaths?.count ?? 0;
  let generation = claimed;
  let unanswered: Unanswered | undefined;
  if (generation.run !== undefined) {
    const lost = await findLostTask(deps, generation, generation.run);
    if (lost.kind === 'found') {
      const end = await recordTask(deps, generation, generation.run, lost.task);
      await reportOthers(deps, lost.findOthers);
      return end;
    }
    if (lost.kind === 'unknown') return await failNow(deps, lost.error);
    if (lost.kind !== 'none') return lost;
    unanswered = { run: generation.run, notes: lost.notes };
    generation = lost.generation;
  }
  const isKilled = claimed.run === undefined && deaths >= MOST_DEATHS;
  // The last holder only asked about a task that called back, and was killed too. There is nothing left to try.
  if (isKilled && deaths > MOST_DEATHS)
    return await failNow(deps, generation.callback?.taskId === undefined ? killedError(deaths) : UNASKED);
  const called = await findCalledBack(deps, generation);
  if (called.kind === 'found') return await recordTask(deps, generation, called.run, called.task);
  if (called.kind === 'unreachable') return await tryLater(deps, called.setback);
  if (generation.cancelRequestedAt !== undefined) return await cancelNow(deps);
  if (isKilled) return await failNow(deps, killedError(deaths));
  return (unanswered && (await endUnanswered(deps, unanswered))) ?? (await bringAndRun(deps, generation));
}

const killedError = (deaths: number): GenerationError => ({
  code: 'function_killed',
  message: `The function that brings the inputs to Wiro was killed ${deaths} times in a row without one more upload: it ran out of time or memory. Nothing was run, nothing is charged. Request it with smaller inputs, or retry.`,
  retryable: true,
});

const UNASKED: GenerationError = {
  code: 'submission_unknown',
  message:
    'Wiro called back for a task of this generation, but asking about it killed the function every time. It may be charged: look at the project\'s tasks at Wiro, then retry with {"force": true}, which runs it again.',
  retryable: false,
};

/** A Run that Wiro answered with nothing certain, and that made no task. */
interface Unanswered {
  readonly run: RunMark;
  readonly notes: AttemptNotes;
}

/** @returns `undefined` if it runs again at once: one lost answer is bad luck. */
async function endUnanswered(deps: WorkDeps, { run, notes }: Unanswered): Promise<SubmitEnd | undefined> {
  const { durations } = deps;
  const refusal = findFinalRefusal(notes, run, durations);
  if (refusal !== undefined) {
    return await failNow(deps, {
      code: 'upstream_refused',
      message: `Wiro refuses the request every time (${refusal}). No task was made, nothing is charged: correct the request, or fix at Wiro what it names, and retry.`,
      retryable: true,
    });
  }
  const { lostRuns } = notes;
  const said = notes.refusal === undefined ? '' : ` Its last answer: ${notes.refusal.text}`;
  const setback: Setback = {
    code: 'upstream_unavailable',
    message: `Wiro does not answer whether it runs this. Tries so far: ${lostRuns?.count ?? 1}. No task was made, nothing is charged.${said}`,
  };
  if (isLosingForTooLong(lostRuns, moment(deps).now, durations))
    return await failNow(deps, { ...setback, retryable: true });
  return (lostRuns?.count ?? 1) > 1 ? await tryLater(deps, setback) : undefined;
}
