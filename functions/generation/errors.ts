/** What can go wrong with a request or a generation. A code is a contract: it never changes its meaning. */
export type ErrorCode =
  // The request was not accepted, or not run.
  | 'invalid_request'
  | 'invalid_parameter'
  | 'request_too_large'
  | 'model_not_found'
  // A realtime or training model, where the deployment does not allow them.
  | 'model_not_supported'
  // Not among the models that the deployment runs.
  | 'model_not_allowed'
  // It is known to cost more than the request's maxCostUsd.
  | 'price_too_high'
  | 'input_not_found'
  | 'input_not_allowed'
  | 'input_empty'
  | 'input_too_large'
  | 'input_changed'
  // In an archive (GLACIER, DEEP_ARCHIVE …): it must be restored before anyone can read it.
  | 'input_archived'
  // S3 refuses to give it to this deployment, for good: rights or an encryption key.
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
  // Wiro did not take it.
  | 'insufficient_balance'
  | 'upstream_unauthorized'
  | 'upstream_refused'
  | 'upstream_unavailable'
  | 'submission_unknown'
  // It waited in line for longer than the deployment allows.
  | 'waited_too_long'
  // The function that worked on it was killed, again and again.
  | 'function_killed'
  // The task ended badly.
  | 'model_failed'
  | 'task_not_found'
  // Wiro's account of the task is too large to be read.
  | 'task_unreadable'
  | 'deadline_exceeded'
  | 'cancelled'
  | 'cancel_unconfirmed'
  | 'output_unavailable'
  | 'output_refused'
  // As many outputs are copied as the deployment copies at once. A setback alone: nothing ends with it.
  | 'output_in_line'
  | 'internal_error';

/** An error as users meet it, in answers, records, events and result files. */
export interface GenerationError {
  readonly code: ErrorCode;
  /** A sentence for a person, with the remedy. */
  readonly message: string;
  /** What it concerns, as a path into the request: `inputs.inputImage[1]`. */
  readonly field?: string;
  /**
   * Whether the same can succeed later, as it is: by itself, or once what the message names outside the request has been
   * mended. A retry that would run what cannot is refused.
   */
  readonly retryable: boolean;
}

/** A request that cannot be accepted; nothing was stored, run or charged. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** The first of its problems. */
  readonly error: GenerationError;
  /** Everything that is wrong with it, as far as it was looked for. */
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

  /** With all of them, where there are several. */
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

/** Extends a field's path as far as an error keeps it: a name may be a megabyte, and have a hundred thousand values. */
export const extendField = (field: string, more: string): string =>
  field.length > LONGEST_FIELD ? field : `${field}${more.slice(0, LONGEST_FIELD + 1)}`;

/**
 * A refusal as those who asked are told it: that it costs nothing is said, too.
 * @param asked - What of: a generation that is to be retried may have run before, and been charged.
 */
export function toldAsRefusal(
  error: GenerationError,
  asked: 'request' | 'retry' = 'request',
): GenerationError {
  if (SAYS_ITSELF[asked].test(error.message)) return error;
  return { ...error, message: `${error.message} ${COSTS_NOTHING[asked]}` };
}

const COSTS_NOTHING = {
  request: 'Nothing was run or charged.',
  retry: 'This retry started nothing and costs nothing.',
};
const SAYS_ITSELF = {
  request: /nothing (?:of it )?(?:was|is|runs?)\b|started nothing/i,
  // What it quotes of the generation's own end says nothing of the retry.
  retry: /this retry started nothing/i,
};

/** What a request names may be a megabyte, or no text that can be written: an answer has to fit wherever it is told. */
const short = (text: string, most: number): string =>
  (text.length > most ? `${text.slice(0, most)}…` : text).toWellFormed();
