import type { GenerationError } from '../generation/errors.ts';
import type { Collecting, StopSent } from '../generation/generation.ts';
import { after, timestamp } from '../generation/time.ts';
import { isPastDeadline, isToStop, lookLater } from '../generation/transitions/collect.ts';
import { fail } from '../generation/transitions/end.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { TaskError } from '../store/attempt-notes.ts';
import type { Task } from '../wiro/types.ts';
import { moment, type WorkDeps } from './collect-deps.ts';
import { deadlineError } from './explain-end.ts';
import { finish, freeSlot } from './let-go.ts';
import {
  forgetTaskError,
  hasStoodAtError,
  noteStopped,
  noteTaskError,
  taskErrorSetback,
} from './task-error.ts';

/** The task has not ended: asks it to stop if it must, and looks again later. */
export async function keepRunning(deps: WorkDeps, generation: Collecting, task: Task): Promise<void> {
  const { id, claim } = deps;
  const taskError = await noteStand(deps, generation, task);
  const isStuck =
    taskError !== undefined && after(taskError.since, deps.durations.taskErrorLimit) <= moment(deps).now;
  const isToBeStopped = isStuck || isToStop(generation, moment(deps));
  const sent = generation.stop?.killSentAt;
  if (isToBeStopped && sent !== undefined && after(sent, deps.durations.stopLimit) <= moment(deps).now) {
    await freeSlot(deps, generation);
    const error: GenerationError = isPastDeadline(generation, moment(deps))
      ? deadlineError(generation)
      : {
          code: 'cancel_unconfirmed',
          message: `Wiro was asked to stop task ${generation.task.id}, but it did not end. It may still run, and be charged: look at it at Wiro. A retry collects it without paying again if it ends after all; one with {"force": true} runs anew.`,
          retryable: true,
        };
    return await finish(deps, (current, moment) => fail(current, error, {}, moment));
  }
  if (isStuck && !isToStop(generation, moment(deps)))
    await deps.notes.change(id, generation.attempt, (notes) => noteStopped(notes, moment(deps).now));
  const stop = isToBeStopped ? await stopTask(deps, generation) : undefined;
  const callbackKnown = generation.callback?.seenAt;
  const seen = {
    callbackKnown,
    ...(stop && { stop }),
    ...(taskError && { error: taskErrorSetback(taskError) }),
  };
  const released = await claim.write((current, moment) => lookLater(current, seen, moment));
  // A callback or a request to cancel came while Wiro was asked: look again now.
  if (released.kind !== 'written') return;
  const isToStopNow = stop === undefined && isToStop(released.generation, moment(deps));
  if (released.generation.callback?.seenAt !== callbackKnown || isToStopNow) {
    await deps.collectAgain(id).catch(logIgnored('reconcile collects what is due', { generationId: id }));
  }
}

/** @returns The note on a task that stands at an error. `undefined` for a task that moves. */
async function noteStand(
  { id, notes, ...deps }: WorkDeps,
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
  if (hasStoodAtError(generation)) await notes.change(id, generation.attempt, forgetTaskError);
  return undefined;
}

/** Sends Cancel. If Wiro refuses it, and at the next look, sends Kill. Only the task's own end shows that it stopped. */
export async function stopTask({ wiro, id, ...deps }: WorkDeps, generation: Collecting): Promise<StopSent> {
  const { task, stop } = generation;
  const now = timestamp(deps.clock());
  const cancelledNow = await wiro
    .cancel(task.id, task.token)
    .catch(logIgnored('it is repeated', { generationId: id }));
  if (cancelledNow?.kind === 'stopped' && stop === undefined) return { cancelSentAt: now };
  await wiro.kill(task.id, task.token).catch(logIgnored('it is repeated', { generationId: id }));
  return { cancelSentAt: stop?.cancelSentAt ?? now, killSentAt: stop?.killSentAt ?? now };
}
