/** The ways in which a request or a generation can fail. A code is a contract: it never changes its meaning. */
export type ErrorCode =
  // The request was not accepted, or not run.
  | 'invalid_request'
  | 'invalid_parameter'
  | 'request_too_large'
  | 'model_not_found'
  // A realtime or training model, if the deployment does not allow them.
  | 'model_not_supported'
  // Not among the models that the deployment runs.
  | 'model_not_allowed'
  // It certainly costs more than the request's maxCostUsd.
  | 'price_too_high'
  | 'input_not_found'
  | 'input_not_allowed'
  | 'input_empty'
  | 'input_too_large'
  | 'input_changed'
  // In an archive (GLACIER, DEEP_ARCHIVE …). It must be restored before it can be read.
  | 'input_archived'
  // S3 refuses access for good: a right or an encryption key is missing.
  | 'input_unreadable'
  // A kind of file that Wiro does not take.
  | 'input_unsupported'
  | 'idempotency_conflict'
  | 'daily_limit_reached'
  | 'not_retryable'
  | 'not_found'
  | 'method_not_allowed'
  // The deployment lacks its secrets.
  | 'not_configured'
  // Wiro did not run it.
  | 'insufficient_balance'
  | 'upstream_unauthorized'
  | 'upstream_refused'
  | 'upstream_unavailable'
  | 'submission_unknown'
  // It waited in line longer than the deployment allows.
  | 'waited_too_long'
  // The functions that worked on it were killed, again and again.
  | 'function_killed'
  // The task did not succeed, or its end is unknown.
  | 'model_failed'
  | 'task_not_found'
  // Wiro's record of the task is too large to read.
  | 'task_unreadable'
  | 'deadline_exceeded'
  | 'cancelled'
  | 'cancel_unconfirmed'
  | 'output_unavailable'
  | 'output_refused'
  // The deployment copies as many outputs at once as it may. Only a setback: no generation ends with it.
  | 'output_in_line'
  | 'internal_error';

/** An error as users see it, in answers, records, events and result files. */
export interface GenerationError {
  readonly code: ErrorCode;
  /** What happened and what to do, for a person. */
  readonly message: string;
  /** The path of the part of the request that it concerns, such as `inputs.inputImage[1]`. */
  readonly field?: string;
  /**
   * Whether the same request can succeed later: by itself, or once the cause that the message names outside the request is
   * fixed. A retry that would run a request without that chance is refused.
   */
  readonly retryable: boolean;
}

/** A request that cannot be accepted. Nothing is stored, run or charged. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** The first problem. */
  readonly error: GenerationError;
  /** All problems that were found. */
  readonly problems: readonly GenerationError[];

  constructor(code: ErrorCode, message: string, field?: string, retryable = false) {
    super(message);
    this.error = {
      code,
      message: short(message, 2_000),
      ...(field !== undefined && { field: short(field, LONGEST_FIELD) }),
      retryable,
    };
    this.problems = [this.error];
  }

  static of({ code, message, field, retryable }: GenerationError): RequestError {
    return new RequestError(code, message, field, retryable);
  }

  /** Makes one error of several problems. */
  static ofAll(problems: readonly [GenerationError, ...GenerationError[]]): RequestError {
    return Object.assign(RequestError.of(problems[0]), { problems });
  }
}

/** One of the problems of a refused request. */
export type Problem = Pick<GenerationError, 'code' | 'message' | 'field'>;

/** A refusal in an answer, event or result file: the first problem, and all of them. */
export interface Refusal extends GenerationError {
  readonly problems: readonly Problem[];
}

/** EventBridge takes 256 KB per event. Messages may quote the request. */
const MOST_PROBLEM_BYTES = 100 * 1024;

/** Adds all problems to the first one, as a refusal is reported. */
export const withProblems = (error: GenerationError, problems: readonly GenerationError[]): Refusal => ({
  ...error,
  problems: listProblems(problems),
});

/** Lists as many problems as fit into an event. */
export function listProblems(problems: readonly GenerationError[]): readonly Problem[] {
  let bytes = 0;
  const listed: Problem[] = [];
  for (const { code, message, field } of problems) {
    const problem = { code, message, ...(field !== undefined && { field }) };
    bytes += Buffer.byteLength(JSON.stringify(problem));
    if (bytes > MOST_PROBLEM_BYTES && listed.length > 0) break;
    listed.push(problem);
  }
  return listed;
}

const LONGEST_FIELD = 500;

/** Extends a field's path up to the length that an error keeps. A name may have a megabyte, and 100,000 values. */
export const extendField = (field: string, more: string): string =>
  field.length > LONGEST_FIELD ? field : `${field}${more.slice(0, LONGEST_FIELD + 1)}`;

/**
 * Adds to a refusal that it costs nothing, unless its message says so.
 * @param asked - The request that was refused. Before a retry, the generation may have run and been charged.
 */
export function addNoCharge(error: GenerationError, asked: 'request' | 'retry' = 'request'): GenerationError {
  if (SAYS_ITSELF[asked].test(error.message)) return error;
  return { ...error, message: `${error.message} ${COSTS_NOTHING[asked]}` };
}

const COSTS_NOTHING = {
  request: 'Nothing was run or charged.',
  retry: 'This retry started nothing and costs nothing.',
};
const SAYS_ITSELF = {
  request: /nothing (?:of it )?(?:was|is|runs?)\b|started nothing/i,
  // The message may quote the generation's own end, which says nothing about the retry.
  retry: /this retry started nothing/i,
};

/** Shortens and cleans a text, so that it fits every answer, record and event. A request may name a megabyte of anything. */
const short = (text: string, most: number): string =>
  (text.length > most ? `${text.slice(0, most)}…` : text).toWellFormed();
