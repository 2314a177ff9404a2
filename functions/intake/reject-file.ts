import { createHash } from 'node:crypto';
import type { GenerationError } from '../generation/errors.ts';
import { timestamp } from '../generation/time.ts';
import { UnreadableJsonError } from '../objects/errors.ts';
import { PREFIX } from '../objects/prefix.ts';
import type { ObjectRef } from '../objects/types.ts';
import { cutToBytes } from '../runtime/cut-to-bytes.ts';
import { isRecord } from '../runtime/json.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { isReplaced, type Put } from './put.ts';
import type { ReceiveObjectsDeps } from './receive-deps.ts';

const NOTHING_RAN = 'Nothing of this file was run or charged. Correct every error, and put the file again.';

export async function rejectFile(
  deps: ReceiveObjectsDeps,
  put: Put,
  errors: readonly GenerationError[],
  {
    total = errors.length,
    message = NOTHING_RAN,
  }: { readonly total?: number; readonly message?: string } = {},
): Promise<void> {
  log.info('A request file was rejected', { key: put.keys[0], errors: total });
  const rejection = {
    request: addressOf(put),
    putAt: timestamp(put.at),
    rejectedAt: deps.clock().toISOString(),
    message,
    errors,
    ...(total > errors.length && { errorsTotal: total }),
  };
  const [usual, beside] = placesOf(deps, put);
  if (await writeTo(deps, put, usual, rejection))
    await removeFrom(deps, put, beside).catch(logIgnored('it names the put that it belongs to'));
  else await writeTo(deps, put, beside, rejection);
  if (message === NOTHING_RAN) await removeIfReplaced(deps, put);
}

/** @returns Whether the place is this file's. A rejection of a later put of it stays. */
async function writeTo(
  { rejections }: ReceiveObjectsDeps,
  put: Put,
  place: ObjectRef,
  rejection: object,
): Promise<boolean> {
  let isTaken = false;
  await rejections
    .update(place, (standing) => {
      isTaken = isOfOther(standing, put);
      return isTaken || isOfLaterPut(standing, put) ? standing : rejection;
    })
    .catch(async (error: unknown) => {
      if (!(error instanceof UnreadableJsonError)) throw error;
      await rejections.write(place, rejection, { kind: 'always' });
    });
  return !isTaken;
}

/** The file may have been replaced and accepted before its rejection was written. Then that rejection is removed here. */
export async function removeIfReplaced(deps: ReceiveObjectsDeps, put: Put): Promise<void> {
  if (await isReplaced(deps, put).catch(logIgnored('the rejection stands', { key: put.keys[0] })))
    await removeOlderRejection(deps, put);
}

/** Removes the rejection of this put or an earlier one, which is outdated. A later put has an answer of its own. */
export async function removeOlderRejection(deps: ReceiveObjectsDeps, put: Put): Promise<void> {
  await Promise.all(placesOf(deps, put).map((place) => removeFrom(deps, put, place)));
}

async function removeFrom({ rejections }: ReceiveObjectsDeps, put: Put, place: ObjectRef): Promise<void> {
  const standing = await rejections.read(place);
  if (standing === undefined || isOfLaterPut(standing.value, put) || isOfOther(standing.value, put)) return;
  if (await rejections.remove(place, standing.etag))
    log.info('The rejection of an earlier put was removed', { key: put.keys[0] });
}

function isOfLaterPut(rejection: unknown, put: Put): boolean {
  const { putAt } = isRecord(rejection) ? rejection : {};
  return typeof putAt === 'string' && putAt > timestamp(put.at);
}

function isOfOther(rejection: unknown, put: Put): boolean {
  const { request } = isRecord(rejection) ? rejection : {};
  return typeof request === 'string' && request !== addressOf(put);
}

const addressOf = ({ bucket, keys: [key = ''] }: Put): string => `s3://${bucket}/${key}`;

/** S3 allows keys of 1,024 bytes. This leaves room for `rejected/` and `.json`. */
const MOST_NAME_BYTES = 1_010;

/**
 * Where the rejection of a file may be. "a" and "a.json" have the same usual place. The one that finds the other's there
 * is rejected beside it.
 */
function placesOf(
  { inputBucket }: ReceiveObjectsDeps,
  { keys: [key = ''] }: Put,
): readonly [usual: ObjectRef, beside: ObjectRef] {
  const name = (key.startsWith(PREFIX.requests) ? key.slice(PREFIX.requests.length) : key).replace(
    /\.json$/,
    '',
  );
  const mark = `~${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
  const place = (stem: string) => ({ bucket: inputBucket, key: `${PREFIX.rejected}${stem}.json` });
  return [
    place(cutToBytes(name, MOST_NAME_BYTES)),
    place(`${cutToBytes(name, MOST_NAME_BYTES - mark.length)}${mark}`),
  ];
}
