import type { AdvertisedOutput } from '../generation/generation.ts';
import type { ObjectRef } from '../objects/types.ts';

export interface OutputToCopy extends ObjectRef {
  readonly url: string;
  /** The type in Wiro's record. Only a hint: the CDN's header and the first bytes decide. A difference is reported. */
  readonly contentType?: string;
  /** The size in Wiro's record. Content-Length is binding. A difference is reported. */
  readonly sizeBytes?: number;
  /**
   * Decodes an encoded answer, although the request asks for identity. Checksums, size and type are then of the decoded
   * bytes. Without it, an encoded answer counts as unavailable for now.
   */
  readonly decode?: boolean;
  /** Kept with the object in S3. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** An earlier copy. It is returned as it is if a strong ETag shows that the output has not changed. */
  readonly before?: CopiedOutput;
}

export interface CopiedOutput extends ObjectRef {
  readonly contentType: string;
  readonly sizeBytes: number;
  /** SHA-256 of all bytes, in lower-case hex. */
  readonly sha256: string;
  /** CRC-32 in Base64, if the output was copied in parts. S3 keeps no other checksum of such an object. */
  readonly crc32?: string;
  /** The host's ETag, if it is a strong one. */
  readonly etag?: string;
  /** What Wiro's record says, if the output differs. */
  readonly differsFrom?: AdvertisedOutput;
}

export interface OutputCopier {
  /**
   * Copies one output from the CDN to S3, in bounded memory however large it is.
   * @throws {OutputUnavailableError} If a later try may succeed (404, 5xx, cut off, stalled, an error page).
   * @throws {OutputRefusedError} If it must not be fetched (host not allowed, private address, too large, not https).
   */
  copy(output: OutputToCopy, signal?: AbortSignal): Promise<CopiedOutput>;
}
