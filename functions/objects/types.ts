import type { Readable } from 'node:stream';
import type { Timestamp } from '../generation/time.ts';

/** A byte-for-byte place in S3. */
export interface ObjectRef {
  readonly bucket: string;
  readonly key: string;
}

/** An input as it lay in S3 when it was accepted. */
export interface InputObject extends ObjectRef {
  readonly etag: string;
  readonly sizeBytes: number;
  readonly contentType?: string;
  /** Where its bucket keeps versions: this one is read, whatever replaced it since. */
  readonly versionId?: string;
  /** Over the whole of its bytes, with the name of its algorithm in front; S3 has none of some objects. */
  readonly checksum?: string;
}

/** What a HEAD says of an object. */
export interface FoundObject extends InputObject {
  /** Nobody can read it before it is restored. */
  readonly isArchived?: true;
  readonly lastModified?: Timestamp;
}

export interface InputStore {
  /**
   * @returns `undefined` when there is no such object (S3 says so by 404, or by 403 to who may not list).
   * @throws {InputAccessError} When S3 refuses it for good.
   */
  head(ref: ObjectRef): Promise<FoundObject | undefined>;
  /**
   * @throws {InputChangedError} When the object is no longer the one with that ETag, or is gone.
   * @throws {InputAccessError} When S3 refuses it for good.
   */
  open(input: InputObject): Promise<Readable>;
}
