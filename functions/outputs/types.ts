import type { AdvertisedOutput } from '../generation/generation.ts';
import type { ObjectRef } from '../objects/types.ts';

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

export interface OutputCopier {
  /**
   * Copies one output from the CDN to S3, bounded in memory however large it is.
   * @throws {OutputUnavailableError} When trying again later may succeed (404, 5xx, cut off, stalled, an error page).
   * @throws {OutputRefusedError} When it never may be fetched (host not allowed, private address, too large, not https).
   */
  copy(output: OutputToCopy, signal?: AbortSignal): Promise<CopiedOutput>;
}
