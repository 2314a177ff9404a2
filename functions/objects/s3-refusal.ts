import type { S3ServiceException } from '@aws-sdk/client-s3';

/** Expired credentials, clock skew, load and conflicts: the same request may succeed soon. */
const TRANSIENT =
  /Expired|InvalidToken|TokenRefresh|InvalidAccessKeyId|SignatureDoesNotMatch|TimeTooSkewed|Timeout|SlowDown|Throttl|TooMany|RequestLimit|OperationAborted|RequestConflict|Unavailable|Internal/;

/** Whether a retry cannot help, until a person fixes permissions, an encryption key, a bucket or the request. */
export function isPermanentlyRefused(error: unknown): error is S3ServiceException {
  const status = statusOf(error);
  if (!isRefusal(error) || status === undefined) return false;
  return status >= 300 && status < 500 && ![408, 409, 429].includes(status) && !TRANSIENT.test(error.name);
}

/**
 * Whether the object does not exist. Without permission to list, S3 answers 403 instead of 404, and its message names
 * `s3:ListBucket`. A message that names another action means a real denial.
 */
export function isMissing(error: unknown): boolean {
  if (!isRefusal(error)) return false;
  // 405: the requested version is a delete marker.
  if (statusOf(error) === 404 || statusOf(error) === 405) return error.name !== 'NoSuchBucket';
  if (error.name !== 'AccessDenied') return false;
  const action = deniedAction(error);
  return action === undefined || action === 's3:ListBucket';
}

/** Returns the denied action from S3's message, for example `kms:Decrypt`. */
export const deniedAction = ({ message }: S3ServiceException): string | undefined =>
  /\b(?:s3|kms):\w+/.exec(message)?.[0];

export const statusOf = (error: unknown): number | undefined =>
  isRefusal(error) ? error.$metadata.httpStatusCode : undefined;

/** Not by its class, which would load the SDK at the start of every function. */
const isRefusal = (error: unknown): error is S3ServiceException =>
  error instanceof Error && '$fault' in error && '$metadata' in error;
