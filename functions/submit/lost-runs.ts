import type { RunMark } from '../generation/generation.ts';
import { after, type Timestamp } from '../generation/time.ts';
import type { Durations } from '../settings.ts';
import type { AttemptNotes, LostRuns, NotesChange } from '../store/attempt-notes.ts';

// Notes on Runs that Wiro did not answer, or refused with a text that says nothing certain. The moment of its mark
// identifies a Run, so that each counts once.

/** Notes a Run whose answer was lost. */
export function noteLostRun({ lostRuns }: AttemptNotes, { startedAt }: RunMark): NotesChange | undefined {
  if (lostRuns !== undefined && lostRuns.latest >= startedAt) return undefined;
  const { since = startedAt, count = 0 } = lostRuns ?? {};
  return { lostRuns: { since, count: count + 1, latest: startedAt } };
}

/** Notes the text of a refusal. A new text starts the count anew. */
export function noteRefusal(
  { refusal }: AttemptNotes,
  { startedAt }: RunMark,
  text: string,
): NotesChange | undefined {
  if (refusal !== undefined && refusal.latest >= startedAt) return undefined;
  const isSame = refusal?.text === text;
  return {
    refusal: {
      text,
      since: isSame ? refusal.since : startedAt,
      latest: startedAt,
      count: isSame ? refusal.count + 1 : 1,
    },
  };
}

const REFUSALS_BELIEVED = 3;

/**
 * Wiro's text, if it has refused every Run with it for so long that it will not stop. The caller must know for certain that
 * the latest Run made no task.
 */
export function findFinalRefusal(
  { refusal }: AttemptNotes,
  { startedAt }: RunMark,
  { refusalPatience }: Pick<Durations, 'refusalPatience'>,
): string | undefined {
  if (refusal === undefined || refusal.latest !== startedAt) return undefined;
  const isBelieved =
    refusal.count >= REFUSALS_BELIEVED && after(refusal.since, refusalPatience) <= refusal.latest;
  return isBelieved ? refusal.text : undefined;
}

/** Whether Runs have been lost for so long that no more are sent. */
export const isLosingForTooLong = (
  lostRuns: LostRuns | undefined,
  now: Timestamp,
  { deadline }: Pick<Durations, 'deadline'>,
): boolean => lostRuns !== undefined && after(lostRuns.since, deadline) <= now;
