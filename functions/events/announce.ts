import { type Announcement, type Generation, hasEnded } from '../generation/generation.ts';
import { after, type Clock, timestamp } from '../generation/time.ts';
import { strikeOff } from '../generation/transitions/look.ts';
import type { JsonObjects } from '../objects/json-object.ts';
import type { ObjectRef } from '../objects/types.ts';
import type { ResultsPlace } from '../request/accepted-request.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { writeResultPage } from '../runtime/result-page.ts';
import type { Durations } from '../settings.ts';
import type { AttemptNotesStore, Sink } from '../store/attempt-notes.ts';
import type { GenerationStore, WholeGeneration } from '../store/generation-store.ts';
import type { UsageCounter } from '../store/usage-counter.ts';
import { toFolderPage } from './folder-page.ts';
import { type BusEvent, EventsRejectedError, type PutEvents } from './put-events.ts';
import { toFolderResult, toResult, withResult } from './result-files.ts';
import { toCountedEnd } from './to-counted-end.ts';
import { toEvent } from './to-event.ts';

export interface AnnounceDeps {
  readonly generations: Pick<GenerationStore, 'whole' | 'update' | 'outputs'>;
  readonly notes: Pick<AttemptNotesStore, 'change'>;
  readonly putEvents: PutEvents;
  readonly results: Pick<JsonObjects, 'update' | 'write' | 'writePage'>;
  readonly usage: UsageCounter;
  readonly inputBucket: string;
  readonly outputBucket: string;
  /** Prefix in the input bucket for announcements that cannot be delivered. Ends in `/`. */
  readonly resultsPrefix: string;
  readonly durations: Pick<Durations, 'announcePatience'>;
  readonly clock: Clock;
}

/** One announcement to deliver to one sink. */
interface Delivery {
  readonly sink: Sink | 'usage';
  readonly announcement: Announcement;
  /** The object to write for a person to find, if the sink never accepts the announcement. */
  readonly fallback: { readonly place: ObjectRef; readonly content: unknown };
}

interface Failure {
  readonly delivery: Delivery;
  readonly error: unknown;
}

/**
 * Delivers the pending announcements of a generation to the event bus. Also writes an end to the results file of a
 * request file, or next to the outputs of a dropped file. A sink that has accepted an announcement does not get it
 * again while another sink fails. If a crash prevents the removal of an announcement from the list, it is delivered
 * twice, with the same `eventId`. Usage counts every end before its announcement is removed, and counts it once.
 *
 * A failed delivery is retried for `announcePatience`. After that, or at once if it can never succeed, `announce` raises
 * an alarm, writes the announcement to its fallback and removes it from the list.
 * @throws {AnnouncementPendingError} If an announcement is still pending.
 */
export async function announce(deps: AnnounceDeps, id: string): Promise<void> {
  const whole = await deps.generations.whole(id);
  if (whole === undefined || whole.generation.announcements.length === 0) return;
  const { generation, notes } = whole;
  const ending = endOf(generation);
  const done = new Set(ending && notes.telling?.done);

  const toBus = generation.announcements.filter((one) => one !== ending || !done.has('bus'));
  const events = await eventsOf(deps, whole, toBus);
  const failures: Failure[] = await deliverToBus(deps, events);
  const files = ending === undefined ? [] : fileDeliveries(deps, whole, ending);
  const hasBusEnd =
    ending !== undefined && !failures.some(({ delivery }) => delivery.announcement === ending);
  if (hasBusEnd && files.length > 0 && !done.has('bus')) {
    // Note this before writing a file: a function that dies over the file must not repeat the event each time.
    done.add('bus');
    await noteTelling(deps, generation, { done });
  }
  for (const { deliver, sink, ...delivery } of files) {
    if (done.has(sink)) continue;
    try {
      await deliver();
      done.add(sink);
    } catch (error) {
      failures.push({ delivery: { sink, ...delivery }, error });
    }
  }
  failures.push(...(await countEnds(deps, whole)));

  const left = await abandonOrKeep(deps, whole, failures);
  const unsettled = new Set(left.map(({ delivery }) => delivery.announcement));
  if (left.length > 0) {
    if (hasBusEnd) done.add('bus');
    const failsSince = notes.telling?.failsSince ?? timestamp(deps.clock());
    await noteTelling(deps, generation, { done, failsSince });
  } else if (notes.telling?.failsSince !== undefined && !hasEnded(generation)) {
    // The next announcement has its own patience.
    await deps.notes.change(id, generation.attempt, () => ({ telling: null }));
  }
  const eventIds = generation.announcements
    .filter((one) => !unsettled.has(one))
    .map(({ eventId }) => eventId);
  if (eventIds.length > 0) {
    const struck = await deps.generations.update(generation, (current) => strikeOff(current, eventIds));
    const isOvertaken = struck.kind !== 'missing' && struck.generation.attempt !== generation.attempt;
    if (isOvertaken && ending !== undefined) await writeFilesAgain(deps, id, ending);
  }
  const [first] = left;
  if (first !== undefined)
    throw new AnnouncementPendingError(
      `Cannot deliver an announcement to its ${first.delivery.sink} sink yet: it is retried`,
      { cause: first.error },
    );
}

/** An announcement is still pending, and is delivered later. */
export class AnnouncementPendingError extends Error {
  override readonly name = 'AnnouncementPendingError';
}

/** The pending end of the current attempt. The end of an earlier attempt is written to no file. */
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
    deliveries.push({ sink: 'bus', announcement, event, fallback: { place, content: event } });
  }
  return deliveries;
}

/** @returns The deliveries that the bus did not confirm. */
async function deliverToBus(
  { putEvents }: AnnounceDeps,
  deliveries: readonly EventDelivery[],
): Promise<Failure[]> {
  if (deliveries.length === 0) return [];
  try {
    await putEvents(deliveries.map(({ event }) => event));
    return [];
  } catch (error) {
    const accepted = error instanceof EventsRejectedError ? error.accepted : [];
    return deliveries.flatMap((delivery, index) => (accepted[index] ? [] : [{ delivery, error }]));
  }
}

// --- files ----------------------------------------------------------------------------------------------------

interface FileDelivery extends Delivery {
  readonly sink: Sink;
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
      fallback: { place: fallbackOf(place, id), content: { results: [result] } },
    });
  }
  if (outputFolder !== undefined) {
    const content = toFolderResult(whole);
    const key = `${resultsPrefix}untold/${announcement.eventId}.result.json`;
    deliveries.push({
      sink: 'folder',
      announcement,
      deliver: async () => {
        const page = { bucket: outputBucket, key: `${outputFolder}result.html` };
        const file = { bucket: outputBucket, key: `${outputFolder}result.json` };
        await results.write(file, content, { kind: 'always' });
        await results.writePage(page, writeResultPage(toFolderPage(whole)));
      },
      fallback: { place: { bucket: inputBucket, key }, content },
    });
  }
  return deliveries;
}

/** Writes the end of a retry that ended while the files of this one were written, which may have replaced those of the retry. */
async function writeFilesAgain(deps: AnnounceDeps, id: string, announcement: Announcement): Promise<void> {
  const latest = await deps.generations.whole(id);
  if (latest === undefined || !hasEnded(latest.generation)) return;
  for (const { deliver, sink } of fileDeliveries(deps, latest, announcement))
    await deliver().catch(logIgnored('the record shows the end', { generationId: id, sink }));
}

/** A separate file next to the results file: `results/a.<id>.json` for `results/a.json`. */
const fallbackOf = ({ bucket, key }: ResultsPlace, id: string): ObjectRef => ({
  bucket,
  key: `${key.replace(/\.json$/, '')}.${id}.json`,
});

// --- usage ----------------------------------------------------------------------------------------------------

/** Counts the ends among the announcements. @returns The ones that could not be counted. */
async function countEnds(
  { usage, inputBucket, resultsPrefix }: AnnounceDeps,
  whole: WholeGeneration,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const announcement of whole.generation.announcements) {
    const end = toCountedEnd(whole, announcement);
    if (end === undefined) continue;
    try {
      await usage.count(end);
    } catch (error) {
      const place = {
        bucket: inputBucket,
        key: `${resultsPrefix}untold/${announcement.eventId}.usage.json`,
      };
      failures.push({ delivery: { sink: 'usage', announcement, fallback: { place, content: end } }, error });
    }
  }
  return failures;
}

// --- what fails -----------------------------------------------------------------------------------------------

/** Abandons the deliveries that cannot succeed or have run out of patience. @returns The deliveries to retry. */
async function abandonOrKeep(
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
    if (isOver || isPermanent(error)) {
      const { place, content } = delivery.fallback;
      const writtenTo = await deps.results
        .write(place, content, { kind: 'always' })
        .then(() => place.key)
        .catch(logIgnored('the fallback is written again until announcePatience is over', facts));
      if (writtenTo !== undefined || isOver) {
        log.error(
          'Cannot deliver an announcement: gave up',
          { ...facts, ...(writtenTo !== undefined && { writtenTo }), error, alarm: 'untold' },
          { FruitlessLooks: 1 },
        );
        continue;
      }
    }
    if (isDenied(error))
      log.error(
        'Cannot deliver an announcement: this deployment lacks the permission',
        { ...facts, error, alarm: 'untold' },
        { FruitlessLooks: 1 },
      );
    else log.warn('Cannot deliver an announcement yet: it is retried', { ...facts, error });
    left.push(failure);
  }
  return left;
}

/** Whether a retry cannot help: the file is not a results file, or is too large. */
const isPermanent = (error: unknown): boolean => nameOf(error) === 'UnreadableJsonError';

/** Whether a permission is missing. It may be granted, so the delivery is retried for `announcePatience`. */
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
