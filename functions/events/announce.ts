import type { ResultsPlace } from '../generation/accepted-request.ts';
import { type Announcement, type Generation, hasEnded, type Output } from '../generation/generation.ts';
import { told } from '../generation/transitions.ts';
import type { JsonObjects } from '../objects/json-object.ts';
import type { GenerationStore, WholeGeneration } from '../store/generation-store.ts';
import type { BusEvent, PutEvents } from './put-events.ts';

export interface AnnounceDeps {
  readonly generations: Pick<GenerationStore, 'whole' | 'update'>;
  readonly putEvents: PutEvents;
  readonly results: Pick<JsonObjects, 'update' | 'write'>;
  readonly outputBucket: string;
}

/**
 * Tells whatever a generation has still to tell: on the bus, and in the results file of the request file it came
 * in. Then strikes it off the list; a crash in between tells it twice, with the same `eventId`.
 */
export async function announce(
  { generations, putEvents, results, outputBucket }: AnnounceDeps,
  id: string,
): Promise<void> {
  const whole = await generations.whole(id);
  if (whole === undefined || whole.generation.announcements.length === 0) return;
  const { announcements } = whole.generation;
  await putEvents(announcements.map((announcement) => toEvent(whole, announcement)));
  const { results: place } = whole.request;
  if (place !== undefined && hasEnded(whole.generation)) {
    const entry = toResult(whole, place);
    await results.update(place, (file) => withResult(file, entry));
  }
  const { outputFolder } = whole.generation;
  if (outputFolder !== undefined && hasEnded(whole.generation)) {
    const place = { bucket: outputBucket, key: `${outputFolder}result.json` };
    await results.write(place, toFolderResult(whole), { kind: 'always' });
  }
  const eventIds = announcements.map(({ eventId }) => eventId);
  await generations.update(whole.generation, (current) => told(current, eventIds));
}

function toEvent({ generation, request, outputs }: WholeGeneration, announcement: Announcement): BusEvent {
  const { eventId, type, attempt, at } = announcement;
  const isCurrent = generation.attempt === attempt;
  return {
    detailType: `Generation ${type}`,
    detail: {
      eventId,
      id: generation.id,
      deployment: generation.deployment,
      model: generation.model,
      status: type.toLowerCase(),
      attempt,
      origin: generation.origin,
      labels: request.labels,
      at,
      createdAt: generation.createdAt,
      ...(isCurrent && 'task' in generation && generation.task && { taskId: generation.task.id }),
      ...(type !== 'Running' && isCurrent && { outputs: outputs.map(toPlace), ...account(generation) }),
    },
  };
}

/** One generation's end in a results file. */
interface Result {
  readonly index: number;
  readonly id: string;
  readonly [name: string]: unknown;
}

function toResult({ generation, request, outputs }: WholeGeneration, { index }: ResultsPlace): Result {
  const { id, model, status, attempt, createdAt } = generation;
  return {
    index,
    id,
    model,
    status,
    attempt,
    labels: request.labels,
    outputs: outputs.map(toPlace),
    ...account(generation),
    createdAt,
    ...('endedAt' in generation && { endedAt: generation.endedAt }),
  };
}

/** What lies beside the outputs of a dropped file: for people, who know no states and codes. */
function toFolderResult({ generation, request, outputs }: WholeGeneration): unknown {
  const { id, model, status, createdAt } = generation;
  return {
    status,
    message: sentenceFor(generation, outputs.length),
    id,
    model,
    inputs: Object.values(request.inputs).flatMap((given) => given.map(({ text }) => text)),
    outputs: outputs.map(toPlace),
    ...account(generation),
    createdAt,
    ...('endedAt' in generation && { endedAt: generation.endedAt }),
  };
}

function sentenceFor(generation: Generation, outputs: number): string {
  switch (generation.status) {
    case 'succeeded':
      return `Done: ${outputs === 1 ? 'one output lies' : `${outputs} outputs lie`} beside this file.`;
    case 'failed':
      return `This did not work. ${generation.error.message}`;
    case 'cancelled':
      return 'This was cancelled.';
    default:
      return 'This is not finished yet.';
  }
}

/** The file with this result in it, once; in the order of the requests. */
function withResult(file: unknown, result: Result): unknown {
  const earlier = typeof file === 'object' && file !== null && 'results' in file ? file.results : [];
  const others = (Array.isArray(earlier) ? (earlier as readonly Result[]) : []).filter(
    ({ id }) => id !== result.id,
  );
  const results = [...others, result].sort((a, b) => a.index - b.index || (a.id < b.id ? -1 : 1));
  return { results };
}

const toPlace = ({ name, bucket, key, contentType, sizeBytes, sha256 }: Output) => ({
  name,
  bucket,
  key,
  contentType,
  sizeBytes,
  sha256,
});

const account = (generation: Generation) => ({
  ...('costUsd' in generation && generation.costUsd !== undefined && { costUsd: generation.costUsd }),
  ...(generation.status === 'failed' && { error: generation.error }),
});
