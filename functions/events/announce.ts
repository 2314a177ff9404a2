import { type Announcement, type Generation, hasEnded } from '../generation/generation.ts';
import { after, type Clock, timestamp } from '../generation/time.ts';
import { told } from '../generation/transitions.ts';
import type { JsonObjects } from '../objects/json-object.ts';
import type { ObjectRef } from '../objects/types.ts';
import type { ResultsPlace } from '../request/accepted-request.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Durations } from '../settings.ts';
import type { AttemptNotesStore, Sink } from '../store/attempt-notes.ts';
import type { GenerationStore, WholeGeneration } from '../store/generation-store.ts';
import { type BusEvent, EventsNotTakenError, type PutEvents } from './put-events.ts';
import { toFolderResult, toResult, withResult } from './result-files.ts';
import { toEvent } from './to-event.ts';

export interface AnnounceDeps {
  readonly generations: Pick<GenerationStore, 'whole' | 'update' | 'outputs'>;
  readonly notes: Pick<AttemptNotesStore, 'change'>;
  readonly putEvents: PutEvents;
  readonly results: Pick<JsonObjects, 'update' | 'write'>;
  readonly inputBucket: string;
  readonly outputBucket: string;
  /** In the input bucket: what could not be told is written there. Ends in `/`. */
  readonly resultsPrefix: string;
  readonly durations: Pick<Durations, 'announcePatience'>;
  readonly clock: Clock;
}

/** One thing to tell in one place. */
interface Delivery {
  readonly sink: Sink;
  readonly announcement: Announcement;
  /** What is written where people find it, if the place itself never takes it. */
  readonly spare: { readonly place: ObjectRef; readonly content: unknown };
}

interface Failure {
  readonly delivery: Delivery;
  readonly error: unknown;
}

/**
 * Tells whatever a generation has still to tell: on the bus; and an end in the results file of its request file, or
 * beside the outputs of its dropped file. What one of them took is not told there again while another fails. What
 * is told is struck off the list; a crash in between tells it twice, with the same `eventId`.
 *
 * What fails is tried again, until `announcePatience` is over: then, or at once where it can never succeed, it raises
 * an alarm, is written elsewhere and struck off.
 * @throws {UntoldError} When something is left to be told.
 */
export async function announce(deps: AnnounceDeps, id: string): Promise<void> {
  const whole = await deps.generations.whole(id);
  if (whole === undefined || whole.generation.announcements.length === 0) return;
  const { generation, notes } = whole;
  const ending = endOf(generation);
  const done = new Set(ending && notes.telling?.done);

  const toBus = generation.announcements.filter((one) => one !== ending || !done.has('bus'));
  const events = await eventsOf(deps, whole, toBus);
  const failures: Failure[] = await tellBus(deps, events);
  const files = ending === undefined ? [] : fileDeliveries(deps, whole, ending);
  const tookEnd = ending !== undefined && !failures.some(({ delivery }) => delivery.announcement === ending);
  if (tookEnd && files.length > 0 && !done.has('bus')) {
    // Before a file is touched: whoever dies over it must not put the event on the bus every time.
    done.add('bus');
    await noteTelling(deps, generation, { done });
  }
  for (const { deliver, ...delivery } of files) {
    if (done.has(delivery.sink)) continue;
    try {
      await deliver();
      done.add(delivery.sink);
    } catch (error) {
      failures.push({ delivery, error });
    }
  }

  const left = await giveUpSome(deps, whole, failures);
  const unsettled = new Set(left.map(({ delivery }) => delivery.announcement));
  if (left.length > 0) {
    const failsSince = notes.telling?.failsSince ?? timestamp(deps.clock());
    await noteTelling(deps, generation, { done, failsSince });
  } else if (notes.telling?.failsSince !== undefined && !hasEnded(generation)) {
    // The next to be told has a patience of its own.
    await deps.notes.change(id, generation.attempt, () => ({ telling: null }));
  }
  const eventIds = generation.announcements
    .filter((one) => !unsettled.has(one))
    .map(({ eventId }) => eventId);
  if (eventIds.length > 0) await deps.generations.update(generation, (current) => told(current, eventIds));
  const [first] = left;
  if (first !== undefined)
    throw new UntoldError(`Not everything could be told yet: ${first.delivery.sink}`, { cause: first.error });
}

/** It is told again later. */
export class UntoldError extends Error {
  override readonly name = 'UntoldError';
}

/** The end of the current attempt, if it is still to be told: that of an earlier one goes into no file. */
const endOf = (generation: Generation): Announcement | undefined =>
  hasEnded(generation)
    ? generation.announcements.find(
        ({ attempt, type }) => attempt === generation.attempt && type !== 'Running',
      )
    : undefined;

// --- the bus --------------------------------------------------------------------------------------------------

interface EventDelivery extends Delivery {
  readonly event: BusEvent;
}

async function eventsOf(
  { generations, inputBucket, resultsPrefix }: AnnounceDeps,
  whole: WholeGeneration,
  announcements: readonly Announcement[],
): Promise<readonly EventDelivery[]> {
  const outputsOf = (attempt: number) => generations.outputs(whole.generation.id, attempt);
  const deliveries: EventDelivery[] = [];
  for (const announcement of announcements) {
    const event = await toEvent(whole, announcement, outputsOf);
    const place = { bucket: inputBucket, key: `${resultsPrefix}untold/${announcement.eventId}.json` };
    deliveries.push({ sink: 'bus', announcement, event, spare: { place, content: event } });
  }
  return deliveries;
}

/** @returns What the bus did not take, or is not known to have taken. */
async function tellBus(
  { putEvents }: AnnounceDeps,
  deliveries: readonly EventDelivery[],
): Promise<Failure[]> {
  if (deliveries.length === 0) return [];
  try {
    await putEvents(deliveries.map(({ event }) => event));
    return [];
  } catch (error) {
    const taken = error instanceof EventsNotTakenError ? error.taken : [];
    return deliveries.flatMap((delivery, index) => (taken[index] ? [] : [{ delivery, error }]));
  }
}

// --- files ----------------------------------------------------------------------------------------------------

interface FileDelivery extends Delivery {
  readonly deliver: () => Promise<unknown>;
}

function fileDeliveries(
  { results, inputBucket, outputBucket, resultsPrefix }: AnnounceDeps,
  whole: WholeGeneration,
  announcement: Announcement,
): readonly FileDelivery[] {
  const { id, outputFolder } = whole.generation;
  const { results: place } = whole.request;
  const deliveries: FileDelivery[] = [];
  if (place !== undefined) {
    const result = toResult(whole, place);
    deliveries.push({
      sink: 'results',
      announcement,
      deliver: () => results.update(place, (file) => withResult(file, result, place.total)),
      spare: { place: besideOf(place, id), content: { results: [result] } },
    });
  }
  if (outputFolder !== undefined) {
    const content = toFolderResult(whole);
    const key = `${resultsPrefix}untold/${announcement.eventId}.result.json`;
    deliveries.push({
      sink: 'folder',
      announcement,
      deliver: () =>
        results.write({ bucket: outputBucket, key: `${outputFolder}result.json` }, content, {
          kind: 'always',
        }),
      spare: { place: { bucket: inputBucket, key }, content },
    });
  }
  return deliveries;
}

/** A file of its own beside the results file: `results/a.json` and `results/a.<id>.json`. */
const besideOf = ({ bucket, key }: ResultsPlace, id: string): ObjectRef => ({
  bucket,
  key: `${key.replace(/\.json$/, '')}.${id}.json`,
});

// --- what fails -----------------------------------------------------------------------------------------------

/** @returns What is to be told later. */
async function giveUpSome(
  deps: AnnounceDeps,
  { generation, notes }: WholeGeneration,
  failures: readonly Failure[],
): Promise<readonly Failure[]> {
  const failsSince = notes.telling?.failsSince;
  const isOver =
    failsSince !== undefined && after(failsSince, deps.durations.announcePatience) <= timestamp(deps.clock());
  const left: Failure[] = [];
  for (const failure of failures) {
    const { delivery, error } = failure;
    const facts = {
      generationId: generation.id,
      eventId: delivery.announcement.eventId,
      sink: delivery.sink,
    };
    if (isOver || isForGood(error)) {
      const { place, content } = delivery.spare;
      const writtenTo = await deps.results
        .write(place, content, { kind: 'always' })
        .then(() => place.key)
        .catch(logIgnored('it is tried again while there is time', facts));
      if (writtenTo !== undefined || isOver) {
        log.error(
          'Something could not be told, and is given up',
          { ...facts, ...(writtenTo !== undefined && { writtenTo }), error, alarm: 'untold' },
          { FruitlessLooks: 1 },
        );
        continue;
      }
    }
    if (isDenied(error))
      log.error(
        'Something cannot be told: this deployment may not do it',
        { ...facts, error, alarm: 'untold' },
        { FruitlessLooks: 1 },
      );
    else log.warn('Something could not be told, and is tried again', { ...facts, error });
    left.push(failure);
  }
  return left;
}

/** The file is not one of ours any more, or has grown too large: no waiting mends that. */
const isForGood = (error: unknown): boolean => nameOf(error) === 'UnreadableJsonError';

/** Somebody may mend the rights: within the patience it is tried again. */
const isDenied = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  '$metadata' in error &&
  (error.$metadata as { readonly httpStatusCode?: number }).httpStatusCode === 403;

const nameOf = (error: unknown) => (error instanceof Error ? error.name : undefined);

const noteTelling = (
  { notes }: AnnounceDeps,
  { id, attempt }: Generation,
  { done, failsSince }: { readonly done: ReadonlySet<Sink>; readonly failsSince?: string },
) =>
  notes.change(id, attempt, ({ telling }) => ({
    telling: {
      done: [...new Set([...(telling?.done ?? []), ...done])],
      ...((failsSince ?? telling?.failsSince) !== undefined && {
        failsSince: telling?.failsSince ?? failsSince,
      }),
    },
  }));
