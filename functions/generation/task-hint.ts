import { createHash } from 'node:crypto';
import { type Generation, hasEnded, type PastAttempt, type TaskNames } from './generation.ts';
import type { Timestamp } from './time.ts';

/**
 * The task that a signed callback named, if its attempt had no task then or ended without one. Kept beside the generation,
 * and does not change its end. A hint, not evidence: a retry asks Wiro about the task.
 */
export interface TaskHint {
  readonly attempt: number;
  readonly taskId: string;
  readonly seenAt: Timestamp;
  /** `proofOf` the signature in the callback's path. The task's own URL must have the same proof. */
  readonly proof: string;
}

/** A task that a hint named and Wiro's own record confirmed. */
export interface NamedTask {
  /** The attempt whose Run made the task. */
  readonly attempt: number;
  readonly task: TaskNames;
  readonly end: 'unfinished' | 'succeeded' | 'failed' | 'cancelled';
}

/** Whether the task may have outputs to collect. Otherwise its Run came to nothing and was not charged. */
export const isToCollect = ({ end }: NamedTask): boolean => end === 'unfinished' || end === 'succeeded';

/** Proves a signature that was right once, to functions that may not read the secrets. */
export const proofOf = (signature: string): string => createHash('sha256').update(signature).digest('base64');

/** The hints at tasks that no attempt has, or may still get. Those of the latest attempt come first. */
export function openHints({
  generation,
  pastAttempts,
  hints,
}: {
  readonly generation: Generation;
  readonly pastAttempts: readonly PastAttempt[];
  readonly hints: readonly TaskHint[];
}): readonly TaskHint[] {
  const known = new Set(pastAttempts.map(({ taskId }) => taskId));
  if ('task' in generation) known.add(generation.task?.id);
  return hints
    .filter(
      ({ attempt, taskId }) => !known.has(taskId) && (attempt < generation.attempt || hasEnded(generation)),
    )
    .toSorted((one, other) => other.attempt - one.attempt);
}

/**
 * Whether a callback of this attempt may name a task that is not recorded. The state does not show the tasks of attempts
 * before the last, so a hint at one is kept. `openHints` compares it with the items of past attempts.
 */
export function mayBeUnknown(generation: Generation, attempt: number, taskId: string): boolean {
  if (attempt > generation.attempt) return false;
  if ('task' in generation && generation.task?.id === taskId) return false;
  if (attempt === generation.attempt) return !('task' in generation) || generation.task === undefined;
  return generation.pastAttempts.find((past) => past.attempt === attempt)?.taskId === undefined;
}
