import { isUtf8 } from 'node:buffer';
import type { S3EventRecord } from 'aws-lambda';
import type { KnownRequest } from '../events/report-known.ts';
import { MOST_DELIVERIES } from '../functions.ts';
import { type GenerationError, RequestError } from '../generation/errors.ts';
import { timestamp } from '../generation/time.ts';
import { InputAccessError, InputChangedError } from '../objects/errors.ts';
import { explainRefusal } from '../objects/explain-refusal.ts';
import { type JsonObjects, UnreadableJsonError } from '../objects/json-object.ts';
import { PREFIX } from '../objects/prefix.ts';
import type { FoundObject, InputObject, InputStore } from '../objects/types.ts';
import { decideContentType, isGeneric } from '../outputs/content-type.ts';
import type { ResultsPlace } from '../request/accepted-request.ts';
import { readUploadKey } from '../request/preset.ts';
import { isRecord } from '../runtime/json.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { Delivery, DeliveryStore } from '../store/delivery-store.ts';
import {
  type AcceptFileDeps,
  acceptRequestFile,
  type FileAcceptance,
  type FileRejection,
  isTooLarge,
  nameOf,
  tooLarge,
  unreachable,
} from './accept-request-file.ts';
import { KIND_BYTES } from './kind-from-bytes.ts';
import {
  type ReceiveUploadDeps,
  receiveUpload,
  rejectUpload,
  type Upload,
  uploadId,
} from './receive-upload.ts';
import { resultsKey } from './results-key.ts';

export interface ReceiveObjectsDeps extends AcceptFileDeps, ReceiveUploadDeps {
  readonly inputs: InputStore;
  readonly deliveries: DeliveryStore;
  readonly rejections: Pick<JsonObjects, 'read' | 'write' | 'remove' | 'update'>;
  readonly inputBucket: string;
  readonly submit: (id: string) => Promise<void>;
  readonly remainingMs: () => number;
  /** Adds generations that an earlier file brought to the results file. */
  readonly reportKnown: (
    results: Omit<ResultsPlace, 'index'>,
    repeated: readonly KnownRequest[],
  ) => Promise<void>;
}

/** One put of an object, as its event describes it. */
interface Put {
  readonly bucket: string;
  /** Possible keys. S3 sends keys URL-encoded, with `+` for a space. Some emulators send them as they are. */
  readonly keys: readonly string[];
  /** Identifies this put: its versionId, or else its ETag and sequencer. */
  readonly version: string;
  readonly versionId: string | undefined;
  readonly etag: string | undefined;
  readonly at: Date;
  /** Identifies its event. Every delivery has the same. */
  readonly event: string;
}

type Receive = (deps: ReceiveObjectsDeps, put: Put, delivery: Delivery) => Promise<void>;

const SUBMITS_AT_ONCE = 10;
/** Time for accepting the checked requests and for the answer. */
const RESERVED_MS = 30_000;

/**
 * Receives one new object of the input bucket: a request file, or a file dropped into a preset's folder. Acts only on the
 * put that the event names, and only while it is current. A replacement has an event of its own. If the last delivery
 * fails, the file is answered, and then the error is thrown, so that it raises an alarm.
 */
export async function receiveObject(
  deps: ReceiveObjectsDeps,
  record: Pick<S3EventRecord, 's3'> & Partial<Pick<S3EventRecord, 'eventTime'>>,
): Promise<void> {
  const put = readPut(record, deps.clock());
  const door = doorOf(put);
  if (door === undefined) return;
  const delivery = await deps.deliveries.begin(put.event);
  try {
    await door.receive(deps, put, delivery);
  } catch (error) {
    if (delivery.tries < MOST_DELIVERIES) throw error;
    await door.giveUp(deps, put, await deps.deliveries.find(put.event));
    throw error;
  }
}

function doorOf(put: Put): { readonly receive: Receive; readonly giveUp: Receive } | undefined {
  if (uploadsIn(put).length > 0) return { receive: receiveDrop, giveUp: giveUpDrop };
  if (put.keys.some((key) => key.startsWith(PREFIX.requests)))
    return { receive: receiveRequestFile, giveUp: giveUpRequestFile };
  return undefined;
}

// --- files dropped into a folder ------------------------------------------------------------------------------

async function receiveDrop(deps: ReceiveObjectsDeps, put: Put, delivery: Delivery): Promise<void> {
  if (delivery.tries > 1) {
    // An earlier delivery may have accepted it. Its generation is found even if the object has been replaced.
    const id = await findAccepted(deps, put, delivery);
    if (id !== undefined)
      return deps.submit(id).catch(logIgnored('reconcile submits what is due', { generationId: id }));
    if (delivery.outcome === 'rejected') return giveUpDrop(deps, put, delivery);
  }
  let found: FoundObject | undefined;
  try {
    found = await findCurrent(deps, put);
  } catch (error) {
    if (!(error instanceof InputAccessError)) throw error;
    return rejectDrop(deps, put, delivery, withoutField(error));
  }
  if (found === undefined) return log.info('A dropped file was replaced, or is gone', { key: put.keys[0] });
  const upload = uploadsIn(put).find(({ key }) => key === found.key);
  if (upload === undefined) return;
  const drop = await deps.deliveries.drop(contentOf(found), timeOf(put));
  if (drop.kind === 'replaced') return log.info('A dropped file was put again since', { key: found.key });
  if (drop.put !== put.version) await deps.deliveries.join(put.event, drop.put);
  await receiveUpload(deps, { ...upload, version: drop.put, found });
}

/** Finds the generation that a drop became, whatever became of its object. */
async function findAccepted(
  deps: ReceiveObjectsDeps,
  put: Put,
  { sameAs }: Delivery,
): Promise<string | undefined> {
  for (const upload of uploadsIn(put)) {
    const id = uploadId(deps, { ...upload, version: sameAs ?? put.version });
    if ((await deps.generations.get(id)) !== undefined) return id;
  }
  return undefined;
}

async function giveUpDrop(deps: ReceiveObjectsDeps, put: Put, delivery: Delivery): Promise<void> {
  if ((await deps.deliveries.settle(put.event, 'rejected')) !== 'rejected') return;
  if ((await findAccepted(deps, put, delivery)) !== undefined) return;
  await rejectDrop(deps, put, delivery, unreachable());
}

async function rejectDrop(
  deps: ReceiveObjectsDeps,
  put: Put,
  { sameAs }: Delivery,
  error: GenerationError,
): Promise<void> {
  const [upload] = uploadsIn(put);
  if (upload) await rejectUpload(deps, { ...upload, version: sameAs ?? put.version }, RequestError.of(error));
}

const uploadsIn = ({ bucket, keys }: Put): readonly Omit<Upload, 'version' | 'found'>[] =>
  keys.flatMap((key) => {
    const read = readUploadKey(key, PREFIX.uploads);
    return read === undefined ? [] : [{ bucket, key, ...read }];
  });

// --- request files --------------------------------------------------------------------------------------------

/** Receives an object under `requests/`. Its requests become generations, or a rejection says why not. */
async function receiveRequestFile(deps: ReceiveObjectsDeps, put: Put, delivery: Delivery): Promise<void> {
  try {
    const found = await findCurrent(deps, put);
    if (found === undefined) return await leaveFile(deps, put, delivery);
    if (isTooLarge(found.sizeBytes)) return await rejectFile(deps, put, [tooLarge(found.sizeBytes)]);
    const bytes = await readBytes(deps, found);
    if (bytes === undefined) return await leaveFile(deps, put, delivery);
    await acceptBytes(deps, put, delivery, found, bytes);
  } catch (error) {
    if (!(error instanceof InputAccessError)) throw error;
    await leaveFile(deps, put, delivery, withoutField(error));
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
  if (!isUtf8(bytes)) return rejectFile(deps, put, [explainNoText(bytes)]);
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
    return rejectFile(
      deps,
      put,
      [{ code: error?.code ?? 'input_changed', message: NO_LONGER_READ, retryable: false }],
      { message: NO_LONGER_READ },
    );
  if (outcome !== 'accepted' && error !== undefined) await rejectFile(deps, put, [error]);
  // An earlier delivery may have been killed after it rejected the file.
  if (error === undefined && delivery.tries > 1) await removeIfReplaced(deps, put);
}

async function giveUpRequestFile(deps: ReceiveObjectsDeps, put: Put, delivery: Delivery): Promise<void> {
  // If the file is being accepted, some of its requests run. Then it is not rejected.
  if ((await deps.deliveries.settle(standsFor(put, delivery), 'rejected')) !== 'rejected') return;
  await rejectFile(deps, put, [unreachable()]);
}

const standsFor = ({ event, bucket, keys }: Put, { sameAs }: Delivery): string =>
  sameAs === undefined ? event : eventOf(bucket, keys[0] ?? '', sameAs);

/** Explains that a file is not text, for example an image that was put as a request file. */
function explainNoText(bytes: Buffer): GenerationError {
  const isUtf16 = bytes.subarray(0, 2).equals(UTF_16_LE) || bytes.subarray(0, 2).equals(UTF_16_BE);
  const type = isUtf16 ? undefined : decideContentType({ head: bytes.subarray(0, KIND_BYTES) });
  const sentence =
    type === undefined || isGeneric(type)
      ? `The file is not JSON in UTF-8${isUtf16 ? ' but text in UTF-16' : ''}: save it in that encoding.`
      : `The file is not JSON but of the type ${type}. Put files that a model is to work on elsewhere in the bucket, and name them in a request file: {"model": "owner/project", "inputs": {"inputImage": "photo.png"}}.`;
  return { code: 'invalid_request', message: sentence, retryable: false };
}

const UTF_16_LE = Buffer.from([0xff, 0xfe]);
const UTF_16_BE = Buffer.from([0xfe, 0xff]);

const NO_LONGER_READ =
  'This file could no longer be read while its requests were being accepted. The requests in its results file run and may be charged. The others were not accepted and cost nothing: put them again.';

const NOTHING_RAN = 'Nothing of this file was run or charged. Correct every error, and put the file again.';

async function rejectFile(
  deps: ReceiveObjectsDeps,
  put: Put,
  errors: readonly GenerationError[],
  {
    total = errors.length,
    message = NOTHING_RAN,
  }: { readonly total?: number; readonly message?: string } = {},
): Promise<void> {
  const ref = rejectionOf(deps, put);
  log.info('A request file was rejected', { key: ref.request, errors: total });
  const rejection = {
    request: `s3://${put.bucket}/${ref.request}`,
    putAt: timestamp(put.at),
    rejectedAt: deps.clock().toISOString(),
    message,
    errors,
    ...(total > errors.length && { errorsTotal: total }),
  };
  await deps.rejections
    .update(ref, (standing) => (isOfLaterPut(standing, put) ? standing : rejection))
    .catch(async (error: unknown) => {
      if (!(error instanceof UnreadableJsonError)) throw error;
      await deps.rejections.write(ref, rejection, { kind: 'always' });
    });
  if (message === NOTHING_RAN) await removeIfReplaced(deps, put);
}

/** The file may have been replaced and accepted before its rejection was written. Then that rejection is removed here. */
async function removeIfReplaced(deps: ReceiveObjectsDeps, put: Put): Promise<void> {
  if (await isReplaced(deps, put).catch(logIgnored('the rejection stands', { key: put.keys[0] })))
    await removeOlderRejection(deps, put);
}

/** Removes the rejection of this put or an earlier one, which is outdated. A later put has an answer of its own. */
async function removeOlderRejection(deps: ReceiveObjectsDeps, put: Put): Promise<void> {
  const ref = rejectionOf(deps, put);
  const standing = await deps.rejections.read(ref);
  if (standing === undefined || isOfLaterPut(standing.value, put)) return;
  if (await deps.rejections.remove(ref, standing.etag))
    log.info('The rejection of an earlier put was removed', { key: ref.request });
}

function isOfLaterPut(rejection: unknown, put: Put): boolean {
  const { putAt } = isRecord(rejection) ? rejection : {};
  return typeof putAt === 'string' && putAt > timestamp(put.at);
}

function rejectionOf({ inputBucket }: ReceiveObjectsDeps, { keys }: Put) {
  const request = keys.find((one) => one.startsWith(PREFIX.requests)) ?? '';
  return { bucket: inputBucket, key: `${PREFIX.rejected}${request.slice(PREFIX.requests.length)}`, request };
}

// --- objects --------------------------------------------------------------------------------------------------

function readPut(
  { s3, eventTime }: Pick<S3EventRecord, 's3'> & Partial<Pick<S3EventRecord, 'eventTime'>>,
  now: Date,
): Put {
  const { key, versionId, eTag, sequencer } = s3.object;
  const keys = spellings(key);
  const hasVersion = Boolean(versionId) && versionId !== 'null';
  const version = hasVersion && versionId ? versionId : JSON.stringify([eTag, sequencer]);
  const at = new Date(eventTime ?? Number.NaN);
  return {
    bucket: s3.bucket.name,
    keys,
    version,
    versionId: hasVersion ? versionId : undefined,
    etag: eTag,
    at: Number.isNaN(at.getTime()) ? now : at,
    event: eventOf(s3.bucket.name, keys[0] ?? key, version),
  };
}

const eventOf = (bucket: string, key: string, version: string) =>
  JSON.stringify(['object', bucket, key, version]);

/** Finds the object, if it is still the one that this put wrote. */
async function findCurrent(
  { inputs }: Pick<ReceiveObjectsDeps, 'inputs'>,
  put: Put,
): Promise<FoundObject | undefined> {
  for (const key of put.keys) {
    const found = await inputs.head({ bucket: put.bucket, key });
    if (found !== undefined && isFoundBy(put, found)) return found;
  }
  return undefined;
}

/** Whether another object has replaced it. */
async function isReplaced({ inputs }: Pick<ReceiveObjectsDeps, 'inputs'>, put: Put): Promise<boolean> {
  const found = await Promise.all(put.keys.map((key) => inputs.head({ bucket: put.bucket, key })));
  return (
    found.some((one) => one !== undefined) && !found.some((one) => one !== undefined && isFoundBy(put, one))
  );
}

function isFoundBy({ versionId, etag }: Put, found: FoundObject): boolean {
  if (versionId !== undefined && found.versionId !== undefined) return found.versionId === versionId;
  return etag === undefined || unquoted(found.etag) === unquoted(etag);
}

/** Identifies the bytes of a put. Prefers the checksum: an ETag also depends on the parts and the encryption. */
const contentOf = ({ bucket, key, sizeBytes, checksum, etag }: FoundObject): readonly unknown[] => [
  bucket,
  key,
  sizeBytes,
  checksum ?? etag,
];

const timeOf = ({ version, at }: Put) => ({ put: version, at });

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

function withoutField(error: InputAccessError): GenerationError {
  const { field: _, ...explained } = explainRefusal(error, 'This file');
  return explained;
}

const unquoted = (etag: string) => etag.replaceAll('"', '');

const spellings = (key: string): readonly string[] => [
  ...new Set([decodeKey(key), key].filter((one) => one !== undefined)),
];

function decodeKey(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
