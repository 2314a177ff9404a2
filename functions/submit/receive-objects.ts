import type { S3EventRecord } from 'aws-lambda';
import { PREFIX } from '../functions.ts';
import { readUploadKey } from '../generation/preset.ts';
import { ignore } from '../ignore.ts';
import { mapLimited } from '../limit.ts';
import { log } from '../log.ts';
import { InputChangedError } from '../objects/errors.ts';
import type { JsonObjects } from '../objects/json-object.ts';
import type { InputObject, InputStore } from '../objects/types.ts';
import {
  type AcceptFileDeps,
  acceptRequestFile,
  type FileRejection,
  isTooLarge,
  tooLarge,
} from './accept-request-file.ts';
import { type ReceiveUploadDeps, receiveUpload } from './receive-upload.ts';

export interface ReceiveObjectsDeps extends AcceptFileDeps, ReceiveUploadDeps {
  readonly inputs: InputStore;
  readonly rejections: Pick<JsonObjects, 'write'>;
  readonly inputBucket: string;
  readonly submit: (id: string) => Promise<void>;
}

const SUBMITS_AT_ONCE = 10;

/** Takes one new object of the input bucket: a request file, or a file dropped into a preset's folder. */
export async function receiveObject(
  deps: ReceiveObjectsDeps,
  record: Pick<S3EventRecord, 's3'>,
): Promise<void> {
  const { bucket, object } = record.s3;
  for (const key of spellings(object.key)) {
    const upload = readUploadKey(key, PREFIX.uploads);
    if (upload === undefined) continue;
    const found = await deps.inputs.head({ bucket: bucket.name, key });
    // Gone already, or a key that was not encoded: the other spelling is looked at.
    if (found === undefined) continue;
    return receiveUpload(deps, { bucket: bucket.name, key, version: versionOf(object), ...upload });
  }
  if (spellings(object.key).some((key) => key.startsWith(PREFIX.uploads))) return;
  return receiveRequestFile(deps, record);
}

/** Takes an object that was put under `requests/`: its requests become generations, or a rejection says why not. */
async function receiveRequestFile(
  deps: ReceiveObjectsDeps,
  { s3 }: Pick<S3EventRecord, 's3'>,
): Promise<void> {
  const found = await findObject(deps, s3);
  // Deleted or replaced meanwhile: nothing of it was accepted, and what replaced it has an event of its own.
  if (found === undefined) return log.warn('A request file is gone', { key: s3.object.key });
  const { bucket, key } = found;
  if (!key.startsWith(PREFIX.requests)) return;
  const name = key.slice(PREFIX.requests.length);
  const text = isTooLarge(found.sizeBytes) ? undefined : await readText(deps, found);
  if (text === undefined && !isTooLarge(found.sizeBytes))
    return log.warn('A request file was replaced', { key });
  const results = { bucket: deps.inputBucket, key: `${PREFIX.results}${name}` };
  const outcome =
    text === undefined
      ? ({ kind: 'rejected', errors: [tooLarge(found.sizeBytes)] } satisfies FileRejection)
      : await acceptRequestFile(deps, { bucket, key, version: versionOf(s3.object) }, text, results);
  if (outcome.kind === 'rejected') {
    log.info('A request file was rejected', { key, errors: outcome.errors.length });
    await deps.rejections.write(
      { bucket: deps.inputBucket, key: `${PREFIX.rejected}${name}` },
      { request: `s3://${bucket}/${key}`, rejectedAt: deps.clock().toISOString(), errors: outcome.errors },
      { kind: 'always' },
    );
    return;
  }
  log.info('A request file was accepted', { key, generations: outcome.ids.length });
  await mapLimited(outcome.ids, SUBMITS_AT_ONCE, (id) =>
    deps.submit(id).catch(ignore('reconcile submits what is due', { generationId: id })),
  );
}

/** Keys come URL-encoded, with `+` for a space; some emulators send them as they are. */
async function findObject(
  { inputs }: Pick<ReceiveObjectsDeps, 'inputs'>,
  { bucket, object }: S3EventRecord['s3'],
): Promise<InputObject | undefined> {
  for (const key of spellings(object.key)) {
    const found = await inputs.head({ bucket: bucket.name, key });
    if (found !== undefined && (object.eTag === undefined || unquoted(found.etag) === unquoted(object.eTag)))
      return found;
  }
  return undefined;
}

async function readText(
  { inputs }: Pick<ReceiveObjectsDeps, 'inputs'>,
  object: InputObject,
): Promise<string | undefined> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of await inputs.open(object)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    if (error instanceof InputChangedError) return undefined;
    throw error;
  }
}

const versionOf = ({ versionId, eTag, sequencer }: S3EventRecord['s3']['object']): string =>
  versionId || JSON.stringify([eTag, sequencer]);

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
