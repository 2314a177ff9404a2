import { unexpectedSetback } from '../events/setback.ts';
import { assertNever, type Collecting, type Generation, hasEnded } from '../generation/generation.ts';
import { after } from '../generation/time.ts';
import { claimToCollect, isToStop } from '../generation/transitions/collect.ts';
import { fail } from '../generation/transitions/end.ts';
import type { Account } from '../generation/transitions/parts.ts';
import { startRunning } from '../generation/transitions/submit.ts';
import { isWaitingToBeCopied } from '../generation/transitions/trouble.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Deaths } from '../store/attempt-notes.ts';
import { takeClaim } from '../store/claim.ts';
import { MOST_DEATHS, noteSurvival } from '../store/deaths.ts';
import { confirmHint } from '../wiro/confirm-task.ts';
import { WiroError } from '../wiro/errors.ts';
import type { Task } from '../wiro/types.ts';
import { type CollectDeps, moment, type WorkDeps } from './collect-deps.ts';
import { isStillInLine, passTurn } from './copy-in-turn.ts';
import { killedError, unreadableSetback } from './explain-end.ts';
import { keepRunning, stopTask } from './keep-running.ts';
import { finish, freeSlot, laterOrFail } from './let-go.ts';
import { type Collected, recordCancelled, recordFailed, recordSucceeded } from './record-end.ts';

/**
 * Asks Wiro how a generation's task stands and records it: still running, or its end, with the outputs copied. Safe to
 * repeat, and to kill at any point.
 */
export async function collectGeneration(deps: CollectDeps, id: string): Promise<void> {
  const current = await deps.generations.get(id);
  if (current === undefined || hasEnded(current)) await passTurn(deps, id);
  if (current === undefined) return;
  if (hasEnded(current)) {
    if (current.announcements.length > 0) await deps.announce(id);
    return;
  }
  if (await isStillInLine(deps, current)) return;
  const adopted = await adoptHinted(deps, current);
  const taken = await takeClaim(deps, adopted ?? current, claimToCollect);
  if (taken.kind !== 'claimed') return;
  const { claim, generation } = taken;
  const deaths = taken.deaths ?? (await deathsBeforeLine(deps, generation));
  const work: WorkDeps = { ...deps, id, claim, ...(deaths && { deaths }) };
  let collected: Collected = 'tried';
  try {
    collected = await collectClaimed(work, generation);
  } catch (error) {
    if (claim.isLost()) return;
    const setback = unexpectedSetback('Collecting failed unexpectedly', id, error);
    await laterOrFail(work, generation, setback, deps.durations.patience);
  } finally {
    await claim.stop();
    if (isWaitingToBeCopied(current) && !claim.isLost()) await passTurn(deps, id);
  }
  // A generation that went into line has not tried what killed the holders before.
  if (deaths !== undefined && collected === 'tried' && !claim.isLost()) await noteSurvival(deps, generation);
}

async function collectClaimed(deps: WorkDeps, generation: Collecting): Promise<Collected> {
  const deaths = deps.deaths?.count ?? 0;
  // The last holder only looked for outputs that were copied before, and was killed too. There is nothing left to try.
  if (deaths > MOST_DEATHS) {
    await freeSlot(deps, generation);
    await finish(deps, (current, moment) => fail(current, killedError(deaths), {}, moment));
    return 'tried';
  }
  const task = await askForTask(deps, generation);
  if (task === undefined) return 'tried';
  if (task.end === 'unfinished') {
    await keepRunning(deps, generation, task);
    return 'tried';
  }
  // First of all: the slot at Wiro is free, and a generation in line may need it. The rest takes time.
  await freeSlot(deps, generation);
  const account: Account = {
    taskEnd: task.end,
    ...(task.costUsd !== undefined && { costUsd: task.costUsd }),
    ...(task.elapsedSeconds !== undefined && { elapsedSeconds: task.elapsedSeconds }),
  };
  switch (task.end) {
    case 'cancelled':
      await recordCancelled(deps, generation, account);
      return 'tried';
    case 'failed':
      await recordFailed(deps, generation, task, account);
      return 'tried';
    case 'succeeded':
      return await recordSucceeded(deps, generation, task, account);
    default:
      return assertNever(task.end);
  }
}

/** @returns The task as Wiro shows it. `undefined` if Wiro does not: then the generation is put off or has failed. */
async function askForTask(deps: WorkDeps, generation: Collecting): Promise<Task | undefined> {
  const { id: taskId } = generation.task;
  const { patience, refusalPatience } = deps.durations;
  let task: Task | undefined;
  try {
    task = await deps.wiro.task({ taskId });
  } catch (error) {
    if (!(error instanceof WiroError)) throw error;
    if (error.kind === 'unauthorized') deps.forgetParameters();
    if (error.kind === 'tooLarge') {
      // The record is unreadable, so an end would not show. The task can be asked to stop all the same.
      if (isToStop(generation, moment(deps))) await stopTask(deps, generation);
      await laterOrFail(deps, generation, unreadableSetback(generation), refusalPatience);
      return undefined;
    }
    const message = `Wiro could not be asked about task ${taskId} (${error.why}).`;
    const { retryAfterMs } = error;
    await laterOrFail(deps, generation, { code: 'upstream_unavailable', message, retryAfterMs }, patience);
    return undefined;
  }
  if (task === undefined) {
    const message = `Wiro does not know task ${taskId} any more.`;
    const setback = { code: 'task_not_found', message } as const;
    await laterOrFail(deps, generation, setback, patienceWithUnknownTask(deps, generation));
  }
  return task;
}

/**
 * How long Wiro may not know the task. After a request to cancel, as long as a task may take to stop: the generation then
 * fails, because nothing shows that the task was cancelled.
 */
function patienceWithUnknownTask(deps: WorkDeps, { cancelRequestedAt }: Collecting): number {
  const { patience, stopLimit } = deps.durations;
  const isAskedLongAgo =
    cancelRequestedAt !== undefined && after(cancelRequestedAt, stopLimit) <= moment(deps).now;
  return isAskedLongAgo ? Math.min(stopLimit, patience) : patience;
}

/** The deaths in a row while copying, before the generation went into line. */
async function deathsBeforeLine({ notes }: CollectDeps, generation: Collecting): Promise<Deaths | undefined> {
  if (!isWaitingToBeCopied(generation)) return undefined;
  const { deaths } = await notes.read(generation.id, generation.attempt);
  return deaths?.during === 'collecting' && deaths.count > 0 ? deaths : undefined;
}

/**
 * Adopts the task that a callback named, if the Run's answer was lost and Wiro confirms the task.
 * @returns The generation with the task. `undefined` if there was none to adopt.
 */
async function adoptHinted(deps: CollectDeps, generation: Generation): Promise<Generation | undefined> {
  if (generation.status !== 'submitting' && generation.status !== 'queued') return undefined;
  const hintedTaskId = generation.callback?.taskId;
  if (hintedTaskId === undefined) return undefined;
  const { id, attempt, deployment } = generation;
  // Without a mark, a search must have missed the task. The task is no older than the generation.
  const mark = 'run' in generation ? generation.run : undefined;
  const run = mark ?? { startedAt: moment(deps).now, reusedUploads: false, searches: 0 };
  const confirm = async () =>
    confirmHint(deps.wiro, {
      deployment,
      generationId: id,
      attempt,
      startedAt: mark?.startedAt ?? generation.createdAt,
      marginMs: deps.durations.searchMargin,
      secrets: await deps.callbackSecrets(),
      hintedTaskId,
    });
  const task = await confirm().catch(
    logIgnored('a search follows when the lease is over', { generationId: id }),
  );
  if (!task) return undefined;
  const names = { id: task.id, ...(task.token !== undefined && { token: task.token }) };
  const adopted = await deps.generations.update(generation, (current) =>
    startRunning(current, run, attempt, names, moment(deps)),
  );
  if (adopted.kind !== 'written') return undefined;
  log.info('A task was adopted by its callback', { generationId: id, taskId: task.id });
  return adopted.generation;
}
