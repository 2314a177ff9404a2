/**
 * Why a call to Wiro failed.
 * - `unreachable`: nothing was sent.
 * - `timeout`: the call exceeded a time limit.
 * - `cutOff`: the connection broke.
 * - `badAnswer`: the answer is not what the API documents.
 * - `tooLarge`: the answer exceeds the size limit.
 * - `status`: an unexpected HTTP status.
 * - `busy`: HTTP 429.
 * - `unauthorized`: HTTP 401, or code 98 or 99.
 * - `notFound`: code 1.
 * - `concurrencyLimit`: code 96.
 * - `insufficientBalance`: code 97.
 * - `invalid`: a known validation text.
 * - `wrongSize`: the file to send has more or fewer bytes than declared.
 * - `refused`: any other code.
 */
export type WiroErrorKind =
  | 'unreachable'
  | 'timeout'
  | 'cutOff'
  | 'badAnswer'
  | 'tooLarge'
  | 'status'
  | 'busy'
  | 'unauthorized'
  | 'notFound'
  | 'concurrencyLimit'
  | 'insufficientBalance'
  | 'invalid'
  | 'wrongSize'
  | 'refused';

/** A failed call to Wiro. Its message contains no key, secret, signature, token or URL query. */
export class WiroError extends Error {
  override readonly name = 'WiroError';
  readonly kind: WiroErrorKind;
  /** The cause alone, for a sentence that already says what was attempted. */
  readonly why: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** The HTTP status, unless it is 200. */
  readonly status: number | undefined;
  /** Wiro's error code, if the answer has one. */
  readonly code: number | undefined;
  /** The parameter that a validation text names. */
  readonly field: string | undefined;
  /** How long Wiro asks to wait before the next call. */
  readonly retryAfterMs: number | undefined;
  /** Whether Wiro's API rejects the content sent, and not the credentials, the balance or the current load. */
  readonly isRefusal: boolean;

  constructor(kind: WiroErrorKind, message: string, details: WiroErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.kind = kind;
    this.why = details.why ?? message;
    this.status = details.status;
    this.code = details.code;
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
    this.isRefusal = details.isRefusal ?? false;
    this.retryable = details.retryable ?? RETRYABLE[kind];
  }
}

export interface WiroErrorDetails {
  readonly status?: number;
  readonly code?: number;
  readonly field?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
  /** @default - the message */
  readonly why?: string;
  /** @default false */
  readonly isRefusal?: boolean;
  /** @default - depends on the kind */
  readonly retryable?: boolean;
}

const RETRYABLE: Readonly<Record<WiroErrorKind, boolean>> = {
  unreachable: true,
  timeout: true,
  cutOff: true,
  badAnswer: true,
  tooLarge: false,
  status: false,
  busy: true,
  unauthorized: false,
  notFound: false,
  concurrencyLimit: true,
  insufficientBalance: false,
  invalid: false,
  wrongSize: false,
  refused: false,
};
