import { logSetback, unexpectedSetback } from '../events/setback.ts';
import type { GenerationError } from '../generation/errors.ts';
import {
  assertNever,
  type Collecting,
  type Generation,
  hasEnded,
  type Output,
  type StopSent,
} from '../generation/generation.ts';
import { after, timestamp } from '../generation/time.ts';
import {
  type Account,
  cancelled,
  claimToCollect,
  collectingLater,
  failed,
  isPastDeadline,
  isPatienceOver,
  isToStop,
  isWaitingToBeCopied,
  readEmpty,
  rerun,
  type Setback,
  stillRunning,
  succeeded,
  withTask,
} from '../generation/transitions.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Deaths, TaskError } from '../store/attempt-notes.ts';
import type { CopyPlaces } from '../store/copy-places.ts';
import { holdClaim } from '../store/hold-claim.ts';
import { MOST_DEATHS, noteLife, takeClaim } from '../store/take-claim.ts';
import { WiroError } from '../wiro/errors.ts';
import { confirmHint } from '../wiro/search-task.ts';
import type { Task } from '../wiro/types.ts';
import { type ClaimDeps, type CollectDeps, moment } from './collect-deps.ts';
import { copyInTurn, cutShort, inLine, isStillInLine, passTurn } from './copy-in-turn.ts';
import {
  capital,
  chargeOf,
  endedWithTask,
  killed,
  PAID,
  pastDeadline,
  sentence,
  unreadable,
} from './explain-end.ts';
import { forgetTaskError, noteStopped, noteTaskError, stoodAtError, taskErrorSetback } from './task-error.ts';

/** Reads of a task before an end with no outputs is believed. */
const EMPTY_READS = 3;

/**
 * Asks Wiro how a generation's task stands and records it: still running, or its end with its outputs copied.
 * Safe to repeat and to die in anywhere.
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
  const holder = deps.createHolder();
  const taken = await takeClaim(deps, adopted ?? current, (current) =>
    claimToCollect(current, holder, moment(deps)),
  );
  const { claimed } = taken;
  if (claimed.kind === 'refused' || claimed.kind === 'missing') return;
  const held = holdClaim(deps, claimed.generation, holder);
  const deaths = taken.deaths ?? (await deathsBeforeLine(deps, claimed.generation));
  let isTried = true;
  const onTurnedAway = () => {
    isTried = false;
  };
  const claim = { ...deps, id, holder, held, onTurnedAway, ...(deaths && { deaths }) };
  try {
    await collectClaimed(claim, claimed.generation);
  } catch (error) {
    if (held.isLost()) return;
    const setback = unexpectedSetback('Collecting failed unexpectedly', id, error);
    await laterOrFail(claim, claimed.generation, setback, deps.durations.patience);
  } finally {
    await held.stop();
    if (isWaitingToBeCopied(current) && !held.isLost()) await passTurn(deps, id);
  }
  // One that was turned away has not tried what killed those before it.
  if (deaths !== undefined && isTried && !held.isLost()) await noteLife(deps, claimed.generation);
}

/** The deaths of those who tried to copy before it was in line. */
async function deathsBeforeLine({ notes }: CollectDeps, generation: Collecting): Promise<Deaths | undefined> {
  if (!isWaitingToBeCopied(generation)) return undefined;
  const { deaths } = await notes.read(generation.id, generation.attempt);
  return deaths?.during === 'collecting' && deaths.count > 0 ? deaths : undefined;
}

/**
 * A callback may name the task of a Run whose answer was lost: confirmed, it is adopted at any time.
 * @returns The generation with it, if it was.
 */
async function adoptHinted(deps: CollectDeps, generation: Generation): Promise<Generation | undefined> {
  if (generation.status !== 'submitting' && generation.status !== 'queued') return undefined;
  const hintedTaskId = generation.callback?.taskId;
  if (hintedTaskId === undefined) return undefined;
  const { id, attempt, deployment } = generation;
  // Without a mark the search has missed the task: it is no younger than the generation.
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
    logIgnored('the Run is searched for when its lease is over', { generationId: id }),
  );
  if (!task) return undefined;
  const names = { id: task.id, ...(task.token !== undefined && { token: task.token }) };
  const adopted = await deps.generations.update(generation, (current) =>
    withTask(current, run, attempt, names, moment(deps)),
  );
  if (adopted.kind !== 'written') return undefined;
  log.info('A task was adopted by its callback', { generationId: id, taskId: task.id });
  return adopted.generation;
}

async function collectClaimed(deps: ClaimDeps, generation: Collecting): Promise<void> {
  const { holder, generations, durations } = deps;
  const deaths = deps.deaths?.count ?? 0;
  // The last one was only to look at what stands, and was killed too: there is nothing left to try.
  if (deaths > MOST_DEATHS) {
    await freeSlot(deps, generation);
    return await finish(deps, (current) => failed(current, holder, killed(deaths), {}, moment(deps)));
  }
  let task: Task | undefined;
  try {
    task = await deps.wiro.task({ taskId: generation.task.id });
  } catch (error) {
    if (!(error instanceof WiroError)) throw error;
    if (error.kind === 'unauthorized') deps.forgetParameters();
    if (error.kind === 'tooLarge') {
      // Its end cannot be seen; it can be asked to end all the same.
      if (isToStop(generation, moment(deps))) await stopTask(deps, generation);
      return await laterOrFail(deps, generation, unreadable(generation), durations.refusalPatience);
    }
    return await laterOrFail(
      deps,
      generation,
      {
        code: 'upstream_unavailable',
        message: `Wiro could not be asked about task ${generation.task.id} (${error.why}).`,
      },
      durations.patience,
    );
  }
  if (task === undefined) {
    return await laterOrFail(
      deps,
      generation,
      { code: 'task_not_found', message: `Wiro does not know task ${generation.task.id} any more.` },
      durations.patience,
    );
  }
  const account: Account = {
    ...(task.end !== 'unfinished' && { taskEnd: task.end }),
    ...(task.costUsd !== undefined && { costUsd: task.costUsd }),
    ...(task.elapsedSeconds !== undefined && { elapsedSeconds: task.elapsedSeconds }),
  };
  if (task.end === 'unfinished') return await keepRunning(deps, generation, task);
  // Before anything that takes time: the place at Wiro is free, and somebody may be waiting for it.
  await freeSlot(deps, generation);
  switch (task.end) {
    case 'cancelled': {
      const isWished = generation.cancelRequestedAt !== undefined;
      if (!isWished && isPastDeadline(generation, moment(deps)))
        return await finish(deps, (current) =>
          failed(current, holder, pastDeadline(generation, account), account, moment(deps)),
        );
      // Stopped by us because it stood at an error: that is how it ended, though it moved in between.
      const stopped = isWished ? undefined : await stoppedAtError(deps, generation);
      if (stopped !== undefined) return await endFailed(deps, generation, stopped.text, account);
      return await finish(deps, (current) => cancelled(current, holder, account, moment(deps)));
    }
    case 'failed': {
      // Of one that was stopped, what it was stopped for; killing it may have left another text.
      const stopped = stoodAtError(generation) ? await stoppedAtError(deps, generation) : undefined;
      return await endFailed(deps, generation, stopped?.text ?? task.errorText?.trim(), account);
    }
    case 'succeeded':
      break;
    default:
      return assertNever(task.end);
  }
  if (task.outputs.length === 0 && generation.emptyReads + 1 < EMPTY_READS) {
    const read = await generations.update(await deps.held.stop(), (current) =>
      readEmpty(current, holder, moment(deps)),
    );
    if (read.kind === 'written')
      log.warn('A task that succeeded shows no outputs: it is read again before that is believed', {
        generationId: generation.id,
        tries: generation.emptyReads + 1,
        nextTryAt: read.generation.dueAt,
      });
    return;
  }
  const copies = await copyInTurn(deps, generation, task.outputs);
  if (copies.kind === 'inLine') return await waitInLine(deps, generation, copies.copyPlaces);
  if (copies.kind === 'copied') {
    if (!(await putOutputs(deps, generation, copies.outputs))) return;
    return await finish(deps, (current) => succeeded(current, holder, account, moment(deps)));
  }
  const { code, message } = copies;
  if (copies.isCutShort) {
    await later(deps, cutShort(generation));
    return deps.collectNext(generation.id);
  }
  if (deaths >= MOST_DEATHS) {
    if (!(await putOutputs(deps, generation, copies.outputs))) return;
    return await finish(deps, (current) => failed(current, holder, killed(deaths), account, moment(deps)));
  }
  if (
    code === 'output_unavailable' &&
    !copies.isLast &&
    !isPatienceOver(generation, code, durations.outputPatience, moment(deps))
  ) {
    await later(deps, { code, message });
    return;
  }
  // What was copied is kept: it was paid for.
  if (!(await putOutputs(deps, generation, copies.outputs))) return;
  return await finish(deps, (current) =>
    failed(
      current,
      holder,
      { code, message: `${sentence(message)} ${PAID[code](generation)}`, retryable: true },
      account,
      moment(deps),
    ),
  );
}

async function waitInLine(deps: ClaimDeps, generation: Collecting, copyPlaces: CopyPlaces): Promise<void> {
  deps.onTurnedAway();
  if (!(await later(deps, inLine(generation, copyPlaces)))) return;
  if (await copyPlaces.join(generation)) deps.collectNext(deps.id);
}

// --- not ended ------------------------------------------------------------------------------------------------

async function keepRunning(deps: ClaimDeps, generation: Collecting, task: Task): Promise<void> {
  const { id, holder, generations } = deps;
  const taskError = await noteStand(deps, generation, task);
  const isStuck =
    taskError !== undefined && after(taskError.since, deps.durations.taskErrorLimit) <= moment(deps).now;
  const isToBeStopped = isStuck || isToStop(generation, moment(deps));
  const sent = generation.stop?.killSentAt;
  if (isToBeStopped && sent !== undefined && after(sent, deps.durations.stopLimit) <= moment(deps).now) {
    await freeSlot(deps, generation);
    const error: GenerationError = isPastDeadline(generation, moment(deps))
      ? pastDeadline(generation)
      : {
          code: 'cancel_unconfirmed',
          message: `Wiro was asked to stop task ${generation.task.id}, but it did not end. It may still run, and be charged: look at it at Wiro. A retry collects it without paying again if it ends after all; one with {"force": true} runs anew.`,
          retryable: true,
        };
    return await finish(deps, (current) => failed(current, holder, error, {}, moment(deps)));
  }
  if (isStuck && !isToStop(generation, moment(deps)))
    await deps.notes.change(id, generation.attempt, (notes) => noteStopped(notes, moment(deps).now));
  const stop = isToBeStopped ? await stopTask(deps, generation) : undefined;
  const callbackKnown = generation.callback?.seenAt;
  const released = await generations.update(await deps.held.stop(), (current) =>
    stillRunning(
      current,
      holder,
      {
        callbackKnown,
        ...(stop && { stop }),
        ...(taskError && { error: taskErrorSetback(taskError) }),
      },
      moment(deps),
    ),
  );
  // Called back, or wished cancelled, while the answer was on its way: look once more, now.
  if (released.kind !== 'written') return;
  const isToStopNow = stop === undefined && isToStop(released.generation, moment(deps));
  if (released.generation.callback?.seenAt !== callbackKnown || isToStopNow) {
    await deps.collectAgain(id).catch(logIgnored('reconcile collects what is due', { generationId: id }));
  }
}

/** @returns What is noted of a task that stands at an error; nothing for one that moves. */
async function noteStand(
  { id, notes, ...deps }: ClaimDeps,
  generation: Collecting,
  task: Task,
): Promise<TaskError | undefined> {
  if (task.isAtError) {
    const { now } = moment(deps);
    const noted = await notes.change(id, generation.attempt, (current) =>
      noteTaskError(current, generation, task, now),
    );
    log.warn('A task stands at an error at Wiro', {
      generationId: id,
      taskId: task.id,
      since: noted.taskError?.since,
    });
    return noted.taskError;
  }
  if (stoodAtError(generation)) await notes.change(id, generation.attempt, forgetTaskError);
  return undefined;
}

/** What is noted of a task that was stopped because it stood at an error. */
async function stoppedAtError(
  { id, notes }: ClaimDeps,
  { attempt }: Collecting,
): Promise<TaskError | undefined> {
  const { taskError } = await notes.read(id, attempt);
  return taskError?.stoppedAt === undefined ? undefined : taskError;
}

/** Cancel first; refused, or on the next look, Kill. Neither is believed: only the task's own end is. */
async function stopTask({ wiro, id, ...deps }: ClaimDeps, generation: Collecting): Promise<StopSent> {
  const { task, stop } = generation;
  const now = timestamp(deps.clock());
  const cancelledNow = await wiro
    .cancel(task.id, task.token)
    .catch(logIgnored('it is repeated', { generationId: id }));
  if (cancelledNow?.kind === 'stopped' && stop === undefined) return { cancelSentAt: now };
  await wiro.kill(task.id, task.token).catch(logIgnored('it is repeated', { generationId: id }));
  return { cancelSentAt: stop?.cancelSentAt ?? now, killSentAt: stop?.killSentAt ?? now };
}

// --- ended ----------------------------------------------------------------------------------------------------

async function endFailed(
  deps: ClaimDeps,
  generation: Collecting,
  text: string | undefined,
  account: Account,
): Promise<void> {
  const { id, holder, generations } = deps;
  const error: GenerationError =
    isPastDeadline(generation, moment(deps)) && generation.stop !== undefined
      ? pastDeadline(generation, account)
      : {
          code: 'model_failed',
          message: `${sentence(`The model failed: ${text || 'Wiro gives no reason'}`)} ${capital(chargeOf(account))}. Retry it to run anew, or request it with other parameters.`,
          retryable: true,
        };
  const mayBeStale =
    generation.run.reusedUploads &&
    !generation.freshUploads &&
    !account.costUsd &&
    !isToStop(generation, moment(deps));
  if (!mayBeStale)
    return await finish(deps, (current) => failed(current, holder, error, account, moment(deps)));
  const again = await generations.update(await deps.held.stop(), (current) =>
    rerun(current, holder, error, moment(deps)),
  );
  if (again.kind !== 'written') return;
  log.info('A run with reused uploads failed and goes once more with fresh ones', { generationId: id });
  await deps.submit(id).catch(logIgnored('reconcile submits what is due', { generationId: id }));
}

async function finish(
  deps: ClaimDeps,
  decide: (current: Generation) => Generation | undefined,
): Promise<void> {
  const ended = await deps.generations.update(await deps.held.stop(), decide);
  if (ended.kind !== 'written') return;
  await deps
    .announce(deps.id)
    .catch(logIgnored('reconcile announces what is due', { generationId: deps.id }));
}

/** @returns Whether they stand: otherwise the claim is another holder's, and so is everything that is left to do. */
async function putOutputs(
  { id, held, generations }: ClaimDeps,
  { attempt }: Collecting,
  outputs: readonly Output[],
): Promise<boolean> {
  const { revision } = await held.stop();
  if (held.isLost()) return false;
  return await generations.putOutputs(id, { attempt, revision, outputs });
}

/**
 * Gives the slot back and has the line served. Nobody is named here who would hold it until its own turn in Lambda's
 * queue: the first submission to come serves whoever is first in line, and one of a task that is over does only that.
 */
async function freeSlot({ id, gate, submit }: ClaimDeps, generation: Collecting): Promise<void> {
  try {
    const isAwaited = await gate.free(generation, 'ended');
    if (isAwaited) await submit(id);
  } catch (error) {
    log.warn('The next in line could not be started; reconcile does', { generationId: id, error });
  }
}

async function laterOrFail(
  deps: ClaimDeps,
  generation: Collecting,
  setback: Setback,
  patienceMs: number,
): Promise<void> {
  if (!isPatienceOver(generation, setback.code, patienceMs, moment(deps))) {
    await later(deps, setback);
    return;
  }
  await freeSlot(deps, generation);
  await finish(deps, (current) =>
    failed(current, deps.holder, endedWithTask(generation, setback), {}, moment(deps)),
  );
}

/** @returns Whether it is let go of: otherwise it is another holder's. */
async function later({ holder, held, generations, ...deps }: ClaimDeps, setback: Setback): Promise<boolean> {
  const released = await generations.update(await held.stop(), (current) =>
    collectingLater(current, holder, setback, moment(deps)),
  );
  if (released.kind !== 'written') return false;
  logSetback('Collecting is tried again later', released.generation);
  return true;
}
