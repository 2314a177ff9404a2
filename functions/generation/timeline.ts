import type { ErrorCode } from './errors.ts';
import { type Generation, hasEnded } from './generation.ts';
import type { KeptAttempt } from './past-attempts.ts';
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

/** Puts together what is stored of a generation. Oldest first. */
export function toTimeline({
  generation,
  pastAttempts,
  copied,
  noted,
}: {
  readonly generation: Generation;
  readonly pastAttempts: readonly KeptAttempt[];
  /** When the outputs of the current attempt were stored, and how many they are. */
  readonly copied?: { readonly at: Timestamp; readonly outputs: number } | undefined;
  readonly noted: readonly TimelineEntry[];
}): readonly TimelineEntry[] {
  const { attempt, createdAt } = generation;
  const entries: TimelineEntry[] = [
    { at: createdAt, attempt: 1, what: 'accepted' },
    ...noted,
    ...pastAttempts.flatMap(entriesOfPast),
    ...entriesOfCurrent(generation),
    ...(copied === undefined ? [] : [{ ...copied, attempt, what: 'copy' } as const]),
  ];
  const began = new Map(pastAttempts.map((past) => [past.attempt + 1, past.endedAt]));
  // An attempt that collects the task of the one before counts its time from its own beginning, and sends no Run.
  const isSent = (entry: TimelineEntry) => entry.what !== 'run' || entry.at !== began.get(entry.attempt);
  return inOrder(entries.filter(isSent));
}

function entriesOfCurrent(generation: Generation): readonly TimelineEntry[] {
  const { attempt, callback, cancelRequestedAt, updatedAt } = generation;
  const run = runOf(generation);
  const entries: TimelineEntry[] = [];
  if (run !== undefined)
    entries.push({ at: run.startedAt, attempt, what: 'run', ...taskOf(taskIdOf(generation)) });
  if (callback !== undefined)
    entries.push({ at: callback.seenAt, attempt, what: 'callback', ...taskOf(callback.taskId) });
  if (cancelRequestedAt !== undefined) entries.push({ at: cancelRequestedAt, attempt, what: 'cancel' });
  if (!hasEnded(generation)) return entries;
  const error = generation.status === 'failed' ? generation.error : undefined;
  entries.push({
    at: generation.endedAt,
    attempt,
    what: 'end',
    ...(error && { code: error.code, message: error.message }),
    ...(generation.status === 'cancelled' && { code: 'cancelled' as const }),
  });
  // The last write of a generation strikes off what was announced.
  if (generation.announcements.length === 0) entries.push({ at: updatedAt, attempt, what: 'announced' });
  return entries;
}

function entriesOfPast(past: KeptAttempt): readonly TimelineEntry[] {
  const { attempt, taskId, endedAt, code, message, times = {} } = past;
  const { runAt, callback, cancelRequestedAt, endAt, announcedAt } = times;
  const entries: TimelineEntry[] = [];
  if (runAt !== undefined) entries.push({ at: runAt, attempt, what: 'run', ...taskOf(taskId) });
  if (callback !== undefined)
    entries.push({ at: callback.seenAt, attempt, what: 'callback', ...taskOf(callback.taskId) });
  if (cancelRequestedAt !== undefined) entries.push({ at: cancelRequestedAt, attempt, what: 'cancel' });
  entries.push({ at: endAt ?? endedAt, attempt, what: 'end', code, message });
  if (announcedAt !== undefined) entries.push({ at: announcedAt, attempt, what: 'announced' });
  entries.push({ at: endedAt, attempt: attempt + 1, what: 'accepted' });
  return entries;
}

/** Sorts by time and removes repeats: after a change between two reads, the state may have a noted entry too. */
function inOrder(entries: readonly TimelineEntry[]): readonly TimelineEntry[] {
  const unique = new Map(entries.map((entry) => [`${entry.attempt} ${entry.at} ${entry.what}`, entry]));
  const rank = ({ what }: TimelineEntry) => TIMELINE_EVENTS.indexOf(what);
  return [...unique.values()].sort((a, b) =>
    a.at === b.at ? a.attempt - b.attempt || rank(a) - rank(b) : a.at < b.at ? -1 : 1,
  );
}

const taskOf = (taskId: string | undefined) => (taskId === undefined ? {} : { taskId });
const taskIdOf = (generation: Generation) => ('task' in generation ? generation.task?.id : undefined);
const runOf = (generation: Generation) => ('run' in generation ? generation.run : undefined);
