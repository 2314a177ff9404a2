import type { ErrorCode } from './errors.ts';
import type { Generation } from './generation.ts';
import type { Timestamp } from './time.ts';

/** What can happen, in the order of events of the same millisecond. */
export const TIMELINE_EVENTS = [
  'accepted',
  'line',
  'run',
  'search',
  'callback',
  'look',
  'try',
  'cancel',
  'copy',
  'end',
  'announced',
] as const;

/** One thing that happened to a generation. docs/api.md explains each `what`. */
export interface TimelineEntry {
  readonly at: Timestamp;
  readonly attempt: number;
  readonly what: (typeof TIMELINE_EVENTS)[number];
  /** Of a `try` and of an `end` that is no success. */
  readonly code?: ErrorCode;
  /** Of a `try`, if it differs from the one before, and of an `end` that is no success. */
  readonly message?: string;
  /** Of a `run` and a `callback`, as far as known. */
  readonly taskId?: string;
  /** Of a `copy`. */
  readonly outputs?: number;
}

/**
 * Returns the entries of a change that the other stored items do not show. An undisturbed generation has none: its timeline
 * is derived, and costs no write. An end has none either, so that no write comes between an end and its announcement.
 */
export function entriesToNote(before: Generation, next: Generation): readonly TimelineEntry[] {
  const { attempt, updatedAt: at } = next;
  // A change of the attempt keeps the past one with its times.
  if (before.attempt !== attempt) return [];
  const entries: TimelineEntry[] = [];
  const { callback } = before;
  if (callback !== undefined && next.callback?.seenAt !== callback.seenAt)
    entries.push({ at: callback.seenAt, attempt, what: 'callback', ...taskOf(callback.taskId) });
  const [run, nextRun] = [runOf(before), runOf(next)];
  if (run !== undefined && nextRun === undefined) entries.push({ at: run.startedAt, attempt, what: 'run' });
  if ((nextRun?.searches ?? 0) > (run?.searches ?? 0)) entries.push({ at, attempt, what: 'search' });
  const { trouble } = next;
  if (trouble !== undefined && trouble.count !== before.trouble?.count) {
    const { code, message } = trouble;
    const isNew = message !== before.trouble?.message;
    entries.push({ at, attempt, what: 'try', code, ...(isNew && { message }) });
  } else if (before.status === 'collecting' && next.status === 'running') {
    entries.push({ at, attempt, what: 'look' });
  }
  return entries;
}

export const taskOf = (taskId: string | undefined) => (taskId === undefined ? {} : { taskId });
export const runOf = (generation: Generation) => ('run' in generation ? generation.run : undefined);
