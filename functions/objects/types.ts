import type { Readable } from 'node:stream';
import type { AdvertisedOutput } from '../generation/generation.ts';
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

export interface OutputToCopy extends ObjectRef {
  readonly url: string;
  /** What Wiro's record says, a hint only: the CDN's header and the file's first bytes decide. A difference is told. */
  readonly contentType?: string;
  /** What Wiro's record says; Content-Length is binding, a difference is told. */
  readonly sizeBytes?: number;
  /**
   * Decodes what comes encoded, though only identity is accepted; sums, size and type are then of the decoded bytes.
   * Without it, such an answer is one that may pass.
   */
  readonly decode?: boolean;
  /** What was copied of it before: the answer, where a strong ETag says that it is still the same. */
  readonly before?: CopiedOutput;
}

export interface CopiedOutput extends ObjectRef {
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Lower-case hex over all bytes in order. */
  readonly sha256: string;
  /** Where it came in parts, of which S3 keeps this sum alone; base64. */
  readonly crc32?: string;
  /** The host's, where it is a strong one. */
  readonly etag?: string;
  /** What Wiro's record says otherwise. */
  readonly differsFrom?: AdvertisedOutput;
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

export interface OutputCopier {
  /**
   * Copies one output from the CDN to S3, bounded in memory however large it is.
   * @throws {OutputUnavailableError} When trying again later may succeed (404, 5xx, cut off, stalled, an error page).
   * @throws {OutputRefusedError} When it never may be fetched (host not allowed, private address, too large, not https).
   */
  copy(output: OutputToCopy, signal?: AbortSignal): Promise<CopiedOutput>;
}
