import { type GenerationError, RequestError } from './errors.ts';
import type { Cancelled, Ending, Failed, Generation, Queued, Running } from './generation.ts';
import { hasEnded } from './generation.ts';
import { isToCollect, type NamedTask } from './task-hint.ts';
import type { Moment } from './time.ts';
import { startNextAttempt } from './transitions/parts.ts';

/**
 * Starts the next attempt of a generation that failed or was cancelled, at the last paid step. A task that succeeded, or
 * whose end was not seen, is collected again instead of running again.
 * @param named - A task that a signed callback named and that Wiro confirmed. It is collected instead of running again,
 *   even with `force`. If the task came to nothing, the fate of its Run is known.
 * @param force - Runs again although a task of the last attempt may exist unseen, or may still run after it was asked to
 *   stop.
 * @throws {RequestError} `not_retryable` if the generation succeeded, has not ended, needs `force`, or failed for a reason
 *   in its request.
 */
export function startRetry(
  generation: Generation,
  force: boolean,
  moment: Moment,
  named?: NamedTask,
): Queued | Running {
  if (!hasEnded(generation)) {
    throw new RequestError(
      'not_retryable',
      `This generation is ${generation.status}, and may be charged as it is. This retry started nothing: ask again once it has ended.`,
    );
  }
  if (generation.status === 'succeeded') {
    throw new RequestError(
      'not_retryable',
      'This generation succeeded, and may have been charged. This retry started nothing: request a new one for another result.',
    );
  }
  if (generation.announcements.length >= MOST_UNDELIVERED) {
    throw new RequestError(
      'not_retryable',
      `The last ${MOST_UNDELIVERED} events of this generation could not be put on the event bus yet. This retry started nothing and costs nothing: try again once they are, or see the alarm FruitlessLooks.`,
      undefined,
      true,
    );
  }
  const isExplained = named?.attempt === generation.attempt;
  if (isTaskUnknown(generation) && !force && !isExplained && !(named && isToCollect(named))) {
    throw new RequestError(
      'not_retryable',
      'Whether a task of this generation exists is not known: it may run, and be charged. This retry started nothing: look at the tasks at Wiro, then retry with {"force": true}, which may pay twice.',
      'force',
    );
  }
  if (isHopeless(generation, force) && !(named && isToCollect(named))) {
    throw new RequestError(
      'not_retryable',
      `It failed with ${generation.error.code}, and the same request would fail again: ${generation.error.message} This retry started nothing and costs nothing: correct the request and send it anew, or retry with {"force": true}, which may be charged, if what was wrong has been mended outside of it.`,
      'force',
    );
  }
  const { cancelRequestedAt: _, ...next } = startNextAttempt(
    generation,
    generation.task,
    reasonOf(generation),
    moment,
  );
  const { task, run } = mayRunAgain(generation, force)
    ? { task: named && isToCollect(named) ? named.task : undefined, run: generation.run ?? UNMARKED }
    : generation;
  if (task === undefined || run === undefined) return { ...next, dueAt: moment.now };
  const { status: _status, waiting: _waiting, ...rest } = next;
  // The deadline starts anew, because the end of the task must still be seen.
  return {
    ...rest,
    status: 'running',
    run: { ...run, startedAt: moment.now },
    task,
    emptyReads: 0,
    dueAt: moment.now,
  };
}

/** Whether a retry may run again instead of collecting the task. Then hints at other tasks count. */
export const mayRunAgain = (generation: Generation, force: boolean): generation is Failed | Cancelled =>
  (generation.status === 'failed' || generation.status === 'cancelled') &&
  (generation.task === undefined ||
    generation.run === undefined ||
    generation.taskEnd === 'failed' ||
    generation.taskEnd === 'cancelled' ||
    (force && isStopUnconfirmed(generation)));

/** Whether a new run would fail again, and may cost money. Never for a retry that collects: it costs nothing. */
const isHopeless = (generation: Failed | Cancelled, force: boolean): generation is Failed =>
  generation.status === 'failed' &&
  !generation.error.retryable &&
  !force &&
  !isTaskUnknown(generation) &&
  mayRunAgain(generation, force);

const UNMARKED = { startedAt: '', reusedUploads: false, searches: 0 };

/** Every attempt adds two announcements. While none can be delivered, this limit keeps the state small. */
const MOST_UNDELIVERED = 20;

const isStopUnconfirmed = (generation: Failed | Cancelled): boolean =>
  generation.status === 'failed' &&
  generation.taskEnd === undefined &&
  (generation.error.code === 'cancel_unconfirmed' || generation.error.code === 'deadline_exceeded');

/** Whether a task may exist unseen. After `task_unreadable` that is a task that only a callback named. */
const isTaskUnknown = (generation: Ending): generation is Failed =>
  generation.status === 'failed' &&
  (generation.error.code === 'submission_unknown' ||
    (generation.error.code === 'task_unreadable' && generation.task === undefined));

function reasonOf(generation: Failed | Cancelled): Pick<GenerationError, 'code' | 'message'> {
  return generation.status === 'failed'
    ? generation.error
    : { code: 'cancelled', message: 'It was cancelled.' };
}
