import type { DeploymentParameters } from '../aws/parameters.ts';
import type { GenerationError } from '../generation/errors.ts';
import type { RunMark, Submitting } from '../generation/generation.ts';
import { openHints } from '../generation/task-hint.ts';
import { after, type Clock, timestamp } from '../generation/time.ts';
import { noteSearch, unmark } from '../generation/transitions/submit.ts';
import type { Setback } from '../generation/transitions/trouble.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { untilAborted } from '../runtime/until-aborted.ts';
import type { Durations } from '../settings.ts';
import type { AttemptNotes, AttemptNotesStore, Deaths } from '../store/attempt-notes.ts';
import type { Claim } from '../store/claim.ts';
import { MOST_DEATHS } from '../store/deaths.ts';
import type { Gate } from '../store/gate.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import { confirmHint, confirmKept } from '../wiro/confirm-task.ts';
import { WiroError } from '../wiro/errors.ts';
import { type SearchedWiro, type SearchResult, searchTask } from '../wiro/search-task.ts';
import type { Task } from '../wiro/types.ts';
import { isLosingForTooLong, noteLostRun } from './lost-runs.ts';

export interface FindLostTaskDeps {
  readonly id: string;
  readonly claim: Pick<Claim<Submitting>, 'isTimeUp' | 'signal' | 'write' | 'amend'>;
  readonly generations: Pick<GenerationStore, 'whole'>;
  readonly notes: Pick<AttemptNotesStore, 'change'>;
  readonly gate: Pick<Gate, 'free'>;
  /** The deaths in a row before this claim. */
  readonly deaths?: Deaths;
  readonly wiro: SearchedWiro;
  readonly parameters: () => Promise<Pick<DeploymentParameters, 'callbackSecrets'>>;
  readonly durations: Durations;
  readonly clock: Clock;
}

export type LostTask =
  | Extract<SearchResult, { readonly kind: 'found' }>
  /** There is no task, for certain: the generation may run again. */
  | { readonly kind: 'none'; readonly generation: Submitting; readonly notes: AttemptNotes }
  /** Whether a task exists could not be found out for too long. */
  | { readonly kind: 'unknown'; readonly error: GenerationError }
  /** The search is repeated later. */
  | { readonly kind: 'later' }
  /** Another holder has the generation. */
  | { readonly kind: 'elsewhere' };

/** Searches once for the task of a Run whose answer was lost, and notes the result. */
export async function findLostTask(
  deps: FindLostTaskDeps,
  generation: Submitting,
  run: RunMark,
): Promise<LostTask> {
  const { id, claim, gate, durations, clock } = deps;
  const notes = await deps.notes.change(id, generation.attempt, (current) => noteLostRun(current, run));
  const isTooLong = isLosingForTooLong(notes.lostRuns, timestamp(clock()), durations);
  // Searching kills its function every time. The search will never have a result.
  if (isTooLong && (deps.deaths?.count ?? 0) >= MOST_DEATHS)
    return {
      kind: 'unknown',
      error: submissionUnknown('searching its tasks killed the function every time'),
    };
  const result = await search(deps, generation, run);
  log[result.kind === 'unproven' ? 'warn' : 'info']('A lost Run was searched for', {
    generationId: id,
    result: result.kind,
    searches: run.searches + 1,
    ...(result.kind === 'unproven' && { why: result.why }),
  });
  if (result.kind === 'found') return result;
  if (result.kind === 'none' && run.emptySearchAt !== undefined) {
    const cleared = await claim.amend(unmark);
    return cleared.kind === 'written'
      ? { kind: 'none', generation: cleared.generation, notes }
      : { kind: 'elsewhere' };
  }
  const now = timestamp(clock());
  const isLongAgo = after(run.startedAt, durations.searchLimit) <= now;
  const seenAt = generation.callback?.seenAt;
  const isUnreadable = result.kind === 'unproven' && result.unreadableTaskId !== undefined;
  if (isUnreadable && seenAt !== undefined && after(seenAt, durations.refusalPatience) <= now)
    return { kind: 'unknown', error: { ...unreadableSetback(result.unreadableTaskId), retryable: true } };
  if (result.kind === 'unproven' && isLongAgo && isLosingForTooLong(notes.lostRuns, now, durations))
    return { kind: 'unknown', error: submissionUnknown(result.why) };
  // The generations in line need not wait for this one any longer.
  if (isLongAgo) await gate.free(generation, 'notRun').catch(logIgnored('its slot is free when it ends'));
  const retryAfterMs = result.kind === 'unproven' ? result.retryAfterMs : undefined;
  await claim.write((current, moment) => noteSearch(current, result.kind === 'none', moment, retryAfterMs));
  return { kind: 'later' };
}

async function search(
  { id, claim, wiro, parameters, durations }: FindLostTaskDeps,
  { deployment, attempt, model, callback }: Submitting,
  { startedAt }: RunMark,
): Promise<SearchResult> {
  const secrets = await parameters().then(
    ({ callbackSecrets }) => callbackSecrets,
    logIgnored('the Run is searched for again', { generationId: id }),
  );
  if (!secrets) return { kind: 'unproven', why: "this deployment's secrets could not be read" };
  const searching = searchTask(wiro, {
    deployment,
    generationId: id,
    attempt,
    model,
    startedAt,
    marginMs: durations.searchMargin,
    secrets,
    ...(callback?.taskId !== undefined && { hintedTaskId: callback.taskId }),
  });
  try {
    return await untilAborted(claim.signal, searching);
  } catch (error) {
    if (!claim.isTimeUp()) throw error;
    return { kind: 'unproven', why: 'the search of its tasks exceeded the time limit of a function' };
  }
}

const submissionUnknown = (why: string): GenerationError => ({
  code: 'submission_unknown',
  message: `Wiro's answer to this run was lost, and whether a task exists could not be found out (${why}). A task may run and be charged: look at the project's tasks at Wiro. A retry with {"force": true} runs it again, which may be paid twice.`,
  retryable: false,
});

/** Only the task's record can show whose it is. A retry reads it again. */
const unreadableSetback = (taskId: string): Setback => ({
  code: 'task_unreadable',
  message: `Wiro's record of task ${taskId}, which a signed callback named, holds more than the 8 MB of outputs that this deployment can read. The task may be paid for and stays at Wiro: look at it there. A retry reads it again and collects it without paying again; one with {"force": true} runs anew.`,
});

export type CalledBack =
  | { readonly kind: 'found'; readonly task: Task; readonly run: RunMark }
  | { readonly kind: 'none' }
  /** Wiro could not be asked, or its answer could not be read. */
  | { readonly kind: 'unreachable'; readonly setback: Setback };

/**
 * Finds the task of a signed callback for an attempt without a known Run. Only Wiro and this deployment know the callback
 * URL, so a search must have missed the task. It is adopted instead of running again. The same holds for a task whose
 * callback came after the end of an earlier attempt.
 */
export async function findCalledBack(deps: FindLostTaskDeps, generation: Submitting): Promise<CalledBack> {
  if (generation.callback?.taskId === undefined && generation.attempt === 1) return { kind: 'none' };
  try {
    const task = (await confirmCalledBack(deps, generation)) ?? (await confirmLate(deps, generation));
    if (task === undefined) return { kind: 'none' };
    const run = { startedAt: timestamp(deps.clock()), reusedUploads: false, searches: 0 };
    return { kind: 'found', task, run };
  } catch (error) {
    if (!(error instanceof WiroError)) throw error;
    const { callback } = generation;
    if (error.kind === 'tooLarge' && callback?.taskId !== undefined)
      return { kind: 'unreachable', setback: unreadableSetback(callback.taskId) };
    const setback: Setback = {
      code: 'upstream_unavailable',
      retryAfterMs: error.retryAfterMs,
      message: `Wiro could not be asked about task ${callback?.taskId ?? 'of an earlier attempt'}, which a callback named (${error.why}). It may be paid for: a retry asks again, and collects it without paying again.`,
    };
    return { kind: 'unreachable', setback };
  }
}

async function confirmCalledBack(
  { id, wiro, parameters, durations }: FindLostTaskDeps,
  { callback, deployment, attempt, createdAt }: Submitting,
): Promise<Task | undefined> {
  if (callback?.taskId === undefined) return undefined;
  const { callbackSecrets } = await parameters();
  return confirmHint(wiro, {
    deployment,
    generationId: id,
    attempt,
    startedAt: createdAt,
    marginMs: durations.searchMargin,
    secrets: callbackSecrets,
    hintedTaskId: callback.taskId,
  });
}

async function confirmLate(
  { id, wiro, generations, durations }: FindLostTaskDeps,
  { attempt }: Submitting,
): Promise<Task | undefined> {
  const whole = attempt > 1 ? await generations.whole(id) : undefined;
  const late = whole ? openHints(whole).filter((hint) => hint.attempt < attempt) : [];
  for (const hint of late) {
    const task =
      whole &&
      (await confirmKept(wiro, whole.generation, hint, { marginMs: durations.searchMargin }).catch(
        (error: unknown) => {
          // With `force`, a retry does not wait for a task that can never be read.
          if (error instanceof WiroError && error.kind === 'tooLarge') return undefined;
          throw error;
        },
      ));
    if (task?.end === 'succeeded' || task?.end === 'unfinished') return task;
  }
  return undefined;
}
