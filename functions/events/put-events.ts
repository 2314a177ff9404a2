import { AwsCallError, callAws } from '../aws/call.ts';

/** One event for the deployment's bus. */
export interface BusEvent {
  /** Such as `Generation Succeeded`. */
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export type PutEvents = (events: readonly BusEvent[]) => Promise<void>;

const SOURCE = 'wiro.generations';
const EVENTS = { name: 'events', endpointVariable: 'EVENTBRIDGE' };
/** PutEvents takes no more. */
const MOST = 10;

/** @throws {AwsCallError} When the bus did not take every one of them. */
export const createPutEvents =
  (eventBus: string): PutEvents =>
  async (events) => {
    for (let start = 0; start < events.length; start += MOST) {
      const { body } = await callAws(EVENTS, {
        path: '/',
        headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSEvents.PutEvents' },
        body: JSON.stringify({
          Entries: events.slice(start, start + MOST).map(({ detailType, detail }) => ({
            EventBusName: eventBus,
            Source: SOURCE,
            DetailType: detailType,
            Detail: JSON.stringify(detail),
          })),
        }),
      });
      const failed =
        typeof body === 'object' && body !== null && 'FailedEntryCount' in body
          ? body.FailedEntryCount
          : undefined;
      if (failed !== 0)
        throw new AwsCallError(`events did not take ${String(failed ?? 'some')} of the events`);
    }
  };
