import type { GenerationError } from './errors.ts';
import { type Generation, hasEnded, type PastAttempt } from './generation.ts';

/**
 * A past attempt in full, as an item of its own keeps it. The state has only the latest, in brief: however often a
 * generation is retried, its state stays small.
 */
export interface KeptAttempt extends PastAttempt {
  /** Of one that failed: as it was told. */
  readonly error?: GenerationError;
  readonly costUsd?: number;
}

/** So many of the latest are read and shown. */
export const MOST_SHOWN = 20;

const BRIEF = 120;

/** What is to be kept in items before `next` is written with `inBrief`: whatever it says of past attempts. */
export function attemptsToKeep(current: Generation, next: Generation): readonly KeptAttempt[] {
  if (next.attempt === current.attempt && inBrief(next) === next) return [];
  return next.pastAttempts.map((past): KeptAttempt => {
    if (past.attempt !== current.attempt || !hasEnded(current)) return past;
    return {
      ...past,
      ...(current.status === 'failed' && { error: current.error }),
      ...(current.costUsd !== undefined && { costUsd: current.costUsd }),
    };
  });
}

/** The generation with the latest of its past attempts alone, and that one in brief. */
export function inBrief<G extends Generation>(generation: G): G {
  const { pastAttempts } = generation;
  const latest = pastAttempts.at(-1);
  if (latest === undefined || (pastAttempts.length === 1 && latest.message.length <= BRIEF))
    return generation;
  const message =
    latest.message.length > BRIEF ? `${latest.message.slice(0, BRIEF - 1).toWellFormed()}…` : latest.message;
  return { ...generation, pastAttempts: [{ ...latest, message }] };
}
