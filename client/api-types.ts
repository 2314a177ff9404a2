// `npm run generate` writes this file from docs/openapi.yaml: change that file instead.

/**
 * `s3://bucket/key`, a key in the input bucket, or an `https://` URL
 */
export type Source = string;
export type ErrorCode =
  | 'invalid_request'
  | 'invalid_parameter'
  | 'request_too_large'
  | 'model_not_found'
  | 'model_not_supported'
  | 'model_not_allowed'
  | 'price_too_high'
  | 'input_not_found'
  | 'input_not_allowed'
  | 'input_empty'
  | 'input_too_large'
  | 'input_changed'
  | 'input_archived'
  | 'input_unreadable'
  | 'input_unsupported'
  | 'idempotency_conflict'
  | 'daily_limit_reached'
  | 'not_retryable'
  | 'not_found'
  | 'method_not_allowed'
  | 'not_configured'
  | 'insufficient_balance'
  | 'upstream_unauthorized'
  | 'upstream_refused'
  | 'upstream_unavailable'
  | 'submission_unknown'
  | 'waited_too_long'
  | 'function_killed'
  | 'model_failed'
  | 'task_not_found'
  | 'task_unreadable'
  | 'deadline_exceeded'
  | 'cancelled'
  | 'cancel_unconfirmed'
  | 'output_unavailable'
  | 'output_refused'
  | 'output_in_line'
  | 'internal_error';
/**
 * `plain` makes outputs of a request. `realtime` talks with a client, and `training` makes another model: a
 * deployment must allow them.
 *
 */
export type ModelKind = 'plain' | 'realtime' | 'training';
/**
 * UTC, in milliseconds
 */
export type Timestamp = string;
export type Status =
  'queued' | 'submitting' | 'running' | 'collecting' | 'succeeded' | 'failed' | 'cancelled';
/**
 * Who asked for it. A request file or a dropped file is `s3`.
 */
export type Origin = 'api' | 's3' | 'event';
/**
 * A day (UTC) or a time with its zone
 */
export type Moment = string;

export interface Schemas {
  GenerationRequest: GenerationRequest;
  DryRun: DryRun;
  ModelKind: ModelKind;
  ModelList: ModelList;
  ModelRow: ModelRow;
  Model: Model;
  ModelParameter: ModelParameter;
  Price: Price;
  Warning: Warning;
  Problem: Problem;
  UploadRequest: UploadRequest;
  Upload: Upload;
  Source: Source;
  Status: Status;
  Origin: Origin;
  Moment: Moment;
  Timestamp: Timestamp;
  Generation: Generation;
  GenerationList: GenerationList;
  Usage: Usage;
  UsageDay: UsageDay;
  GenerationRow: GenerationRow;
  Timeline: Timeline;
  TimelineEntry: TimelineEntry;
  WaitingFor: WaitingFor;
  Output: Output;
  ErrorAnswer: ErrorAnswer;
  RequestError: RequestError;
  GenerationError: GenerationError;
  ErrorCode: ErrorCode;
}
export interface GenerationRequest {
  /**
   * `owner/project`, as in the address of the model at Wiro
   */
  model: string;
  /**
   * The model's own parameters
   */
  parameters?: {
    [k: string]: unknown;
  };
  /**
   * Sources by file parameter, at most 200 in all
   */
  inputs?: {
    [k: string]: Source | Source[];
  };
  /**
   * Makes a repeat of the request the same generation
   */
  idempotencyKey?: string;
  /**
   * Texts of the caller's own, in the record and in every event
   */
  labels?: {
    [k: string]: string;
  };
  /**
   * Refuses a request that is known to cost more (`price_too_high`). A price that is estimated or unknown is a
   * warning.
   *
   */
  maxCostUsd?: number;
  /**
   * Only checks and prices the request
   */
  dryRun?: boolean;
}
export interface DryRun {
  dryRun: true;
  /**
   * Whether the request would be accepted as it is. A parameter that the model does not list is a problem here.
   */
  valid: boolean;
  problems: Problem[];
  warnings: Warning[];
  price: Price;
  /**
   * Wiro's schema of the model was unavailable, so the parameters were not checked
   */
  schemaUnchecked?: true;
  /**
   * Generations that wait in line for a slot at Wiro. 1,000 stands for 1,000 or more.
   */
  ahead?: number;
  /**
   * The generation that the `idempotencyKey` stands for. The request would return it, and cost nothing.
   */
  repeats?: string;
}
export interface Problem {
  code: ErrorCode;
  message: string;
  /**
   * What it concerns, as a path into the request
   */
  field?: string;
}
export interface Warning {
  code: 'unknown_parameter' | 'price_may_be_higher' | 'price_unknown';
  message: string;
  /**
   * What it concerns, as a path into the request
   */
  field?: string;
}
/**
 * What a request costs at Wiro if it succeeds. Failed and cancelled tasks cost nothing.
 */
export interface Price {
  /**
   * `exact` follows from the model's price list and the request. `estimate` depends on something that only the
   * run decides. `unknown` cannot be told beforehand.
   *
   */
  certainty: 'exact' | 'estimate' | 'unknown';
  usd?: number;
  /**
   * Wiro's price method, such as `cpr` (per run) or `cps` (per second of processing)
   */
  method?: string;
  /**
   * What an estimate rests on, or why the price is unknown
   */
  note?: string;
}
export interface ModelList {
  /**
   * @maxItems 100
   */
  models: ModelRow[];
  /**
   * Absent from the last page
   */
  cursor?: string;
}
export interface ModelRow {
  /**
   * `owner/project`
   */
  name: string;
  title?: string;
  description?: string;
  kind: ModelKind;
  price?: Price;
}
export interface Model {
  /**
   * `owner/project`
   */
  name: string;
  title?: string;
  description?: string;
  kind: ModelKind;
  /**
   * Empty if Wiro lists none
   */
  parameters: ModelParameter[];
  /**
   * Wiro's price list
   *
   * Items: As Wiro states it: `{inputs, price, priceMethod, priceExtra?, priceInput?}`
   */
  prices: unknown[];
  /**
   * What the average run costs
   */
  approximateCostUsd?: number;
  /**
   * A request to start from, with the model's defaults, and placeholders for what it requires
   */
  request: {
    model: string;
    parameters: {
      [k: string]: unknown;
    };
    inputs: {
      [k: string]: string | string[];
    };
  };
}
export interface ModelParameter {
  id: string;
  /**
   * Wiro's: `text`, `textarea`, `select`, `number`, `range`, `float`; files are `fileinput` (one),
   * `multifileinput` or `combinefileinput` (several). Others may be added.
   *
   */
  type: string;
  required: boolean;
  label?: string;
  /**
   * As Wiro states it
   */
  default?: unknown;
  options?: {
    value: string;
    label?: string;
  }[];
  min?: number;
  max?: number;
  step?: number;
  note?: string;
  placeholder?: string;
  /**
   * The title above it in Wiro's form
   */
  group?: string;
  /**
   * Most requests leave it at its default
   */
  advanced?: true;
}
export interface UploadRequest {
  /**
   * The file's name, with an extension that Wiro accepts
   */
  name: string;
  /**
   * The file's exact size
   */
  sizeBytes: number;
  /**
   * The file's media type. Derived from the name by default.
   */
  contentType?: string;
}
export interface Upload {
  /**
   * The object's key, as a source in `inputs` of a request
   */
  key: string;
  method: 'PUT';
  /**
   * Anyone who has it can upload this one object until `expiresAt`.
   */
  url: string;
  /**
   * Headers to send with the file
   */
  headers: {
    [k: string]: string;
  };
  expiresAt: Timestamp;
}
export interface Generation {
  id: string;
  model: string;
  status: Status;
  /**
   * 1, and one more with every retry
   */
  attempt: number;
  parameters: {
    [k: string]: unknown;
  };
  inputs: {
    [k: string]: string | string[];
  };
  labels?: {
    [k: string]: string;
  };
  /**
   * The request was over 64 KB and its object was deleted from S3
   */
  requestGone?: true;
  /**
   * How inputs reached Wiro while it refuses uploads
   */
  inputHandover?: {
    by: 'multipart' | 'presigned';
    /**
     * Whether a replaced input would have been noticed
     */
    pinned: boolean;
  };
  /**
   * Only in the answer to a submission: the `idempotencyKey` stood for this generation already, so nothing was
   * started
   *
   */
  repeated?: true;
  /**
   * Wiro's schema of the model was unavailable at acceptance, so the parameters were not checked
   */
  schemaUnchecked?: true;
  /**
   * What seemed wrong with the request but did not prevent its acceptance
   *
   * @maxItems 21
   */
  warnings?: Warning[];
  /**
   * The price expected at acceptance
   */
  priceUsd?: number;
  /**
   * How sure the price is. Absent from generations that an earlier release accepted.
   */
  priceCertainty?: 'exact' | 'estimate' | 'unknown';
  /**
   * Wiro's task
   */
  taskId?: string;
  /**
   * A task that a signed callback named after the attempt had ended
   */
  calledBackTaskId?: string;
  waitingFor?: WaitingFor;
  /**
   * Where to follow a running task. The token is a capability.
   */
  progress?: {
    socketUrl: string;
    token: string;
  };
  /**
   * @maxItems 1000
   */
  outputs: Output[];
  /**
   * The number of outputs, where more exist than are listed
   */
  outputsTotal?: number;
  costUsd?: number;
  elapsedSeconds?: number;
  /**
   * UTC, in milliseconds
   */
  startedAt?: string;
  /**
   * Why a language model stopped
   */
  finishReason?: string;
  /**
   * What a language model counted, such as its tokens
   */
  usage?: {
    [k: string]: unknown;
  };
  error?: GenerationError;
  cancelRequestedAt?: Timestamp;
  /**
   * @maxItems 20
   */
  pastAttempts?: {
    attempt: number;
    taskId?: string;
    endedAt: Timestamp;
    code: ErrorCode;
    message: string;
  }[];
  createdAt: Timestamp;
  updatedAt: Timestamp;
  endedAt?: Timestamp;
}
/**
 * Why a generation has not ended
 */
export interface WaitingFor {
  /**
   * `slot`: its turn at Wiro. `retry`: the next try of a step before the run. `search`: whether a run whose
   * answer was lost made a task. `task`: the end of the task. `outputs`: copies of the outputs.
   *
   */
  what: 'slot' | 'retry' | 'search' | 'task' | 'outputs';
  code?: ErrorCode;
  message: string;
  since: Timestamp;
  tries: number;
  nextTryAt: Timestamp;
  /**
   * Generations before it in line. 1,000 stands for 1,000 or more.
   */
  ahead?: number;
}
export interface Output {
  name: string;
  bucket: string;
  key: string;
  contentType: string;
  sizeBytes: number;
  sha256: string;
  /**
   * What Wiro's record says otherwise
   */
  differsFrom?: {
    sizeBytes?: number;
    contentType?: string;
  };
  /**
   * A language model's answer of up to 4 KB
   */
  content?: unknown;
  /**
   * Presigned. Anyone who has it can read the output until `urlExpiresAt`.
   */
  url: string;
  urlExpiresAt: Timestamp;
}
export interface GenerationError {
  code: ErrorCode;
  /**
   * What happened, what it means for money, and what to do
   */
  message: string;
  /**
   * What it concerns, as a path into the request
   */
  field?: string;
  /**
   * Whether the same request can succeed later
   */
  retryable: boolean;
}
export interface GenerationList {
  /**
   * @maxItems 100
   */
  generations: GenerationRow[];
  /**
   * For the next page. Absent if nothing older is left.
   */
  cursor?: string;
}
/**
 * A generation as a list shows it
 */
export interface GenerationRow {
  id: string;
  model: string;
  status: Status;
  origin: Origin;
  labels?: {
    [k: string]: string;
  };
  /**
   * The price as known or estimated before the run
   */
  priceUsd?: number;
  costUsd?: number;
  error?: {
    code: ErrorCode;
    message: string;
  };
  /**
   * The first output
   */
  output?: {
    index: 0;
    name: string;
    contentType: string;
    sizeBytes: number;
    /**
     * Presigned. Anyone who has it can read the output until `urlExpiresAt`.
     */
    url: string;
    urlExpiresAt: Timestamp;
  };
  /**
   * The number of outputs
   */
  outputs: number;
  createdAt: Timestamp;
  updatedAt: Timestamp;
  endedAt?: Timestamp;
}
export interface Usage {
  from: string;
  to: string;
  /**
   * Days without ends are left out.
   */
  days: UsageDay[];
  /**
   * For the rest of the days. Absent if nothing is left.
   */
  cursor?: string;
}
/**
 * What ended on one day, of one model and with these labels
 */
export interface UsageDay {
  day: string;
  model: string;
  succeeded: number;
  failed: number;
  cancelled: number;
  /**
   * Of the ends whose cost is known, each rounded to a millionth of a dollar
   */
  costUsd: number;
  /**
   * Ends that may have cost something that Wiro does not tell
   */
  costUnknown: number;
  /**
   * Of the labels that the deployment counts by (`usageLabels`), those that the generations have. Values beyond the
   * first 100 of a day and model share the row `(other)`.
   *
   */
  labels?: {
    [k: string]: string;
  };
}
export interface Timeline {
  generationId: string;
  entries: TimelineEntry[];
  /**
   * How many more entries there were. About 100 are kept of an attempt.
   */
  truncated?: number;
}
export interface TimelineEntry {
  at: Timestamp;
  attempt: number;
  /**
   * `accepted`: accepted; also the start of each further attempt. `line`: joined the line for a slot. `run`: the
   * Run was sent. `search`: the task of a Run without an answer was looked for and not found. `callback`: a signed
   * callback came. `look`: Wiro was asked, and the task goes on or shows no outputs yet. `try`: a step failed and
   * is tried again. `cancel`: cancellation was requested. `copy`: the outputs are in the bucket. `end`: the
   * attempt ended. `announced`: its event and files are out.
   *
   */
  what:
    | 'accepted'
    | 'line'
    | 'run'
    | 'search'
    | 'callback'
    | 'look'
    | 'try'
    | 'cancel'
    | 'copy'
    | 'end'
    | 'announced';
  /**
   * Of a `try`, and of an `end` that is no success
   */
  code?:
    | 'invalid_request'
    | 'invalid_parameter'
    | 'request_too_large'
    | 'model_not_found'
    | 'model_not_supported'
    | 'model_not_allowed'
    | 'price_too_high'
    | 'input_not_found'
    | 'input_not_allowed'
    | 'input_empty'
    | 'input_too_large'
    | 'input_changed'
    | 'input_archived'
    | 'input_unreadable'
    | 'input_unsupported'
    | 'idempotency_conflict'
    | 'daily_limit_reached'
    | 'not_retryable'
    | 'not_found'
    | 'method_not_allowed'
    | 'not_configured'
    | 'insufficient_balance'
    | 'upstream_unauthorized'
    | 'upstream_refused'
    | 'upstream_unavailable'
    | 'submission_unknown'
    | 'waited_too_long'
    | 'function_killed'
    | 'model_failed'
    | 'task_not_found'
    | 'task_unreadable'
    | 'deadline_exceeded'
    | 'cancelled'
    | 'cancel_unconfirmed'
    | 'output_unavailable'
    | 'output_refused'
    | 'output_in_line'
    | 'internal_error';
  /**
   * Of a `try` if it differs from the one before, and of an `end` that is no success
   */
  message?: string;
  /**
   * Of a `run` and a `callback`, as far as known
   */
  taskId?: string;
  /**
   * Of a `copy`
   */
  outputs?: number;
}
export interface ErrorAnswer {
  error: RequestError;
}
/**
 * Why a request was refused. The first of its problems, and all of them.
 */
export interface RequestError {
  code: ErrorCode;
  /**
   * What happened, what it means for money, and what to do
   */
  message: string;
  /**
   * What it concerns, as a path into the request
   */
  field?: string;
  /**
   * Whether the same request can succeed later
   */
  retryable: boolean;
  /**
   * Everything that is wrong with the request, as far as it was looked for
   *
   * @minItems 1
   * @maxItems 100
   */
  problems?: Problem[];
}
