import { AwsCallError, callAws } from '../aws/call.ts';
import { EVENT_SOURCE } from '../settings.ts';

/** One event for the deployment's bus. */
export interface BusEvent {
  /** For example `Generation Succeeded`. */
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** @throws {EventsRejectedError} Unless the bus confirms every event. */
export type PutEvents = (events: readonly BusEvent[]) => Promise<void>;

/** The bus rejected events, or did not answer whether it accepted them. */
export class EventsRejectedError extends Error {
  override readonly name = 'EventsRejectedError';
  /** For each event, in order, whether the bus confirmed it. */
  readonly accepted: readonly boolean[];

  constructor(message: string, accepted: readonly boolean[], options?: ErrorOptions) {
    super(message, options);
    this.accepted = accepted;
  }
}

const EVENTS = { name: 'events', endpointVariable: 'EVENTBRIDGE' };
/** Limits of one PutEvents call. */
const MOST = 10;
const MOST_BYTES = 250 * 1024;

export const createPutEvents =
  (eventBus: string): PutEvents =>
  async (events) => {
    const accepted = events.map(() => false);
    const refusals = new Set<string>();
    for (const batch of inBatches(events)) {
      const results = await putBatch(eventBus, batch).catch((cause: unknown) => {
        throw new EventsRejectedError(
          'Cannot put events on the event bus: whether it accepted them is unknown',
          accepted,
          { cause },
        );
      });
      for (const [index, { eventIndex }] of batch.entries()) {
        const refusal = results[index];
        accepted[eventIndex] = refusal === undefined;
        if (refusal !== undefined) refusals.add(refusal);
      }
    }
    if (refusals.size > 0)
      throw new EventsRejectedError(
        `Cannot put an event on the event bus: it was rejected (${[...refusals].join(', ')})`,
        accepted,
      );
  };

interface Entry {
  /** Its index in the caller's list. */
  readonly eventIndex: number;
  readonly detailType: string;
  readonly detail: string;
}

function inBatches(events: readonly BusEvent[]): readonly (readonly Entry[])[] {
  const batches: Entry[][] = [];
  let sizeBytes = 0;
  for (const [eventIndex, event] of events.entries()) {
    const detail = JSON.stringify(event.detail);
    const more = Buffer.byteLength(detail) + Buffer.byteLength(event.detailType) + EVENT_SOURCE.length;
    const last = batches.at(-1);
    const isRoom = last !== undefined && last.length < MOST && sizeBytes + more <= MOST_BYTES;
    const batch = isRoom ? last : [];
    if (!isRoom) {
      batches.push(batch);
      sizeBytes = 0;
    }
    batch.push({ eventIndex, detailType: event.detailType, detail });
    sizeBytes += more;
  }
  return batches;
}

/** @returns For each entry the reason of its rejection, or `undefined` if the bus accepted it. */
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
        Source: EVENT_SOURCE,
        DetailType: detailType,
        Detail: detail,
      })),
    }),
  });
  const answer = isObject(body) ? body : {};
  if (answer.FailedEntryCount === 0) return entries.map(() => undefined);
  const results: unknown = answer.Entries;
  if (!Array.isArray(results) || results.length !== entries.length)
    throw new AwsCallError('events answered without saying which events it accepted');
  return results.map((result: unknown) =>
    isObject(result) && result.ErrorCode === undefined && result.EventId !== undefined
      ? undefined
      : String((isObject(result) && result.ErrorCode) || 'no reason given'),
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
