import { hasEnded } from '../generation/generation.ts';
import type { JsonObjects } from '../objects/json-object.ts';
import type { ResultsPlace } from '../request/accepted-request.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import { type Result, toResult, withResult } from './result-files.ts';

export interface TellKnownDeps {
  readonly generations: Pick<GenerationStore, 'whole'>;
  readonly results: Pick<JsonObjects, 'update'>;
}

/** A request of a file whose own key stands for a generation that was accepted before. */
export interface KnownRequest {
  readonly id: string;
  readonly index: number;
}

const AT_ONCE = 10;

/**
 * Tells a results file of generations that came in an earlier file and are told there: as they are now, and of one
 * that has not ended, where its end will be. Safe to repeat.
 */
export async function tellKnown(
  { generations, results }: TellKnownDeps,
  place: Omit<ResultsPlace, 'index'>,
  known: readonly KnownRequest[],
): Promise<void> {
  const found = await mapLimited(known, AT_ONCE, async ({ id, index }): Promise<Result | undefined> => {
    const whole = await generations.whole(id);
    // Delivered again: it is one of this file's own.
    if (whole === undefined || whole.request.results?.key === place.key) return undefined;
    if (hasEnded(whole.generation)) return toResult(whole, { ...place, index });
    const { model, status } = whole.generation;
    const { results: its } = whole.request;
    return { index, id, model, status, ...(its && { toldIn: `s3://${its.bucket}/${its.key}` }) };
  });
  const told = found.filter((result) => result !== undefined);
  if (told.length === 0) return;
  await results.update(place, (file) =>
    told.reduce((before, result) => withResult(before, result, place.total), file),
  );
}
