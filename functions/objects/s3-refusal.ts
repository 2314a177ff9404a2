import { S3ServiceException } from '@aws-sdk/client-s3';

/** Credentials that just expired, clocks, load, conflicts: the same request may succeed a moment later. */
const PASSING =
  /Expired|InvalidToken|TokenRefresh|InvalidAccessKeyId|SignatureDoesNotMatch|TimeTooSkewed|Timeout|SlowDown|Throttl|TooMany|RequestLimit|OperationAborted|RequestConflict|Unavailable|Internal/;

/** Whether S3 answers the same however often it is asked: somebody must mend rights, a key, a bucket or the request. */
export function isRefusedForGood(error: unknown): error is S3ServiceException {
  const status = statusOf(error);
  if (!(error instanceof S3ServiceException) || status === undefined) return false;
  return status >= 300 && status < 500 && ![408, 409, 429].includes(status) && !PASSING.test(error.name);
}

/**
 * Who may not list learns by 403 that an object is missing. S3's message then names `s3:ListBucket`, the
 * right that was lacking to say 404; where it names another action, that one is what is really denied.
 */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof S3ServiceException)) return false;
  // 405: what stands under the version that was asked for is a delete marker.
  if (statusOf(error) === 404 || statusOf(error) === 405) return error.name !== 'NoSuchBucket';
  if (error.name !== 'AccessDenied') return false;
  const action = deniedAction(error);
  return action === undefined || action === 's3:ListBucket';
}

/** The action that S3's message says is not allowed: `kms:Decrypt`. */
export const deniedAction = ({ message }: S3ServiceException): string | undefined =>
  /\b(?:s3|kms):\w+/.exec(message)?.[0];

export const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
