import type { Durations } from '../settings.ts';
import type { ErrorCode, GenerationError } from './errors.ts';
import type {
  Announcement,
  Cancelled,
  Claim,
  Collecting,
  Failed,
  Generation,
  PastAttempt,
  Queued,
  RequestOrigin,
  RunMark,
  Running,
  StopSent,
  Submitting,
  Succeeded,
  TaskNames,
  Trouble,
} from './generation.ts';
import { hasEnded, isInLine } from './generation.ts';
import { after, backOff, type Timestamp } from './time.ts';

// The state machine. A transition takes a generation as it is and answers how it is to be; the same object when
// it is so already, `undefined` when the transition is not to be made: another holds it, or it has moved on.
// The store writes the answer on condition that nothing changed meanwhile, and asks again if something did.

/** What every transition is told: the moment, and how long things take here. */
export interface Moment {
  readonly now: Timestamp;
  readonly durations: Durations;
}

/** A step that failed in passing. */
export interface Setback {
  readonly code: ErrorCode;
  readonly message: string;
}

export function accepted(
  given: {
    readonly id: string;
    readonly deployment: string;
    readonly origin: RequestOrigin;
    readonly model: string;
    readonly requestHash: string;
    readonly outputFolder?: string;
  },
  { now, durations }: Moment,
): Queued {
  return {
    version: 1,
    revision: 1,
    ...given,
    status: 'queued',
    waiting: false,
    attempt: 1,
    createdAt: now,
    updatedAt: now,
    // Submit is invoked at once; this is for when that is lost.
    dueAt: after(now, durations.retry),
    looks: 0,
    announcements: [],
    pastAttempts: [],
  };
}

/** Accepted together with others, and impossible by now: it ends before it begins. */
export const failedAtOnce = (generation: Queued, error: GenerationError, moment: Moment): Failed =>
  announcing({ ...ended(generation, {}, moment), status: 'failed', error }, 'Failed', moment.now);

// --- submit ---------------------------------------------------------------------------------------------------

/** Takes the right to submit: from the queue, or from a holder whose lease is over. */
export function claimToSubmit(
  generation: Generation,
  holder: string,
  moment: Moment,
): Submitting | undefined {
  if (generation.status === 'submitting') {
    if (generation.claim.holder === holder) return generation;
    if (!isFree(generation.claim, moment) || isSearchTooSoon(generation, moment)) return undefined;
    return { ...generation, ...claim(holder, moment) };
  }
  if (generation.status !== 'queued') return undefined;
  return { ...base(generation), status: 'submitting', ...claim(holder, moment) };
}

/** Prolongs a claim. */
export const renewed = <Held extends Submitting | Collecting>(generation: Held, moment: Moment): Held => ({
  ...generation,
  ...claim(generation.claim.holder, moment),
});

/**
 * No slot is free: in line, without a claim. Not while a wish to cancel stands: nobody would look at it there.
 * The line moves by itself: it is due only when it has waited for too long.
 * @param joinedLineAt - When this attempt first joined the line.
 */
export function turnedAway(
  generation: Submitting,
  joinedLineAt: Timestamp,
  { durations }: Moment,
): Queued | undefined {
  if (generation.cancelRequestedAt !== undefined) return undefined;
  const dueAt = after(joinedLineAt, durations.maximumWait);
  return { ...base(generation), status: 'queued', waiting: true, dueAt };
}

/** Back to the queue after a setback that may pass; certainly no task of this Run exists. Not while a wish to cancel stands. */
export function requeued(generation: Submitting, setback: Setback, moment: Moment): Queued | undefined {
  if (generation.cancelRequestedAt !== undefined) return undefined;
  return { ...base(generation), status: 'queued', waiting: false, ...troubled(generation, setback, moment) };
}

/**
 * The write-ahead mark: only after it stands is the Run sent. Not while a wish to cancel stands.
 * @param run - `extraMs` is how much longer than others this Run may take: its lease is as much longer.
 */
export function marked(
  generation: Submitting,
  run: { readonly reusedUploads: boolean; readonly extraMs?: number },
  { now, durations }: Moment,
): Submitting | undefined {
  if (generation.run !== undefined || generation.cancelRequestedAt !== undefined) return undefined;
  const until = after(now, durations.markLease + (run.extraMs ?? 0));
  return {
    ...generation,
    claim: { ...generation.claim, until },
    dueAt: after(until, durations.clockSkew),
    run: { startedAt: now, reusedUploads: run.reusedUploads, searches: 0 },
  };
}

/**
 * Records the task that a Run returned, or that a search or a callback led to. The one transition that no claim
 * is needed for: a paid answer is never dropped.
 * @returns `undefined` when another task, or another attempt, stands there: that must raise an alarm.
 */
export function withTask(
  generation: Generation,
  run: RunMark,
  attempt: number,
  task: TaskNames,
  { now, durations }: Moment,
): Generation | undefined {
  if (generation.attempt !== attempt) return undefined;
  if (generation.status !== 'queued' && generation.status !== 'submitting') {
    return generation.task?.id === task.id ? generation : undefined;
  }
  const { trouble: _, ...rest } = base(generation);
  const next: Running = {
    ...rest,
    status: 'running',
    run,
    task,
    emptyReads: 0,
    dueAt: generation.callback || generation.cancelRequestedAt ? now : after(now, durations.look),
  };
  return announcing(next, 'Running', now);
}

/** A search for a lost Run's task ended without finding it: `proved` when it was complete. */
export function searched(
  generation: Submitting,
  proved: boolean,
  { now, durations }: Moment,
): Submitting | undefined {
  if (generation.run === undefined) return undefined;
  const { emptySearchAt, ...run } = generation.run;
  const first = proved ? { emptySearchAt: emptySearchAt ?? now } : {};
  const wait = proved ? durations.searchGap : backOff(run.searches, durations.retry, durations.retryMax);
  return {
    ...generation,
    run: { ...run, ...first, searches: run.searches + 1 },
    claim: { holder: NOBODY, until: now },
    dueAt: after(now, wait),
  };
}

/** Two complete searches, with a gap between them, found nothing: the Run made no task, and may be repeated. */
export function unmarked(generation: Submitting, moment: Moment): Submitting | undefined {
  if (generation.run?.emptySearchAt === undefined || isSearchTooSoon(generation, moment)) return undefined;
  const { run: _, ...rest } = generation;
  return rest;
}

/** Between two complete searches there is a gap: Wiro's list may lag. */
const isSearchTooSoon = ({ run }: Submitting, { now, durations }: Moment): boolean =>
  run?.emptySearchAt !== undefined && after(run.emptySearchAt, durations.searchGap) > now;

// --- callback -------------------------------------------------------------------------------------------------

/** Notes a signed callback, the latest one. Latecomers and callbacks of other attempts change nothing. */
export function calledBack<G extends Generation>(
  generation: G,
  attempt: number,
  taskId: string | undefined,
  { now }: Moment,
): G {
  if (hasEnded(generation) || generation.attempt !== attempt) return generation;
  const hint = taskId ?? generation.callback?.taskId;
  return {
    ...generation,
    callback: { seenAt: now, ...(hint !== undefined && { taskId: hint }) },
    dueAt: now,
  };
}

// --- collect --------------------------------------------------------------------------------------------------

/** Takes the right to collect: from a running generation, or from a holder whose lease is over. */
export function claimToCollect(
  generation: Generation,
  holder: string,
  moment: Moment,
): Collecting | undefined {
  if (generation.status === 'collecting') {
    if (generation.claim.holder === holder) return generation;
    return isFree(generation.claim, moment) ? { ...generation, ...claim(holder, moment) } : undefined;
  }
  if (generation.status !== 'running') return undefined;
  return { ...generation, status: 'collecting', ...claim(holder, moment) };
}

/**
 * The task has not ended: looked at again later, the longer it runs the more rarely.
 * @param callbackKnown - The latest callback that was known before the task was asked. One that came since may
 *   tell of an end that the answer did not show yet: then it is due at once.
 * @param stop - What was sent to stop it. Without, it is not, or no longer, to be stopped.
 * @param error - What it stands at and may recover from: looked at again with back-off.
 */
export function stillRunning(
  generation: Collecting,
  {
    callbackKnown,
    stop,
    error,
  }: {
    readonly callbackKnown: Timestamp | undefined;
    readonly stop?: StopSent;
    readonly error?: Setback;
  },
  { now, durations }: Moment,
): Running {
  const { claim: _, trouble: __, stop: ___, ...rest } = generation;
  const standing = error && troubled(generation, error, { now, durations });
  const next: Running = {
    ...rest,
    status: 'running',
    ...(stop && { stop }),
    looks: standing?.looks ?? 0,
    ...(standing && { trouble: standing.trouble }),
  };
  if (generation.callback?.seenAt !== callbackKnown) return { ...next, dueAt: now };
  // Wished since the task was asked: to be stopped now, not with the next look.
  if (stop === undefined && isToStop(generation, { now, durations })) return { ...next, dueAt: now };
  const age = Date.parse(now) - Date.parse(generation.run.startedAt);
  const usual = after(now, stop ? durations.stopRepeat : clamp(age / 2, durations.look, durations.lookMax));
  const look = standing && standing.dueAt < usual ? standing.dueAt : usual;
  // A deadline between two looks is not to be missed.
  const deadline = after(generation.run.startedAt, durations.deadline);
  return { ...next, dueAt: deadline > now && deadline < look ? deadline : look };
}

/** Whether the outputs of its task, which has ended, wait until those of others are copied. */
export const isWaitingToBeCopied = ({ trouble }: Pick<Generation, 'trouble'>): boolean =>
  trouble?.code === 'output_in_line';

/** Whether the same trouble has lasted so long that it will not pass. In line nothing is tried: no other trouble ages. */
export const isPatienceOver = (
  { trouble }: Generation,
  code: ErrorCode,
  patienceMs: number,
  { now }: Moment,
): boolean => {
  if (isOutOfLine(trouble, code)) return false;
  const firstAt = trouble?.firstAt[code];
  return firstAt !== undefined && after(firstAt, patienceMs) <= now;
};

/** Collecting met a setback that may pass: Wiro did not answer, or an output is not to be had yet. */
export function collectingLater(generation: Collecting, setback: Setback, moment: Moment): Running {
  const { claim: _, ...rest } = generation;
  return { ...rest, status: 'running', ...troubled(generation, setback, moment) };
}

/** It ended well but showed no outputs: read again before that is believed. */
export function readEmpty(generation: Collecting, { now, durations }: Moment): Running {
  const { claim: _, ...rest } = generation;
  return {
    ...rest,
    status: 'running',
    emptyReads: rest.emptyReads + 1,
    dueAt: after(now, durations.emptyOutputsGap),
  };
}

/**
 * A run that failed with reused uploads goes once more with fresh ones: Wiro may have dropped the old files, and
 * a failed run is not charged.
 */
export function rerun(generation: Collecting, error: GenerationError, moment: Moment): Queued {
  return { ...nextAttempt(generation, generation.task, error, moment), freshUploads: true };
}

// --- the end --------------------------------------------------------------------------------------------------

/** What the task says of itself at its end. */
export interface Account {
  readonly taskEnd?: 'succeeded' | 'failed' | 'cancelled';
  readonly costUsd?: number;
  readonly elapsedSeconds?: number;
}

export function succeeded(generation: Collecting, account: Account, moment: Moment): Succeeded {
  return announcing({ ...ended(generation, account, moment), status: 'succeeded' }, 'Succeeded', moment.now);
}

export function failed(
  generation: Submitting | Collecting,
  error: GenerationError,
  account: Account,
  moment: Moment,
): Failed {
  return announcing({ ...ended(generation, account, moment), status: 'failed', error }, 'Failed', moment.now);
}

export function cancelled(generation: Submitting | Collecting, account: Account, moment: Moment): Cancelled {
  return announcing({ ...ended(generation, account, moment), status: 'cancelled' }, 'Cancelled', moment.now);
}

// --- wishes ---------------------------------------------------------------------------------------------------

/** Wishes the generation cancelled. One that only waits is so at once; a task is asked to stop, and decides. */
export function cancelWished(generation: Generation, moment: Moment): Generation {
  if (hasEnded(generation) || generation.cancelRequestedAt !== undefined) return generation;
  const wished = { ...generation, cancelRequestedAt: moment.now, dueAt: moment.now };
  if (wished.status !== 'queued') return wished;
  return announcing({ ...ended(wished, {}, moment), status: 'cancelled' }, 'Cancelled', moment.now);
}

/** Whether the task is to be stopped: by wish, or because it ran past its deadline. */
export function isToStop(generation: Collecting | Running, { now, durations }: Moment): boolean {
  return generation.cancelRequestedAt !== undefined || isPastDeadline(generation, { now, durations });
}

export const isPastDeadline = ({ run }: Collecting | Running, { now, durations }: Moment): boolean =>
  after(run.startedAt, durations.deadline) <= now;

// --- looks and announcements ----------------------------------------------------------------------------------

/**
 * `reconcile` has looked and set things going; it comes back later if nothing came of it.
 * @param joinedLineAt - Of one in line: when this attempt joined it. @default - now
 */
export function lookedAt(generation: Generation, moment: Moment, joinedLineAt?: Timestamp): Generation {
  const { now, durations } = moment;
  if (generation.dueAt === undefined || generation.dueAt > now) return generation;
  if (isInLine(generation)) {
    // Waiting is no failure, up to its end. It may be due before that: a callback has come, an earlier release wrote
    // it, or `maximumWait` is another by now.
    const dueAt = after(joinedLineAt ?? now, durations.maximumWait);
    if (dueAt > now) return { ...generation, dueAt };
    const end = {
      ...ended(generation, {}, moment),
      status: 'failed',
      error: waitedTooLong(generation),
    } as const;
    return announcing(end, 'Failed', now);
  }
  return {
    ...generation,
    looks: generation.looks + 1,
    dueAt: after(now, backOff(generation.looks, durations.look, durations.lookMax)),
  };
}

const waitedTooLong = ({ callback }: Queued): GenerationError => ({
  code: 'waited_too_long',
  message: `It waited in line for a free slot at Wiro for as long as this deployment allows (maximumWait), and was not run. ${
    callback?.taskId === undefined
      ? 'Nothing was charged.'
      : `But a callback named task ${callback.taskId}: look at it at Wiro before you run it again.`
  } Retry it when fewer generations wait, or allow a longer wait; Wiro's limit of tasks at once grows with the balance.`,
  retryable: true,
});

/** What was told need not be told again. */
export function told(generation: Generation, eventIds: readonly string[]): Generation {
  const left = generation.announcements.filter(({ eventId }) => !eventIds.includes(eventId));
  if (left.length === generation.announcements.length) return generation;
  if (left.length > 0 || !hasEnded(generation)) return { ...generation, announcements: left };
  const { dueAt: _, ...rest } = generation;
  return { ...rest, announcements: [], looks: 0 };
}

const clamp = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most);

// --- shared ---------------------------------------------------------------------------------------------------

function claim(
  holder: string,
  { now, durations }: Moment,
): { readonly claim: Claim; readonly dueAt: Timestamp } {
  const until = after(now, durations.lease);
  return { claim: { holder, until }, dueAt: after(until, durations.clockSkew) };
}

/** Who lets go of a claim before it ends, without another step of the work, leaves it to this. */
const NOBODY = '';

/**
 * Who held a claim that ran out although nobody let go of it: a function that was killed. Not who sent a Run that was
 * not answered: the claim that the mark set is there to run out.
 */
export function deadHolder(generation: Generation, moment: Moment): string | undefined {
  if (generation.status !== 'submitting' && generation.status !== 'collecting') return undefined;
  const { holder, until } = generation.claim;
  if (holder === NOBODY || !isFree(generation.claim, moment)) return undefined;
  if (generation.status === 'submitting' && generation.run !== undefined) {
    // Whoever searches took its claim when the mark's was over; that may have been longer for files in the Run.
    const { markLease, lease } = moment.durations;
    if (until <= after(generation.run.startedAt, markLease + lease)) return undefined;
  }
  return holder;
}

/** Whether a lease is over, by any clock that is not off by more than the allowed skew. */
const isFree = ({ until }: Claim, { now, durations }: Moment) => after(until, durations.clockSkew) <= now;

function troubled(generation: Generation, { code, message }: Setback, { now, durations }: Moment) {
  const before = generation.trouble;
  const since = isOutOfLine(before, code) ? undefined : before?.firstAt[code];
  const firstAt = { ...before?.firstAt, [code]: since ?? now };
  const count = (before?.count ?? 0) + 1;
  const trouble: Trouble = { since: before?.since ?? now, firstAt, count, code, message: inShort(message) };
  // Looks go on being counted: that it only ever meets trouble is fruitless, too.
  return {
    trouble,
    looks: generation.looks,
    dueAt: after(now, backOff(count - 1, durations.retry, durations.retryMax)),
  };
}

/** Whether this is the first thing that happens to it since it was in line. */
const isOutOfLine = (trouble: Trouble | undefined, code: ErrorCode): boolean =>
  isWaitingToBeCopied({ ...(trouble && { trouble }) }) && trouble?.code !== code;

/** Of what others say; every write of the state carries it. */
const LONGEST_SETBACK = 250;

const inShort = (message: string): string =>
  message.length <= LONGEST_SETBACK ? message : `${message.slice(0, LONGEST_SETBACK - 1).toWellFormed()}…`;

function announcing<G extends Generation>(generation: G, type: Announcement['type'], now: Timestamp): G {
  const { id, attempt } = generation;
  const announcement: Announcement = {
    eventId: `${id}.${attempt}.${type.toLowerCase()}`,
    type,
    attempt,
    at: now,
  };
  return { ...generation, announcements: [...generation.announcements, announcement] };
}

function ended(
  generation: Exclude<Generation, Succeeded | Failed | Cancelled>,
  account: Account,
  { now, durations }: Moment,
) {
  const { trouble: _, ...rest } = base(generation);
  return {
    ...rest,
    ...('run' in generation && generation.run !== undefined && { run: generation.run }),
    ...('task' in generation && { task: generation.task }),
    ...account,
    endedAt: now,
    // Told at once; this is for when that is lost.
    dueAt: after(now, durations.retry),
  };
}

/** The next attempt, from the queue again; what the last one came to is kept. */
export function nextAttempt(
  generation: Generation,
  task: TaskNames | undefined,
  error: Pick<GenerationError, 'code' | 'message'>,
  { now, durations }: Moment,
): Queued {
  const past: PastAttempt = {
    attempt: generation.attempt,
    ...(task && { taskId: task.id }),
    endedAt: now,
    code: error.code,
    message: error.message,
  };
  const { callback: _, trouble: __, ...rest } = base(generation);
  return {
    ...rest,
    status: 'queued',
    waiting: false,
    attempt: generation.attempt + 1,
    pastAttempts: [...generation.pastAttempts, past],
    dueAt: after(now, durations.retry),
  };
}

/** What every state carries, without what only one of them does. */
function base(generation: Generation) {
  const { version, revision, id, deployment, origin, model, requestHash, attempt, createdAt, updatedAt } =
    generation;
  const { announcements, cancelRequestedAt, callback, freshUploads, pastAttempts, trouble, outputFolder } =
    generation;
  return {
    version,
    revision,
    id,
    deployment,
    origin,
    model,
    requestHash,
    attempt,
    createdAt,
    updatedAt,
    looks: 0,
    announcements,
    pastAttempts,
    ...(cancelRequestedAt !== undefined && { cancelRequestedAt }),
    ...(callback !== undefined && { callback }),
    ...(trouble !== undefined && { trouble }),
    ...(freshUploads !== undefined && { freshUploads }),
    ...(outputFolder !== undefined && { outputFolder }),
  };
}
