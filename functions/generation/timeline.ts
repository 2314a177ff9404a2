import { type Generation, hasEnded } from './generation.ts';
import type { KeptAttempt } from './past-attempts.ts';
import type { Timestamp } from './time.ts';
import { runOf, TIMELINE_EVENTS, type TimelineEntry, taskOf } from './timeline-entries.ts';

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

const taskIdOf = (generation: Generation) => ('task' in generation ? generation.task?.id : undefined);
