import type { EventBridgeEvent } from 'aws-lambda';
import type { PutEvents } from '../events/put-events.ts';
import { MOST_DELIVERIES } from '../functions.ts';
import { addNoCharge, RequestError, withProblems } from '../generation/errors.ts';
import { generationId } from '../request/identity.ts';
import { readRequest } from '../request/request.ts';
import type { SourceRules } from '../request/source.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { DeliveryStore } from '../store/delivery-store.ts';
import { type AcceptDeps, acceptChecked, checkRequest } from './accept-generation.ts';
import { unreachable } from './accept-request-file.ts';
import { findAllProblems } from './examine-request.ts';

export interface ReceiveEventDeps extends AcceptDeps {
  readonly rules: SourceRules;
  readonly putEvents: PutEvents;
  readonly submit: (id: string) => Promise<void>;
  readonly deliveries: Pick<DeliveryStore, 'begin' | 'settle'>;
}

/**
 * Accepts a `Generation Requested` event, whose detail is a request in the API's form. Events with the same id are the
 * same request, unless the request has a key of its own. A `Generation Rejected` event answers a request that cannot be
 * accepted.
 */
export async function receiveEvent(
  deps: ReceiveEventDeps,
  event: Pick<EventBridgeEvent<string, unknown>, 'id' | 'detail'>,
): Promise<void> {
  const identity = JSON.stringify(['event', event.id]);
  const delivery = await deps.deliveries.begin(identity);
  let requestedId: string | undefined;
  try {
    if (delivery.outcome === 'rejected') return await reject(deps, event, RequestError.of(unreachable()));
    const read = readRequest(event.detail, deps.rules);
    const [first, ...more] = await findAllProblems(deps, read);
    if (first !== undefined) throw RequestError.ofAll([first, ...more]);
    const { request } = read;
    const key =
      request.idempotencyKey === undefined
        ? JSON.stringify(['event', event.id])
        : JSON.stringify(['key', request.idempotencyKey]);
    requestedId = generationId(deps.deployment, 'event', key);
    const checked = await checkRequest(deps, request, { origin: 'event', key });
    const { id } =
      checked.kind === 'existing' ? checked.generation : await acceptChecked(deps, checked.checked);
    log.info('A requested generation was accepted', { generationId: id, requestEventId: event.id });
    await deps.submit(id).catch(logIgnored('reconcile submits what is due', { generationId: id }));
  } catch (error) {
    if (error instanceof RequestError) return reject(deps, event, error);
    if (delivery.tries < MOST_DELIVERIES) throw error;
    // This is the last delivery: the request is answered, and the error raises an alarm. Unless another delivery has
    // accepted it.
    if ((await deps.deliveries.settle(identity, 'rejected')) === 'rejected') {
      const isAccepted = requestedId !== undefined && (await deps.generations.get(requestedId)) !== undefined;
      if (!isAccepted) await reject(deps, event, RequestError.of(unreachable()));
    }
    throw error;
  }
}

async function reject(
  { putEvents, deployment, clock }: ReceiveEventDeps,
  { id }: Pick<EventBridgeEvent<string, unknown>, 'id'>,
  { error, problems }: RequestError,
): Promise<void> {
  log.info('A requested generation was rejected', { requestEventId: id, code: error.code });
  await putEvents([
    {
      detailType: 'Generation Rejected',
      detail: {
        // Every delivery of the request sends the same id, so that consumers can dedupe.
        eventId: `${id}.rejected`,
        requestEventId: id,
        deployment,
        error: withProblems(addNoCharge(error), problems),
        at: clock().toISOString(),
      },
    },
  ]);
}
