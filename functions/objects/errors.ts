import type { S3ServiceException } from '@aws-sdk/client-s3';
import { deniedAction } from './s3-refusal.ts';
import type { ObjectRef } from './types.ts';

/** The object was replaced or deleted after its acceptance. */
export class InputChangedError extends Error {
  override readonly name = 'InputChangedError';
}

/** No link leads to the object: whoever follows one resolves the "." or ".." in the key, and asks for another object. */
export class UnlinkableKeyError extends Error {
  override readonly name = 'UnlinkableKeyError';
}

/** S3 permanently refuses to return the object: because of permissions, an encryption key, an archive or the bucket. */
export class InputAccessError extends Error {
  override readonly name = 'InputAccessError';
  readonly bucket: string;
  readonly key: string;
  /** S3's error code, for example `AccessDenied`, `InvalidObjectState` or `NoSuchBucket`. */
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

/** Changing an object failed. */
export class JsonObjectError extends Error {
  override readonly name: string = 'JsonObjectError';
}

/** The object is not JSON, or is too large to read. */
export class UnreadableJsonError extends JsonObjectError {
  override readonly name = 'UnreadableJsonError';
}
