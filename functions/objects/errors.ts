import type { S3ServiceException } from '@aws-sdk/client-s3';
import { deniedAction } from './s3-refusal.ts';
import type { ObjectRef } from './types.ts';

/** The object is no longer the one that was accepted, or is gone. */
export class InputChangedError extends Error {
  override readonly name = 'InputChangedError';
}

/** S3 refuses the object for good, for another reason than that it is missing: rights, a key, an archive, a bucket. */
export class InputAccessError extends Error {
  override readonly name = 'InputAccessError';
  readonly bucket: string;
  readonly key: string;
  /** S3's own: `AccessDenied`, `InvalidObjectState`, `NoSuchBucket`. */
  readonly code: string;
  readonly deniedAction: string | undefined;

  constructor({ bucket, key }: ObjectRef, refusal: S3ServiceException) {
    super(`Cannot read "${key}" in "${bucket}": ${refusal.name}: ${refusal.message}`, { cause: refusal });
    this.bucket = bucket;
    this.key = key;
    this.code = refusal.name;
    this.deniedAction = deniedAction(refusal);
  }
}
