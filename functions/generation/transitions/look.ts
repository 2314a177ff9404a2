import type { Durations } from '../../settings.ts';
import type { GenerationError } from '../errors.ts';
import {
  type Failed,
  type Generation,
  hasEnded,
  isInLine,
  type Queued,
  type Running,
} from '../generation.ts';
import { after, backOff, type Moment, type Timestamp } from '../time.ts';
import { endOf, withAnnouncement } from './parts.ts';

//     any state that is due ──noteLook──► the same state, due later
//     queued, in line for too long ──noteLook──► failed
//
//     any state ──strikeOff──► the same state, with fewer announcements

/**
 * When `reconcile` looks. `dueAt` may be earlier: then the index nominates the generation until that time comes, and
 * nothing is written.
 */
export function looksAt(generation: Generation, durations: Durations): Timestamp | undefined {
  const { dueAt } = generation;
  if (dueAt === undefined) return undefined;
  const earliest = earliestLook(generation, durations);
  return earliest !== undefined && earliest > dueAt ? earliest : dueAt;
}

function earliestLook(generation: Generation, durations: Durations): Timestamp | undefined {
  // A later look follows an earlier one, which has set `dueAt`.
  if (hasEnded(generation))
    return generation.looks === 0 ? after(generation.endedAt, durations.retry) : undefined;
  if (generation.status === 'running') return firstLook(generation, durations);
  const { status, callback } = generation;
  if (status !== 'submitting' && status !== 'collecting') return undefined;
  // The answer of its Run may be lost. A callback that names the task is followed up at once, whoever holds the claim.
  if (status === 'submitting' && generation.run !== undefined && callback?.taskId !== undefined)
    return undefined;
  return after(generation.claim.until, durations.clockSkew);
}

/**
 * The first look at a task that nothing has happened to. Whatever happens sets `dueAt`: a callback, a request to cancel, a
 * setback, a look. So does a retry, which is another attempt.
 */
function firstLook(
  { attempt, looks, run, emptyReads, callback, cancelRequestedAt, stop, trouble }: Running,
  { look, deadline }: Durations,
): Timestamp | undefined {
  const isUntouched = [callback, cancelRequestedAt, stop, trouble].every((one) => one === undefined);
  return isUntouched && attempt === 1 && looks === 0 && emptyReads === 0
    ? after(run.startedAt, Math.min(look, deadline))
    : undefined;
}

/**
 * Notes that `reconcile` looked and started what there was to start. It looks again later in case that came to nothing.
 * @param joinedLineAt - When this attempt joined the line, for a generation in line. @default - now
 */
export function noteLook(generation: Generation, moment: Moment, joinedLineAt?: Timestamp): Generation {
  const { now, durations } = moment;
  const looks = looksAt(generation, durations);
  if (looks === undefined || looks > now) return generation;
  if (isInLine(generation)) {
    // A wait counts no looks. The generation may be due before the wait is over: after a callback, if an earlier release
    // wrote it, or if `maximumWait` was changed.
    const waitEndsAt = after(joinedLineAt ?? now, durations.maximumWait);
    return waitEndsAt > now ? { ...generation, dueAt: waitEndsAt } : failInLine(generation, moment);
  }
  return {
    ...generation,
    looks: generation.looks + 1,
    dueAt: after(now, backOff(generation.looks, durations.look, durations.lookMax)),
  };
}

const failInLine = (generation: Queued, moment: Moment): Failed =>
  withAnnouncement(
    { ...endOf(generation, {}, moment), status: 'failed', error: waitedTooLong(generation) },
    'Failed',
    moment.now,
  );

const waitedTooLong = ({ callback }: Queued): GenerationError => ({
  code: 'waited_too_long',
  message: `It waited in line for a free slot at Wiro for as long as this deployment allows (maximumWait), and was not run. ${
    callback?.taskId === undefined
      ? 'Nothing was charged.'
      : `But a callback named task ${callback.taskId}: look at it at Wiro before you run it again.`
  } Retry it when fewer generations wait, or allow a longer wait; Wiro's limit of tasks at once grows with the balance.`,
  retryable: true,
});

/** Removes delivered announcements from the list. */
export function strikeOff(generation: Generation, eventIds: readonly string[]): Generation {
  const left = generation.announcements.filter(({ eventId }) => !eventIds.includes(eventId));
  if (left.length === generation.announcements.length) return generation;
  if (left.length > 0 || !hasEnded(generation)) return { ...generation, announcements: left };
  const { dueAt: _, ...rest } = generation;
  return { ...rest, announcements: [], looks: 0 };
}
