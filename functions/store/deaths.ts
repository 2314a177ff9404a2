import type { Generation } from '../generation/generation.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { AttemptNotes, AttemptNotesStore, Deaths, NotesChange } from './attempt-notes.ts';

// A function that dies leaves a claim that nothing released. What killed it may kill the next one, too.

/** This many deaths in a row at one generation, without progress between them, are no accident. */
export const MOST_DEATHS = 5;

interface DeathsDeps {
  readonly notes: Pick<AttemptNotesStore, 'change'>;
}

/**
 * Counts the death of a holder, once.
 * @returns The deaths in a row, this one included.
 */
export async function countDeath(
  { notes }: DeathsDeps,
  { id, attempt, status }: Generation,
  holder: string,
): Promise<Deaths | undefined> {
  const during = status === 'collecting' ? status : 'submitting';
  const { deaths } = await notes.change(id, attempt, (current) => addDeath(current, holder, during));
  log.warn('A function ended without letting go of its claim', {
    generationId: id,
    during,
    deaths: deaths?.count,
  });
  return deaths;
}

function addDeath(
  { deaths }: AttemptNotes,
  holder: string,
  during: Deaths['during'],
): NotesChange | undefined {
  if (deaths?.holder === holder) return undefined;
  const before = deaths?.during === during ? deaths : undefined;
  return {
    deaths: { count: (before?.count ?? 0) + 1, during, holder, progress: before?.progress ?? 0 },
  };
}

/** Notes how many outputs or uploads stand. If there are more than ever before, the count of deaths starts anew. */
export async function noteProgress(
  { notes }: DeathsDeps,
  { id, attempt }: Generation,
  progress: number,
): Promise<void> {
  await notes
    .change(id, attempt, ({ deaths }) =>
      deaths === undefined || progress <= deaths.progress
        ? undefined
        : { deaths: { ...deaths, count: 0, progress } },
    )
    .catch(logIgnored('a death too many is counted', { generationId: id }));
}

/** Notes that a holder survived its work: the count of deaths starts anew. */
export async function noteSurvival({ notes }: DeathsDeps, { id, attempt }: Generation): Promise<void> {
  await notes
    .change(id, attempt, ({ deaths }) =>
      deaths === undefined || deaths.count === 0 ? undefined : { deaths: { ...deaths, count: 0 } },
    )
    .catch(logIgnored('a death too many is counted', { generationId: id }));
}
