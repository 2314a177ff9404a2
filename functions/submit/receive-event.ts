import type { EventBridgeEvent } from 'aws-lambda';
import { type AcceptDeps, acceptChecked, checkRequest } from '../acceptance/accept-generation.ts';
import type { PutEvents } from '../events/put-events.ts';
import { RequestError } from '../generation/errors.ts';
import { parseRequest } from '../generation/request.ts';
import type { SourceRules } from '../generation/source.ts';
import { ignore } from '../ignore.ts';
import { log } from '../log.ts';

export interface ReceiveEventDeps extends AcceptDeps {
  readonly rules: SourceRules;
  readonly putEvents: PutEvents;
  readonly submit: (id: string) => Promise<void>;
}

/**
 * Takes a `Generation Requested` event: its detail is a request in the API's form. The event's id makes it the same
 * request again, unless the request brings a key of its own. One that cannot be accepted is answered by
 * `Generation Rejected`.
 */
export async function receiveEvent(
  deps: ReceiveEventDeps,
  event: Pick<EventBridgeEvent<string, unknown>, 'id' | 'detail'>,
): Promise<void> {
  try {
    const request = parseRequest(event.detail, deps.rules);
    const key =
      request.idempotencyKey === undefined
        ? JSON.stringify(['event', event.id])
        : JSON.stringify(['key', request.idempotencyKey]);
    const checked = await checkRequest(deps, request, { origin: 'event', key });
    const { id } = checked.kind === 'known' ? checked.generation : await acceptChecked(deps, checked.checked);
    log.info('A requested generation was accepted', { generationId: id, requestEventId: event.id });
    await deps.submit(id).catch(ignore('reconcile submits what is due', { generationId: id }));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    log.info('A requested generation was rejected', { requestEventId: event.id, code: error.error.code });
    await deps.putEvents([
      {
        detailType: 'Generation Rejected',
        detail: {
          // The same for every delivery of the request, so that consumers can dedupe.
          eventId: `${event.id}.rejected`,
          requestEventId: event.id,
          deployment: deps.deployment,
          error: error.error,
          at: deps.clock().toISOString(),
        },
      },
    ]);
  }
}
