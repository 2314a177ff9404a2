import type { Readable } from 'node:stream';
import type { Timestamp } from '../generation/time.ts';

/** The address of an object in S3. */
export interface ObjectRef {
  readonly bucket: string;
  readonly key: string;
}

/** An input in S3 as it was at acceptance. */
export interface InputObject extends ObjectRef {
  readonly etag: string;
  readonly sizeBytes: number;
  readonly contentType?: string;
  /** Present if the bucket keeps versions. This version is read, even if the object was replaced since. */
  readonly versionId?: string;
  /** The checksum over all bytes, prefixed with its algorithm. Absent if S3 has none. */
  readonly checksum?: string;
}

/** An object as a HEAD describes it. */
export interface FoundObject extends InputObject {
  /** The object must be restored before it can be read. */
  readonly isArchived?: true;
  readonly lastModified?: Timestamp;
}

export interface InputStore {
  /**
   * @returns `undefined` if no such object exists. S3 answers 404, or 403 without permission to list.
   * @throws {InputAccessError} If S3 refuses permanently.
   */
  head(ref: ObjectRef): Promise<FoundObject | undefined>;
  /**
   * Whether this function may read the accepted version, which needs a separate permission.
   * @throws {InputChangedError} If the version was deleted.
   */
  isVersionReadable(version: ObjectRef & { readonly versionId: string }): Promise<boolean>;
  /**
   * @throws {InputChangedError} If the object was replaced or deleted after its acceptance.
   * @throws {InputAccessError} If S3 refuses permanently.
   */
  open(input: InputObject): Promise<Readable>;
}
