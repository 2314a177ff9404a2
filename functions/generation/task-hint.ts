import { createHash } from 'node:crypto';
import { type Generation, hasEnded, type PastAttempt, type TaskNames } from './generation.ts';
import type { Timestamp } from './time.ts';

/**
 * What a signed callback named while its attempt had no task, or when it was over without one: kept beside the
 * generation, whose end it does not change. A hint, no evidence: a retry asks Wiro about it.
 */
export interface TaskHint {
  readonly attempt: number;
  readonly taskId: string;
  readonly seenAt: Timestamp;
  /** Of the signature in the callback's path, by `proofOf`: the URL that the task shows must have the same. */
  readonly proof: string;
}

/** A task that a hint named and Wiro's own record confirmed. */
export interface NamedTask {
  /** Whose Run made it. */
  readonly attempt: number;
  readonly task: TaskNames;
  readonly end: 'unfinished' | 'succeeded' | 'failed' | 'cancelled';
}

/** Whether something may be had of it. Otherwise it is known that its Run came to nothing, and was not charged. */
export const isToCollect = ({ end }: NamedTask): boolean => end === 'unfinished' || end === 'succeeded';

/** Tells a signature that was right once, also to those who may not read the secrets. */
export const proofOf = (signature: string): string => createHash('sha256').update(signature).digest('base64');

/** The hints at tasks that no attempt has had yet, nor may still get, those of the latest attempt first. */
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
 * Whether what a callback of this attempt names may be a task that nobody knows of. Of attempts before the last the
 * state says nothing: what is kept of them is compared with what they had when it is used.
 */
export function mayBeUnknown(generation: Generation, attempt: number, taskId: string): boolean {
  if (attempt > generation.attempt) return false;
  if ('task' in generation && generation.task?.id === taskId) return false;
  if (attempt === generation.attempt) return !('task' in generation) || generation.task === undefined;
  return generation.pastAttempts.find((past) => past.attempt === attempt)?.taskId === undefined;
}
