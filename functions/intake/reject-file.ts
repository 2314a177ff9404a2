import type { GenerationError } from '../generation/errors.ts';
import { timestamp } from '../generation/time.ts';
import { UnreadableJsonError } from '../objects/errors.ts';
import { PREFIX } from '../objects/prefix.ts';
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
  const ref = rejectionOf(deps, put);
  log.info('A request file was rejected', { key: ref.request, errors: total });
  const rejection = {
    request: addressOf(put),
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
export async function removeIfReplaced(deps: ReceiveObjectsDeps, put: Put): Promise<void> {
  if (await isReplaced(deps, put).catch(logIgnored('the rejection stands', { key: put.keys[0] })))
    await removeOlderRejection(deps, put);
}

/** Removes the rejection of this put or an earlier one, which is outdated. A later put has an answer of its own. */
export async function removeOlderRejection(deps: ReceiveObjectsDeps, put: Put): Promise<void> {
  const ref = rejectionOf(deps, put);
  const standing = await deps.rejections.read(ref);
  if (standing === undefined || isOfLaterPut(standing.value, put) || isOfOther(standing.value, put)) return;
  if (await deps.rejections.remove(ref, standing.etag))
    log.info('The rejection of an earlier put was removed', { key: ref.request });
}

function isOfLaterPut(rejection: unknown, put: Put): boolean {
  const { putAt } = isRecord(rejection) ? rejection : {};
  return typeof putAt === 'string' && putAt > timestamp(put.at);
}

/** "a" and "a.json" are rejected under one name. If only one of them is mended, the other is still wrong. */
function isOfOther(rejection: unknown, put: Put): boolean {
  const { request } = isRecord(rejection) ? rejection : {};
  return typeof request === 'string' && request !== addressOf(put);
}

const addressOf = ({ bucket, keys: [key = ''] }: Put): string => `s3://${bucket}/${key}`;

function rejectionOf({ inputBucket }: ReceiveObjectsDeps, { keys: [key = ''] }: Put) {
  const name = key.startsWith(PREFIX.requests) ? key.slice(PREFIX.requests.length) : key;
  const answer = `${cutToBytes(name.replace(/\.json$/, ''), MOST_NAME_BYTES)}.json`;
  return { bucket: inputBucket, key: `${PREFIX.rejected}${answer}`, request: key };
}

/** S3 allows keys of 1,024 bytes. This leaves room for `rejected/` and `.json`. */
const MOST_NAME_BYTES = 1_010;
