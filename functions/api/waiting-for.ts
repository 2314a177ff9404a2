import type { ErrorCode } from '../generation/errors.ts';
import type { Collecting, Generation, Queued, Running, Submitting } from '../generation/generation.ts';
import { assertNever, hasEnded } from '../generation/generation.ts';
import type { Moment } from '../generation/time.ts';
import { after, type Timestamp } from '../generation/time.ts';
import { looksAt } from '../generation/transitions/look.ts';

/** What an unfinished generation waits for. Computed for each record, and not stored. */
export interface WaitingFor {
  /**
   * - `slot`: its turn at Wiro.
   * - `retry`: the next try of a step before the Run.
   * - `search`: whether a Run whose answer was lost created a task.
   * - `task`: the end of Wiro's task.
   * - `outputs`: copies of the outputs of an ended task.
   */
  readonly what: 'slot' | 'retry' | 'search' | 'task' | 'outputs';
  /** The code of the last failed try. The generation fails with it if the tries fail for too long. */
  readonly code?: ErrorCode;
  /** For a person: what it waits for, since when, and what happens next. */
  readonly message: string;
  readonly since: Timestamp;
  /** The number of tries since `since`. */
  readonly tries: number;
  /** The latest time of the next try. A generation in line fails at this time. */
  readonly nextTryAt: Timestamp;
  /** The number of generations ahead of it in line. 1,000 means at least 1,000. */
  readonly ahead?: number;
}

/** The part of an attempt's notes that explains why it waits. */
export interface WaitNotes {
  readonly joinedLineAt?: Timestamp;
  readonly lostRuns?: { readonly since: Timestamp; readonly count: number };
  readonly taskError?: { readonly since: Timestamp; readonly text?: string; readonly stoppedAt?: Timestamp };
  readonly deaths?: { readonly count: number };
}

interface WaitContext {
  readonly notes: WaitNotes;
  readonly moment: Moment;
  readonly ahead?: number | undefined;
}

/** @returns `undefined` for a generation that has ended, or whose submission is in progress without trouble. */
export function waitingFor(generation: Generation, context: WaitContext): WaitingFor | undefined {
  if (hasEnded(generation)) return undefined;
  switch (generation.status) {
    case 'queued':
      return generation.waiting ? forSlot(generation, context) : forSubmission(generation, context);
    case 'submitting':
      return generation.run === undefined
        ? forSubmission(generation, context)
        : forLostRun(generation, generation.run, context);
    case 'running':
    case 'collecting':
      return isFetchingOutputs(generation) ? forOutputs(generation, context) : forTask(generation, context);
    default:
      return assertNever(generation);
  }
}

/**
 * Whether the task has succeeded and only its outputs are missing. Between two tries such a generation is stored as
 * `running`.
 */
export function isFetchingOutputs(generation: Running | Collecting): boolean {
  const { status, emptyReads, trouble } = generation;
  return (
    status === 'collecting' ||
    emptyReads > 0 ||
    Object.keys(trouble?.firstAt ?? {}).some((code) => code.startsWith('output_'))
  );
}

function forSlot(generation: Queued, { notes, moment, ahead }: WaitContext): WaitingFor {
  const since = notes.joinedLineAt ?? generation.updatedAt;
  const nextTryAt = after(since, moment.durations.maximumWait);
  const before =
    ahead === undefined
      ? ''
      : ` Generations ahead of it: ${ahead >= MOST_AHEAD ? `${MOST_AHEAD.toLocaleString('en')} or more` : ahead}.`;
  return {
    what: 'slot',
    message: `It has waited in line for a slot at Wiro since ${since}.${before} Its turn comes when a task ends. If it is still in line at ${nextTryAt}, it fails, and nothing is charged.`,
    since,
    tries: generation.trouble?.count ?? 0,
    nextTryAt,
    ...(ahead !== undefined && { ahead: Math.min(ahead, MOST_AHEAD) }),
  };
}

/** Counting the generations ahead stops here. */
export const MOST_AHEAD = 1_000;

function forSubmission(generation: Queued | Submitting, context: WaitContext): WaitingFor | undefined {
  const { looks, updatedAt } = generation;
  const nextTryAt = nextLook(generation, context);
  const setback = forTrouble(generation, context) ?? forDeath(generation, context);
  if (setback !== undefined) return { what: 'retry', ...setback };
  // Overdue for this long means that the invocation that should have submitted it was lost.
  const isOverdue = after(nextTryAt, context.moment.durations.look) <= context.moment.now;
  const isLate = generation.status === 'queued' && (looks > 0 || isOverdue);
  if (!isLate && !isAbandoned(generation, context)) return undefined;
  return {
    what: 'retry',
    message: `Its submission has not started, or was interrupted. It starts again at ${nextTryAt} at the latest.`,
    since: updatedAt,
    tries: looks,
    nextTryAt,
  };
}

function forLostRun(
  generation: Submitting,
  { startedAt, searches, emptySearchAt }: NonNullable<Submitting['run']>,
  context: WaitContext,
): WaitingFor | undefined {
  const { lostRuns } = context.notes;
  const isSearched = searches > 0 || emptySearchAt !== undefined || lostRuns !== undefined;
  // Wiro may still answer the Run until its lease ends.
  if (!isSearched && !isAbandoned(generation, context)) return undefined;
  const nextTryAt = nextLook(generation, context);
  const runs = lostRuns !== undefined && lostRuns.count > 1 ? ` (${times(lostRuns.count)} so far)` : '';
  return {
    what: 'search',
    message: `Wiro's answer to a Run was lost${runs}. Before another Run, this deployment searches Wiro for the task, so that nothing is paid twice. Searched ${times(searches)} since ${startedAt}. The next search is at ${nextTryAt} at the latest, or when Wiro calls back.`,
    since: startedAt,
    tries: searches,
    nextTryAt,
  };
}

function forTask(generation: Running | Collecting, context: WaitContext): WaitingFor {
  const { task, run, stop, looks, trouble, cancelRequestedAt } = generation;
  // Ignore the note once the task has left `task_error`.
  const taskError = trouble?.firstAt.model_failed === undefined ? undefined : context.notes.taskError;
  const nextTryAt = nextLook(generation, context);
  const said = [
    `Task ${task.id} has been at Wiro since ${run.startedAt}.`,
    ...(taskError === undefined
      ? []
      : [
          `Wiro has reported since ${taskError.since} that the task failed, and may recover it. If nothing changes by ${after(taskError.since, context.moment.durations.taskErrorLimit)}, this deployment stops the task.`,
        ]),
    ...(stop === undefined
      ? cancelRequestedAt === undefined
        ? []
        : ['Cancellation was requested, and Wiro is asked to stop the task.']
      : [
          `Wiro was asked to stop the task at ${stop.killSentAt ?? stop.cancelSentAt}. How the task ends decides the result.`,
        ]),
    ...(trouble === undefined
      ? []
      : [`${sentence(trouble.message)} Tried ${times(trouble.count)} since ${trouble.since}.`]),
    `The next check at Wiro is at ${nextTryAt} at the latest, or when Wiro calls back.`,
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

function forOutputs(generation: Running | Collecting, context: WaitContext): WaitingFor {
  const { task, callback, updatedAt, emptyReads } = generation;
  const nextTryAt = nextLook(generation, context);
  const setback = forTrouble(generation, context) ?? forDeath(generation, context);
  if (setback !== undefined) return { what: 'outputs', ...setback };
  const message =
    emptyReads > 0
      ? `Task ${task.id} has ended, and its record shows no outputs yet. It is read again at ${nextTryAt} at the latest, before this counts as final.`
      : `Task ${task.id} has ended, and its outputs are being copied.`;
  return {
    what: 'outputs',
    message,
    since: callback?.seenAt ?? updatedAt,
    tries: emptyReads,
    nextTryAt,
  };
}

type Setback = Omit<WaitingFor, 'what'>;

/** Explains the wait after one or more tries failed. */
function forTrouble(
  generation: Queued | Submitting | Running | Collecting,
  context: WaitContext,
): Setback | undefined {
  const { trouble } = generation;
  if (trouble === undefined) return undefined;
  const { code, since, count: tries } = trouble;
  const nextTryAt = nextLook(generation, context);
  const message = `${sentence(trouble.message)} Tried ${times(tries)} since ${since}. The next try is at ${nextTryAt} at the latest.`;
  return { code, message, since, tries, nextTryAt };
}

/** Explains the wait after one or more functions were killed while working on it. */
function forDeath(generation: Generation, context: WaitContext): Setback | undefined {
  const { deaths } = context.notes;
  if (deaths === undefined || deaths.count === 0) return undefined;
  const nextTryAt = nextLook(generation, context);
  return {
    code: 'function_killed',
    message: `The function that works on it was killed ${times(deaths.count)} before it finished. The next try is at ${nextTryAt} at the latest.`,
    since: generation.updatedAt,
    tries: deaths.count,
    nextTryAt,
  };
}

/** Whether the claim on it has expired, so that no function works on it. */
const isAbandoned = (generation: Queued | Submitting, { moment }: WaitContext): boolean =>
  generation.status === 'submitting' &&
  after(generation.claim.until, moment.durations.clockSkew) <= moment.now;

const nextLook = (generation: Generation, { moment }: WaitContext): Timestamp =>
  looksAt(generation, moment.durations) ?? generation.updatedAt;
const times = (count: number): string => (count === 1 ? 'once' : `${count.toLocaleString('en')} times`);
const sentence = (text: string): string => (/[.!?)]$/.test(text) ? text : `${text}.`);
