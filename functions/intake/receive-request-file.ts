import { isUtf8 } from 'node:buffer';
import { MOST_DELIVERIES } from '../functions.ts';
import type { GenerationError } from '../generation/errors.ts';
import { timestamp } from '../generation/time.ts';
import { InputAccessError, InputChangedError } from '../objects/errors.ts';
import { PREFIX } from '../objects/prefix.ts';
import type { FoundObject, InputObject } from '../objects/types.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { Delivery } from '../store/delivery-store.ts';
import {
  acceptRequestFile,
  type FileAcceptance,
  type FileRejection,
  nameOf,
  unreachable,
} from './accept-request-file.ts';
import { ELSEWHERE, explainNoText } from './explain-no-text.ts';
import { explainUnreadable } from './explain-unreadable.ts';
import { isTooLarge, tooLarge } from './parse-request-file.ts';
import { contentOf, eventOf, findCurrent, type Put, timeOf } from './put.ts';
import type { ReceiveObjectsDeps } from './receive-deps.ts';
import { rejectFile, removeIfReplaced, removeOlderRejection } from './reject-file.ts';
import { resultsKey } from './results-key.ts';

const SUBMITS_AT_ONCE = 10;
/** Time for accepting the checked requests and for the answer. */
const RESERVED_MS = 30_000;

/** Receives an object under `requests/`. Its requests become generations, or a rejection says why not. */
export async function receiveRequestFile(
  deps: ReceiveObjectsDeps,
  put: Put,
  delivery: Delivery,
): Promise<void> {
  try {
    const found = await findCurrent(deps, put);
    if (found === undefined) return await leaveFile(deps, put, delivery);
    if (isTooLarge(found.sizeBytes)) return await rejectFile(deps, put, [explainLarge(found)]);
    const bytes = await readBytes(deps, found);
    if (bytes === undefined) return await leaveFile(deps, put, delivery);
    await acceptBytes(deps, put, delivery, found, bytes);
  } catch (error) {
    if (!(error instanceof InputAccessError)) throw error;
    await leaveFile(deps, put, delivery, explainUnreadable(error));
  }
}

async function acceptBytes(
  deps: ReceiveObjectsDeps,
  put: Put,
  delivery: Delivery,
  found: FoundObject,
  bytes: Buffer,
): Promise<void> {
  const { bucket, key } = found;
  if (!isUtf8(bytes)) return rejectFile(deps, put, [explainNoText(bytes, key)]);
  const version = await dropOf(deps, put, found);
  if (version === undefined) return log.info('A request file was put again since', { key });
  const isOwn = version === put.version;
  const event = isOwn ? put.event : eventOf(bucket, key, version);
  const file = { bucket, key, version };
  const results = {
    bucket: deps.inputBucket,
    key: resultsKey(
      key.slice(PREFIX.requests.length),
      found.lastModified ?? timestamp(put.at),
      nameOf(deps, file),
    ),
  };
  const outcome: FileAcceptance | FileRejection = await acceptRequestFile(
    deps,
    file,
    bytes.toString('utf8'),
    results,
    {
      outcome: isOwn ? delivery.outcome : (await deps.deliveries.find(event)).outcome,
      isLast: delivery.tries >= MOST_DELIVERIES,
      settle: (noted) => deps.deliveries.settle(event, noted),
      hasTime: () => deps.remainingMs() > RESERVED_MS,
    },
  );
  if (outcome.kind === 'rejected') return rejectFile(deps, put, outcome.errors, { total: outcome.total });
  log.info('A request file was accepted', { key, generations: outcome.ids.length, results: results.key });
  await removeOlderRejection(deps, put).catch(
    logIgnored('it names the earlier put that it belongs to', { key }),
  );
  // If another put stands for the drop, the event of that put reports them.
  if (isOwn) await deps.reportKnown({ ...results, total: outcome.total }, outcome.repeated);
  await mapLimited(outcome.ids, SUBMITS_AT_ONCE, (id) =>
    deps.submit(id).catch(logIgnored('reconcile submits what is due', { generationId: id })),
  );
}

/** Finds the put that stands for this drop. `undefined` if the same bytes were put again much later. */
async function dropOf(deps: ReceiveObjectsDeps, put: Put, found: FoundObject): Promise<string | undefined> {
  const { deliveries } = deps;
  let drop = await deliveries.drop(contentOf(found), timeOf(put));
  if (
    drop.kind === 'drop' &&
    drop.put !== put.version &&
    (await deliveries.find(eventOf(found.bucket, found.key, drop.put))).outcome === 'rejected'
  )
    // That put was rejected for something outside the file, such as a missing input. This put tries again.
    drop = await deliveries.drop(contentOf(found), { ...timeOf(put), insteadOf: drop.put });
  if (drop.kind === 'replaced') return undefined;
  if (drop.put !== put.version) await deliveries.join(put.event, drop.put);
  return drop.put;
}

/**
 * Answers a file that can no longer be read. If its requests were being accepted, some of them may run, and the answer
 * says so. If all were accepted, there is nothing to say.
 * @param error - Why it cannot be read. Absent if it was replaced: the replacement has an event of its own.
 */
async function leaveFile(
  deps: ReceiveObjectsDeps,
  put: Put,
  delivery: Delivery,
  error?: GenerationError,
): Promise<void> {
  log.warn('A request file cannot be read any more', { key: put.keys[0], code: error?.code });
  const { outcome } = await deps.deliveries.find(standsFor(put, delivery));
  if (outcome === 'accepting')
    return rejectRest(deps, put, delivery, {
      code: error?.code ?? 'input_changed',
      message: NO_LONGER_READ,
      retryable: false,
    });
  if (outcome !== 'accepted' && error !== undefined) await rejectFile(deps, put, [error]);
  // An earlier delivery may have been killed after it rejected the file.
  if (error === undefined && delivery.tries > 1) await removeIfReplaced(deps, put);
}

export async function giveUpRequestFile(
  deps: ReceiveObjectsDeps,
  put: Put,
  delivery: Delivery,
): Promise<void> {
  const outcome = await deps.deliveries.settle(standsFor(put, delivery), 'rejected');
  if (outcome === 'rejected') return rejectFile(deps, put, [unreachable()]);
  if (outcome === 'accepting')
    await rejectRest(deps, put, delivery, { ...unreachable(), message: CUT_SHORT });
}

/** Answers a file that was accepted in part. Nothing else says what became of its other requests. */
async function rejectRest(
  deps: ReceiveObjectsDeps,
  put: Put,
  delivery: Delivery,
  error: GenerationError,
): Promise<void> {
  await rejectFile(deps, put, [error], { message: error.message });
  // Another delivery may have accepted them meanwhile. Put again, they would be charged twice.
  const { outcome } = await deps.deliveries.find(standsFor(put, delivery));
  if (outcome === 'accepted') await removeOlderRejection(deps, put);
}

const standsFor = ({ event, bucket, keys }: Put, { sameAs }: Delivery): string =>
  sameAs === undefined ? event : eventOf(bucket, keys[0] ?? '', sameAs);

/** A large file is often one that a model is to work on. */
function explainLarge({ key, sizeBytes }: FoundObject): GenerationError {
  const error = tooLarge(sizeBytes);
  return /\.(?:jsonl?|csv|tsv|txt)$/i.test(key)
    ? error
    : { ...error, message: `${error.message} ${ELSEWHERE}` };
}

const THE_REST =
  'The requests in its results file run and may be charged. The others were not accepted and cost nothing: put them again.';
const NO_LONGER_READ = `This file could no longer be read while its requests were being accepted. ${THE_REST}`;
const CUT_SHORT = `This deployment could not reach one of its own services, or Wiro, while it accepted the requests of this file. ${THE_REST}`;

async function readBytes(
  { inputs }: Pick<ReceiveObjectsDeps, 'inputs'>,
  object: InputObject,
): Promise<Buffer | undefined> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of await inputs.open(object)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } catch (error) {
    if (error instanceof InputChangedError) return undefined;
    throw error;
  }
}
