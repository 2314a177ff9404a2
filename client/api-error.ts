import type { GenerationError } from './api-types.ts';

/** The API refused a request, or a generation did not succeed. */
export class WiroServerlessError extends Error {
  override readonly name = 'WiroServerlessError';
  /** The error's code, or `http_<status>` for an answer that is not this API's, such as a proxy's. */
  readonly code: GenerationError['code'] | `http_${number}`;
  /** The HTTP status. Absent when a generation failed, which is a regular answer. */
  readonly status: number | undefined;
  /** What the error concerns, as a path into the request. */
  readonly field: string | undefined;
  /** Whether the same request can succeed later. */
  readonly retryable: boolean;
  /** Every problem of the request, in its order. */
  readonly problems: readonly Problem[];

  constructor(
    error: ErrorFields,
    { status, cause }: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(error.message, { cause });
    this.code = error.code;
    this.status = status;
    this.field = error.field;
    this.retryable = error.retryable;
    this.problems = error.problems ?? [{ code: error.code, message: error.message, field: error.field }];
  }
}

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly field?: string | undefined;
}

interface ErrorFields {
  readonly code: WiroServerlessError['code'];
  readonly message: string;
  readonly field?: string;
  readonly retryable: boolean;
  readonly problems?: readonly Problem[];
}

/** The API did not answer, although the request was repeated where that is safe. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}
