import { AwsCallError, callAws } from '../aws/call.ts';

/** One event for the deployment's bus. */
export interface BusEvent {
  /** Such as `Generation Succeeded`. */
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** @throws {EventsNotTakenError} When the bus did not take every one of them. */
export type PutEvents = (events: readonly BusEvent[]) => Promise<void>;

/** Some events were not put on the bus, or none is known to have been. */
export class EventsNotTakenError extends Error {
  override readonly name = 'EventsNotTakenError';
  /** For each event whether the bus took it, in their order. */
  readonly taken: readonly boolean[];

  constructor(message: string, taken: readonly boolean[], options?: ErrorOptions) {
    super(message, options);
    this.taken = taken;
  }
}

const SOURCE = 'wiro.generations';
const EVENTS = { name: 'events', endpointVariable: 'EVENTBRIDGE' };
/** PutEvents takes no more, and no more bytes. */
const MOST = 10;
const MOST_BYTES = 250 * 1024;

export const createPutEvents =
  (eventBus: string): PutEvents =>
  async (events) => {
    const taken = events.map(() => false);
    const refusals = new Set<string>();
    for (const batch of inBatches(events)) {
      const results = await putBatch(eventBus, batch).catch((cause: unknown) => {
        throw new EventsNotTakenError('The event bus could not be asked to take an event', taken, { cause });
      });
      for (const [index, { place }] of batch.entries()) {
        const refusal = results[index];
        taken[place] = refusal === undefined;
        if (refusal !== undefined) refusals.add(refusal);
      }
    }
    if (refusals.size > 0)
      throw new EventsNotTakenError(
        `The event bus did not take an event: ${[...refusals].join(', ')}`,
        taken,
      );
  };

interface Entry {
  /** Its place among the events that were given. */
  readonly place: number;
  readonly detailType: string;
  readonly detail: string;
}

function inBatches(events: readonly BusEvent[]): readonly (readonly Entry[])[] {
  const batches: Entry[][] = [];
  let sizeBytes = 0;
  for (const [place, event] of events.entries()) {
    const detail = JSON.stringify(event.detail);
    const more = Buffer.byteLength(detail) + Buffer.byteLength(event.detailType) + SOURCE.length;
    const last = batches.at(-1);
    const isRoom = last !== undefined && last.length < MOST && sizeBytes + more <= MOST_BYTES;
    const batch = isRoom ? last : [];
    if (!isRoom) {
      batches.push(batch);
      sizeBytes = 0;
    }
    batch.push({ place, detailType: event.detailType, detail });
    sizeBytes += more;
  }
  return batches;
}

/** @returns For each entry why it was not taken, `undefined` where it was. */
async function putBatch(
  eventBus: string,
  entries: readonly Entry[],
): Promise<readonly (string | undefined)[]> {
  const { body } = await callAws(EVENTS, {
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSEvents.PutEvents' },
    body: JSON.stringify({
      Entries: entries.map(({ detailType, detail }) => ({
        EventBusName: eventBus,
        Source: SOURCE,
        DetailType: detailType,
        Detail: detail,
      })),
    }),
  });
  const answer = isObject(body) ? body : {};
  if (answer.FailedEntryCount === 0) return entries.map(() => undefined);
  const results: unknown = answer.Entries;
  if (!Array.isArray(results) || results.length !== entries.length)
    throw new AwsCallError('events does not say which of the events it took');
  return results.map((result: unknown) =>
    isObject(result) && result.ErrorCode === undefined && result.EventId !== undefined
      ? undefined
      : String((isObject(result) && result.ErrorCode) || 'no reason given'),
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
