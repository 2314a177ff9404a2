import type { GenerationError } from './errors.ts';
import { type Generation, hasEnded, type PastAttempt } from './generation.ts';
import type { Timestamp } from './time.ts';

/**
 * A past attempt in full, in an item of its own. The state has only the latest, shortened, so that it stays small after any
 * number of retries.
 */
export interface KeptAttempt extends PastAttempt {
  /** The error of a failed attempt, as it was announced. */
  readonly error?: GenerationError;
  readonly costUsd?: number;
  /** For the timeline. Earlier releases keep none. */
  readonly times?: PastTimes;
}

/** `endedAt` of a past attempt is when the next one began. */
export interface PastTimes {
  readonly runAt?: Timestamp;
  readonly callback?: NonNullable<Generation['callback']>;
  readonly cancelRequestedAt?: Timestamp;
  readonly endAt?: Timestamp;
  readonly announcedAt?: Timestamp;
}

/** The number of past attempts that a record shows. */
export const MOST_SHOWN = 20;

const BRIEF = 120;

/** The past attempts to write as items before `next` is written with `inBrief`. */
export function attemptsToKeep(current: Generation, next: Generation): readonly KeptAttempt[] {
  if (next.attempt === current.attempt && inBrief(next) === next) return [];
  return next.pastAttempts.map((past): KeptAttempt => {
    if (past.attempt !== current.attempt) return past;
    const times = timesOf(current);
    if (!hasEnded(current)) return { ...past, times };
    return {
      ...past,
      times,
      ...(current.status === 'failed' && { error: current.error }),
      ...(current.costUsd !== undefined && { costUsd: current.costUsd }),
    };
  });
}

function timesOf(current: Generation): PastTimes {
  const { callback, cancelRequestedAt, announcements, updatedAt } = current;
  const run = 'run' in current ? current.run : undefined;
  return {
    ...(run !== undefined && { runAt: run.startedAt }),
    ...(callback !== undefined && { callback }),
    ...(hasEnded(current) && {
      endAt: current.endedAt,
      // A request to cancel an attempt that has not ended passes on to the next.
      ...(cancelRequestedAt !== undefined && { cancelRequestedAt }),
      // The last write of an attempt strikes off what was announced.
      ...(announcements.length === 0 && { announcedAt: updatedAt }),
    }),
  };
}

/** The generation with only the latest of its past attempts, shortened. */
export function inBrief<G extends Generation>(generation: G): G {
  const { pastAttempts } = generation;
  const latest = pastAttempts.at(-1);
  if (latest === undefined || (pastAttempts.length === 1 && latest.message.length <= BRIEF))
    return generation;
  const message =
    latest.message.length > BRIEF ? `${latest.message.slice(0, BRIEF - 1).toWellFormed()}…` : latest.message;
  return { ...generation, pastAttempts: [{ ...latest, message }] };
}
