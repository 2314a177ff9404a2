import type { ErrorCode } from '../errors.ts';
import type { Generation, Trouble } from '../generation.ts';
import { after, backOff, type Moment, type Timestamp } from '../time.ts';

/** A step that failed and may succeed later. */
export interface Setback {
  readonly code: ErrorCode;
  readonly message: string;
  /** How long Wiro asks to wait. Honoured up to `retryMax`; patience does not grow by it. */
  readonly retryAfterMs?: number | undefined;
}

interface InTrouble {
  readonly trouble: Trouble;
  readonly looks: number;
  readonly dueAt: Timestamp;
}

/** Adds a setback to the trouble of a generation. It is due again after a back-off. */
export function addSetback(
  generation: Generation,
  { code, message, retryAfterMs }: Setback,
  { now, durations }: Moment,
): InTrouble {
  const before = generation.trouble;
  const since = isFirstAfterLine(before, code) ? undefined : before?.firstAt[code];
  const firstAt = { ...before?.firstAt, [code]: since ?? now };
  const count = (before?.count ?? 0) + 1;
  const trouble: Trouble = { since: before?.since ?? now, firstAt, count, code, message: shorten(message) };
  return {
    trouble,
    // A setback does not reset the count: a generation that meets only setbacks gets nowhere either.
    looks: generation.looks,
    dueAt: after(now, backOff(count - 1, durations.retry, durations.retryMax, retryAfterMs)),
  };
}

/** Whether the task has ended and its outputs wait in line to be copied. */
export const isWaitingToBeCopied = ({ trouble }: Pick<Generation, 'trouble'>): boolean =>
  trouble?.code === 'output_in_line';

/**
 * Whether setbacks of one code have lasted for `patienceMs`. Time in line counts for no other code: nothing is tried
 * there.
 */
export const isPatienceOver = (
  { trouble }: Pick<Generation, 'trouble'>,
  code: ErrorCode,
  patienceMs: number,
  { now }: Moment,
): boolean => {
  if (isFirstAfterLine(trouble, code)) return false;
  const firstAt = trouble?.firstAt[code];
  return firstAt !== undefined && after(firstAt, patienceMs) <= now;
};

/** Whether a setback of this code is the first thing that happens after a wait in line. */
const isFirstAfterLine = (trouble: Trouble | undefined, code: ErrorCode): boolean =>
  trouble?.code === 'output_in_line' && trouble.code !== code;

/** A setback quotes others, and every write of the state carries it. */
const LONGEST_SETBACK = 450;

const shorten = (message: string): string =>
  message.length <= LONGEST_SETBACK ? message : `${message.slice(0, LONGEST_SETBACK - 1).toWellFormed()}…`;
