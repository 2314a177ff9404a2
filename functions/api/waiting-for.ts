import type { ErrorCode } from '../generation/errors.ts';
import type { Collecting, Generation, Queued, Running, Submitting } from '../generation/generation.ts';
import { assertNever, hasEnded } from '../generation/generation.ts';
import { after, type Timestamp } from '../generation/time.ts';
import type { Moment } from '../generation/transitions.ts';

/** What an unfinished generation waits for. Computed when it is read: nothing of it is stored. */
export interface WaitingFor {
  /**
   * `slot`: its turn at Wiro. `retry`: the next try of a step before the Run. `search`: whether a Run whose answer
   * was lost made a task. `task`: the end of Wiro's task. `outputs`: copies of the outputs of a task that has ended.
   */
  readonly what: 'slot' | 'retry' | 'search' | 'task' | 'outputs';
  /** Of the last failed try: with this it fails if it goes on for too long. */
  readonly code?: ErrorCode;
  /** For a person: what it waits for, since when, and what happens next. */
  readonly message: string;
  readonly since: Timestamp;
  /** Tries since then. */
  readonly tries: number;
  /** It is taken up again at the latest then; one in line fails then. */
  readonly nextTryAt: Timestamp;
  /** How many wait before it in line; 1,000 stands for that many or more. */
  readonly ahead?: number;
}

/** What of an attempt's notes tells why it waits. */
export interface WaitNotes {
  readonly joinedLineAt?: Timestamp;
  readonly lostRuns?: { readonly since: Timestamp; readonly count: number };
  readonly taskError?: { readonly since: Timestamp; readonly text?: string; readonly stoppedAt?: Timestamp };
  readonly deaths?: { readonly count: number };
}

interface Known {
  readonly notes: WaitNotes;
  readonly moment: Moment;
  readonly ahead?: number | undefined;
}

/** @returns Nothing for one that has ended, or is being submitted this moment without any trouble. */
export function waitingFor(generation: Generation, known: Known): WaitingFor | undefined {
  if (hasEnded(generation)) return undefined;
  switch (generation.status) {
    case 'queued':
      return generation.waiting ? forSlot(generation, known) : forSubmission(generation, known);
    case 'submitting':
      return generation.run === undefined
        ? forSubmission(generation, known)
        : forLostRun(generation, generation.run, known);
    case 'running':
    case 'collecting':
      return isFetchingOutputs(generation) ? forOutputs(generation, known) : forTask(generation, known);
    default:
      return assertNever(generation);
  }
}

/**
 * Whether its task is known to have ended well: what is still to be done is to fetch the outputs. Between two tries
 * such a generation is stored as `running`.
 */
export function isFetchingOutputs(generation: Running | Collecting): boolean {
  const { status, emptyReads, trouble } = generation;
  return (
    status === 'collecting' ||
    emptyReads > 0 ||
    Object.keys(trouble?.firstAt ?? {}).some((code) => code.startsWith('output_'))
  );
}

function forSlot(generation: Queued, { notes, moment, ahead }: Known): WaitingFor {
  const since = notes.joinedLineAt ?? generation.updatedAt;
  const nextTryAt = after(since, moment.durations.maximumWait);
  const before =
    ahead === undefined
      ? ''
      : ` ${ahead >= MOST_AHEAD ? `${MOST_AHEAD.toLocaleString('en')} or more` : ahead} wait before it.`;
  return {
    what: 'slot',
    message: `In line for a free slot at Wiro since ${since}.${before} Its turn comes when a task ends; if it is still in line at ${nextTryAt}, it fails, and nothing is charged.`,
    since,
    tries: generation.trouble?.count ?? 0,
    nextTryAt,
    ...(ahead !== undefined && { ahead: Math.min(ahead, MOST_AHEAD) }),
  };
}

/** As many are counted. */
export const MOST_AHEAD = 1_000;

function forSubmission(generation: Queued | Submitting, known: Known): WaitingFor | undefined {
  const { trouble, looks, updatedAt } = generation;
  const nextTryAt = dueOf(generation);
  if (trouble !== undefined) {
    const { code, since, count: tries } = trouble;
    const message = `${sentence(trouble.message)} Tried ${times(tries)} since ${since}; it is tried again by ${nextTryAt}.`;
    return { what: 'retry', code, message, since, tries, nextTryAt };
  }
  const died = forDeath(generation, known);
  if (died !== undefined) return { what: 'retry', ...died };
  // Due for so long, with nobody at it: whoever should have looked was lost, too.
  const isOverdue = after(nextTryAt, known.moment.durations.look) <= known.moment.now;
  const isLate = generation.status === 'queued' && (looks > 0 || isOverdue);
  if (!isLate && !isAbandoned(generation, known)) return undefined;
  return {
    what: 'retry',
    message: `Its submission has not begun, or has broken off. It is started again by ${nextTryAt}.`,
    since: updatedAt,
    tries: looks,
    nextTryAt,
  };
}

function forLostRun(
  generation: Submitting,
  { startedAt, searches, emptySearchAt }: NonNullable<Submitting['run']>,
  known: Known,
): WaitingFor | undefined {
  const { lostRuns } = known.notes;
  const isSearched = searches > 0 || emptySearchAt !== undefined || lostRuns !== undefined;
  // Until its lease ends, the Run may still be answered.
  if (!isSearched && !isAbandoned(generation, known)) return undefined;
  const nextTryAt = dueOf(generation);
  const runs = lostRuns !== undefined && lostRuns.count > 1 ? ` (${times(lostRuns.count)} by now)` : '';
  return {
    what: 'search',
    message: `Wiro's answer to a Run was lost${runs}. Whether it made a task is looked up at Wiro before it is run again, so that nothing is paid twice. Searched ${times(searches)} since ${startedAt}; next by ${nextTryAt}, or when Wiro calls back.`,
    since: startedAt,
    tries: searches,
    nextTryAt,
  };
}

function forTask(generation: Running | Collecting, known: Known): WaitingFor {
  const { task, run, stop, looks, trouble, cancelRequestedAt } = generation;
  // Of one that has moved on, what is noted is of the past.
  const taskError = trouble?.firstAt.model_failed === undefined ? undefined : known.notes.taskError;
  const nextTryAt = dueOf(generation);
  const said = [
    `Task ${task.id} runs at Wiro since ${run.startedAt}.`,
    ...(taskError === undefined
      ? []
      : [
          `Wiro says since ${taskError.since} that it failed and may take it up again; if nothing moves by ${after(taskError.since, known.moment.durations.taskErrorLimit)}, it is stopped.`,
        ]),
    ...(stop === undefined
      ? cancelRequestedAt === undefined
        ? []
        : ['It is asked to stop.']
      : [`It was asked to stop at ${stop.killSentAt ?? stop.cancelSentAt}; its own end decides.`]),
    ...(trouble === undefined
      ? []
      : [`${sentence(trouble.message)} Tried ${times(trouble.count)} since ${trouble.since}.`]),
    `Wiro is asked by ${nextTryAt}, or when it calls back.`,
  ];
  return {
    what: 'task',
    ...(trouble !== undefined && { code: trouble.code }),
    message: said.join(' '),
    since: run.startedAt,
    tries: trouble?.count ?? looks,
    nextTryAt,
  };
}

function forOutputs(generation: Running | Collecting, known: Known): WaitingFor {
  const { task, trouble, callback, updatedAt, emptyReads } = generation;
  const nextTryAt = dueOf(generation);
  if (trouble !== undefined) {
    const { code, since, count: tries } = trouble;
    const message = `${sentence(trouble.message)} Tried ${times(tries)} since ${since}; it is tried again by ${nextTryAt}.`;
    return { what: 'outputs', code, message, since, tries, nextTryAt };
  }
  const died = forDeath(generation, known);
  if (died !== undefined) return { what: 'outputs', ...died };
  const message =
    emptyReads > 0
      ? `Task ${task.id} has ended and shows no outputs yet. It is read again by ${nextTryAt}, before that is believed.`
      : `The end of task ${task.id} is read, and its outputs are copied.`;
  return {
    what: 'outputs',
    message,
    since: callback?.seenAt ?? updatedAt,
    tries: emptyReads,
    nextTryAt,
  };
}

/** The function that worked on it was killed, and perhaps those before it. */
function forDeath(generation: Generation, { notes }: Known): Omit<WaitingFor, 'what'> | undefined {
  const { deaths } = notes;
  if (deaths === undefined || deaths.count === 0) return undefined;
  const nextTryAt = dueOf(generation);
  return {
    code: 'function_killed',
    message: `The function that worked on it was killed ${times(deaths.count)} before it had finished. It is taken up again by ${nextTryAt}.`,
    since: generation.updatedAt,
    tries: deaths.count,
    nextTryAt,
  };
}

/** Whether nobody is at it any more, though it says so. */
const isAbandoned = (generation: Queued | Submitting, { moment }: Known): boolean =>
  generation.status === 'submitting' &&
  after(generation.claim.until, moment.durations.clockSkew) <= moment.now;

const dueOf = ({ dueAt, updatedAt }: Generation): Timestamp => dueAt ?? updatedAt;
const times = (count: number): string => (count === 1 ? 'once' : `${count.toLocaleString('en')} times`);
const sentence = (text: string): string => (/[.!?)]$/.test(text) ? text : `${text}.`);
