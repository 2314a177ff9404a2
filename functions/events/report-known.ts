import { hasEnded } from '../generation/generation.ts';
import type { JsonObjects } from '../objects/json-object.ts';
import type { ResultsPlace } from '../request/accepted-request.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import { type Result, toResult, withResult } from './result-files.ts';

export interface ReportKnownDeps {
  readonly generations: Pick<GenerationStore, 'whole'>;
  readonly results: Pick<JsonObjects, 'update'>;
}

/** A request in a file whose idempotency key belongs to a generation that was accepted before. */
export interface KnownRequest {
  readonly id: string;
  readonly index: number;
}

const AT_ONCE = 10;

/**
 * Adds the generations that an earlier file requested to the results file of a new one. An ended generation gets its
 * result. An unfinished one gets its status, and `toldIn` names the file that will contain its end. Safe to repeat.
 */
export async function reportKnown(
  { generations, results }: ReportKnownDeps,
  place: Omit<ResultsPlace, 'index'>,
  known: readonly KnownRequest[],
): Promise<void> {
  const found = await mapLimited(known, AT_ONCE, async ({ id, index }): Promise<Result | undefined> => {
    const whole = await generations.whole(id);
    // After a repeated delivery, this file's own generations are among the known ones.
    if (whole === undefined || whole.request.results?.key === place.key) return undefined;
    if (hasEnded(whole.generation)) return toResult(whole, { ...place, index });
    const { model, status } = whole.generation;
    const { results: its } = whole.request;
    return { index, id, model, status, ...(its && { toldIn: `s3://${its.bucket}/${its.key}` }) };
  });
  const added = found.filter((result) => result !== undefined);
  if (added.length === 0) return;
  await results.update(place, (file) =>
    added.reduce((before, result) => withResult(before, result, place.total), file),
  );
}
