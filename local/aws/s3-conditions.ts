import type { StoredObject, WriteCondition } from './s3-bucket.ts';
import { S3Error } from './s3-errors.ts';

type Header = (name: string) => string | undefined;

/** Checks the `If-…` headers of a GET or HEAD. @throws {S3Error} `PreconditionFailed` or `NotModified`. */
export function checkReadConditions(header: Header, object: StoredObject): void {
  const ifMatch = header('if-match');
  const ifNoneMatch = header('if-none-match');
  // An ETag takes precedence over a date: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
  if (
    ifMatch === undefined ? isModifiedSince(object, header('if-unmodified-since')) : !names(ifMatch, object)
  )
    throw new S3Error('PreconditionFailed');
  const since = header('if-modified-since');
  if (
    ifNoneMatch === undefined
      ? since !== undefined && isModifiedSince(object, since) === false
      : names(ifNoneMatch, object)
  )
    throw new S3Error('NotModified');
}

/** Checks the `x-amz-copy-source-if-…` headers. @throws {S3Error} `PreconditionFailed`. */
export function checkCopyConditions(header: Header, source: StoredObject): void {
  try {
    checkReadConditions((name) => header(`x-amz-copy-source-${name}`), source);
  } catch (error) {
    if (error instanceof S3Error) throw new S3Error('PreconditionFailed');
    throw error;
  }
}

/**
 * Reads `If-Match` and `If-None-Match: *` of a PUT, COPY or CompleteMultipartUpload. The loser of a race gets
 * `PreconditionFailed`, where S3 may also answer `ConditionalRequestConflict` (409).
 */
export function readWriteCondition(header: Header): WriteCondition {
  const ifMatch = header('if-match');
  const ifNoneMatch = header('if-none-match');
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*')
    throw new S3Error('NotImplemented', 'A write only supports the If-None-Match value "*".');
  return (existing) => {
    if (ifNoneMatch === '*' && existing !== undefined) throw new S3Error('PreconditionFailed');
    if (ifMatch !== undefined) matchCondition(ifMatch)(existing);
  };
}

/** Requires an object with one of the ETags, which `If-Match` and DeleteObjects name. */
export function matchCondition(etags: string): WriteCondition {
  return (existing) => {
    if (existing === undefined) throw new S3Error('NoSuchKey');
    if (!names(etags, existing)) throw new S3Error('PreconditionFailed');
  };
}

/** Removes the quotes, which clients may omit. */
export const bareEtag = (etag: string): string => etag.trim().replace(/^"(.*)"$/, '$1');

const names = (condition: string, { etag }: StoredObject): boolean =>
  condition.split(',').some((one) => one.trim() === '*' || bareEtag(one) === etag);

/** @returns `undefined` for an invalid date, which makes S3 ignore the condition. */
function isModifiedSince({ lastModified }: StoredObject, date: string | undefined): boolean | undefined {
  const since = Date.parse(date ?? '');
  if (Number.isNaN(since)) return undefined;
  // HTTP dates count whole seconds.
  return Math.floor(Date.parse(lastModified) / 1000) > Math.floor(since / 1000);
}
