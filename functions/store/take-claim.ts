import type { Collecting, Generation, Submitting } from '../generation/generation.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { deadHolder } from '../generation/transitions.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Durations } from '../settings.ts';
import type { AttemptNotes, AttemptNotesStore, Deaths, NotesChange } from './attempt-notes.ts';
import type { GenerationStore, Updated } from './generation-store.ts';

/** So many functions in a row that died at one generation, without getting it any further, are no accident. */
export const MOST_DEATHS = 5;

export interface Taken<G extends Generation> {
  readonly claimed: Updated<G>;
  /** The holders that died before this one, if the last one did. */
  readonly deaths?: Deaths;
}

/**
 * Takes a claim. One that ran out although nobody let go of it is counted first: whoever held it was killed, and may be
 * so every time.
 */
export async function takeClaim<G extends Submitting | Collecting>(
  {
    generations,
    notes,
    durations,
    clock,
  }: {
    readonly generations: Pick<GenerationStore, 'update'>;
    readonly notes: Pick<AttemptNotesStore, 'change'>;
    readonly durations: Durations;
    readonly clock: Clock;
  },
  known: string | Generation,
  claim: (current: Generation) => G | undefined,
): Promise<Taken<G>> {
  const deadIn = (generation: Generation) => deadHolder(generation, { now: timestamp(clock()), durations });
  let counted: string | undefined;
  let deaths: Deaths | undefined;
  for (;;) {
    const claimed = await generations.update(known, (current) => {
      const dead = deadIn(current);
      return dead !== undefined && dead !== counted ? undefined : claim(current);
    });
    if (claimed.kind !== 'refused') return { claimed, ...(deaths && { deaths }) };
    const { generation } = claimed;
    const dead = deadIn(generation);
    if (dead === undefined || dead === counted) return { claimed };
    const { id, attempt, status } = generation;
    const during = status === 'collecting' ? status : 'submitting';
    ({ deaths } = await notes.change(id, attempt, (current) => noteDeath(current, dead, during)));
    counted = dead;
    log.warn('A function ended without letting go of its claim', {
      generationId: id,
      during,
      deaths: deaths?.count,
    });
  }
}

function noteDeath(
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

/** Notes how many outputs or uploads stand. If more than ever before, the deaths were not in vain. */
export async function noteProgress(
  { notes }: { readonly notes: Pick<AttemptNotesStore, 'change'> },
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

/** Notes that a holder lived to let go of its claim: the row of deaths is over. */
export async function noteLife(
  { notes }: { readonly notes: Pick<AttemptNotesStore, 'change'> },
  { id, attempt }: Generation,
): Promise<void> {
  await notes
    .change(id, attempt, ({ deaths }) =>
      deaths === undefined || deaths.count === 0 ? undefined : { deaths: { ...deaths, count: 0 } },
    )
    .catch(logIgnored('a death too many is counted', { generationId: id }));
}
