/**
 * Why a call of Wiro has no answer that means something: `unreachable` nothing was sent, `cutOff` the connection
 * broke, `badAnswer` not what the API describes, `tooLarge` the answer, `status` an unexpected HTTP status,
 * `busy` 429, `unauthorized` 401 or codes 98 and 99, `notFound` code 1, `invalid` a known validation text,
 * `wrongSize` the file to send had more or fewer bytes than it was said to have, `refused` any other code.
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

/** A call of Wiro that failed. Its message holds no key, secret, signature, token or query of a URL. */
export class WiroError extends Error {
  override readonly name = 'WiroError';
  readonly kind: WiroErrorKind;
  /** What is known, without what was attempted: for sentences that say that themselves. */
  readonly why: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** The HTTP status, where it is not 200. */
  readonly status: number | undefined;
  /** Wiro's code, where the answer had one. */
  readonly code: number | undefined;
  /** The parameter that a validation text names. */
  readonly field: string | undefined;
  /** Whether Wiro itself, in an answer of its API, refuses what was sent: not the caller, its balance or the moment. */
  readonly isRefusal: boolean;

  constructor(kind: WiroErrorKind, message: string, details: WiroErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.kind = kind;
    this.why = details.why ?? message;
    this.status = details.status;
    this.code = details.code;
    this.field = details.field;
    this.isRefusal = details.isRefusal ?? false;
    this.retryable = details.retryable ?? RETRYABLE[kind];
  }
}

export interface WiroErrorDetails {
  readonly status?: number;
  readonly code?: number;
  readonly field?: string;
  readonly cause?: unknown;
  /** @default - the message */
  readonly why?: string;
  /** @default false */
  readonly isRefusal?: boolean;
  /** @default - as the kind usually is */
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
