import type { Generation, Queued, RunMark, Running, Submitting, TaskNames } from '../generation.ts';
import { after, backOff, earlier, type Moment, type Timestamp } from '../time.ts';
import { isFree, leaseTo, releasedAt } from './claim.ts';
import { base, withAnnouncement } from './parts.ts';
import { addSetback, type Setback } from './trouble.ts';

//                                               ┌─noteSearch─┐
//                                               ▼            │
//     queued ──claimToSubmit──► submitting ──mark──► submitting with a mark ──startRunning──► running
//       ▲                        │      ▲                │   │
//       │                        │      └────unmark──────┘   │
//       └──joinLine, requeue─────┴───────────────────────────┘
//
// `startRunning` also leads from `queued` and from `submitting` without a mark, if a callback named the task.

/** Claims a generation that is queued, or whose holder let its lease run out. */
export function claimToSubmit(
  generation: Generation,
  holder: string,
  moment: Moment,
): Submitting | undefined {
  if (generation.status === 'submitting') {
    if (generation.claim.holder === holder) return generation;
    if (!isFree(generation.claim, moment) || isSearchTooSoon(generation, moment)) return undefined;
    return { ...generation, ...leaseTo(generation, holder, moment) };
  }
  if (generation.status !== 'queued') return undefined;
  return { ...base(generation), status: 'submitting', ...leaseTo(generation, holder, moment) };
}

/**
 * Puts the generation in line for a slot, without a claim. The line moves by itself: `reconcile` looks only when the
 * wait is over. `undefined` while a request to cancel stands: no function would notice it there.
 * @param joinedLineAt - When this attempt first joined the line.
 */
export function joinLine(
  generation: Submitting,
  joinedLineAt: Timestamp,
  { durations }: Moment,
): Queued | undefined {
  if (generation.cancelRequestedAt !== undefined) return undefined;
  const dueAt = after(joinedLineAt, durations.maximumWait);
  return { ...base(generation), status: 'queued', waiting: true, dueAt };
}

/**
 * Puts the generation back into the queue after a setback. Its Run has made no task, for certain. `undefined` while a
 * request to cancel stands.
 */
export function requeue(generation: Submitting, setback: Setback, moment: Moment): Queued | undefined {
  if (generation.cancelRequestedAt !== undefined) return undefined;
  return {
    ...base(generation),
    status: 'queued',
    waiting: false,
    ...addSetback(generation, setback, moment),
  };
}

/**
 * Writes the write-ahead mark. The Run is sent only once the mark stands. `undefined` while a request to cancel stands.
 * @param run - `extraMs` is how much longer than others this Run may take. It extends the lease.
 */
export function mark(
  generation: Submitting,
  run: { readonly reusedUploads: boolean; readonly extraMs?: number },
  moment: Moment,
): Submitting | undefined {
  if (generation.run !== undefined || generation.cancelRequestedAt !== undefined) return undefined;
  const { now, durations } = moment;
  const until = after(now, durations.markLease + (run.extraMs ?? 0));
  return {
    ...generation,
    ...leaseTo(generation, generation.claim.holder, moment, until),
    run: { startedAt: now, reusedUploads: run.reusedUploads, searches: 0 },
  };
}

/**
 * Records the task that a Run returned, or that a search or a callback found. The only transition that needs no claim:
 * a paid answer is never dropped.
 * @param isCrowded - Whether very many tasks run. If each of them were nominated early, `reconcile` would not get through.
 * @returns `undefined` if another task or another attempt stands: the caller must raise an alarm.
 */
export function startRunning(
  generation: Generation,
  run: RunMark,
  attempt: number,
  task: TaskNames,
  { now, durations }: Moment,
  isCrowded = true,
): Generation | undefined {
  if (generation.attempt !== attempt) return undefined;
  if (generation.status !== 'queued' && generation.status !== 'submitting') {
    return generation.task?.id === task.id ? generation : undefined;
  }
  const { trouble: _, ...rest } = base(generation);
  const looksAt = after(now, durations.look);
  const isDueNow = generation.callback !== undefined || generation.cancelRequestedAt !== undefined;
  // An earlier `dueAt` stays, because to change it costs two writes to the index. Only in the first attempt: see `looksAt`.
  const dueAt = isCrowded || attempt > 1 ? looksAt : earlier(generation.dueAt, looksAt);
  const next: Running = {
    ...rest,
    status: 'running',
    run,
    task,
    emptyReads: 0,
    dueAt: isDueNow ? now : dueAt,
  };
  return withAnnouncement(next, 'Running', now);
}

/**
 * Notes a search that did not find the task of a lost Run, and releases the claim until the next search.
 * @param isProof - Whether the search was complete.
 * @param retryAfterMs - How long Wiro asks to wait. Honoured up to `retryMax`.
 */
export function noteSearch(
  generation: Submitting,
  isProof: boolean,
  { now, durations }: Moment,
  retryAfterMs?: number,
): Submitting | undefined {
  if (generation.run === undefined) return undefined;
  const { emptySearchAt, ...run } = generation.run;
  const first = isProof ? { emptySearchAt: emptySearchAt ?? now } : {};
  const wait = isProof
    ? durations.searchGap
    : backOff(run.searches, durations.retry, durations.retryMax, retryAfterMs);
  return {
    ...generation,
    run: { ...run, ...first, searches: run.searches + 1 },
    claim: releasedAt(now),
    dueAt: after(now, wait),
  };
}

/** Takes the mark away: two complete searches found nothing, so the Run made no task and may be repeated. */
export function unmark(generation: Submitting, moment: Moment): Submitting | undefined {
  if (generation.run?.emptySearchAt === undefined || isSearchTooSoon(generation, moment)) return undefined;
  const { run: _, ...rest } = generation;
  return rest;
}

/** Two complete searches are a gap apart: Wiro's list may lag. */
const isSearchTooSoon = ({ run }: Submitting, { now, durations }: Moment): boolean =>
  run?.emptySearchAt !== undefined && after(run.emptySearchAt, durations.searchGap) > now;
