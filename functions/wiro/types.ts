import type { Readable } from 'node:stream';

/** `owner/project`, for example `wiro/story-maker-multi-character-consistency`. */
export type ModelName = string;

/** The two halves of a model's name. Wiro has two spellings, clean and raw, and accepts both. */
export interface Slugs {
  readonly owner: string;
  readonly project: string;
}

/** Identifies a task by its id or its token. The token is a capability: it lets its holder watch the task. */
export type TaskRef = { readonly taskId: string } | { readonly taskToken: string };

/** A file to send in the body of a request. `sizeBytes` must be exact: it becomes the Content-Length. */
export interface FileToSend {
  readonly name: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Opens the bytes. Called once per attempt. */
  readonly open: () => Promise<Readable>;
}

/** One value of a file parameter: a URL that Wiro fetches, or a file sent in the body (multipart). */
export type FileValue = { readonly url: string } | { readonly file: FileToSend };

export interface RunRequest {
  readonly model: ModelName;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** By parameter id, for example `inputImage` (not `inputImageUrl`). */
  readonly files: Readonly<Record<string, readonly FileValue[]>>;
  /** The model's schema, if available. It decides the form of a file parameter. */
  readonly schema?: ModelSchema;
  readonly callbackUrl: string;
  /** The time limit of the whole call, answer included. */
  readonly timeoutMs: number;
}

/** How one `Run` ended. Never repeat an `unknown` one without a search: a task may exist and cost money. */
export type RunOutcome =
  | { readonly kind: 'ran'; readonly taskId: string; readonly taskToken?: string }
  | {
      readonly kind: 'notRun';
      readonly reason: NotRunReason;
      readonly message: string;
      /** The cause alone, for a sentence that already says what was attempted. */
      readonly why: string;
      /** Wiro's error code, if the answer has one. */
      readonly code?: number;
      readonly field?: string;
      readonly limit?: number;
      /** How long Wiro asks to wait before the next call. */
      readonly retryAfterMs?: number;
    }
  | {
      readonly kind: 'unknown';
      readonly message: string;
      /** Wiro's text, if it refused with a code and text that do not prove that no task exists. */
      readonly refusal?: string;
    };

/**
 * Why no task exists.
 * - `concurrencyLimit`: code 96. `limit` is the number in its message.
 * - `insufficientBalance`: code 97.
 * - `unauthorized`: HTTP 401, or code 98 or 99.
 * - `notFound`: code 1, Wiro's own 404, or a text that says that the team may not use the model.
 * - `invalid`: a known validation text. `field` is the parameter that it names.
 * - `busy`: HTTP 429.
 * - `unreachable`: the connection, DNS or TLS failed.
 * - `refused`: any other code, or a text about the account.
 */
export type NotRunReason =
  | 'concurrencyLimit'
  | 'insufficientBalance'
  | 'unauthorized'
  | 'notFound'
  | 'invalid'
  | 'busy'
  | 'unreachable'
  | 'refused';

/** A task, parsed from `Task/Detail` or `Task/List`. */
export interface Task {
  readonly id: string;
  readonly token?: string;
  /** Wiro's status, for example `task_postprocess_end`. */
  readonly status: string;
  /** How the task ended, from its status and `pexit`. */
  readonly end: 'unfinished' | 'succeeded' | 'failed' | 'cancelled';
  /** The task failed before it ran. Wiro may recover or requeue it, and then it may succeed and be charged. */
  readonly isAtError?: true;
  readonly exitCode?: string;
  /** Whole seconds since 1970, by Wiro's clock. */
  readonly createdAtSeconds?: number;
  /** The model's name as the record spells it. Older records have none. */
  readonly slugs?: Slugs;
  /** `undefined` if the row does not show it, which proves nothing. `''` if it shows that the task has none. */
  readonly callbackUrl?: string;
  readonly outputs: readonly TaskOutput[];
  readonly costUsd?: number;
  readonly elapsedSeconds?: number;
  /** Wiro's error text (`debugerror`), truncated to 2,000 characters. */
  readonly errorText?: string;
}

export type TaskOutput =
  | {
      readonly kind: 'file';
      readonly name: string;
      /** As received: not checked against the hosts that outputs may come from. Absent if the record has none. */
      readonly url?: string;
      readonly contentType?: string;
      readonly sizeBytes?: number;
    }
  /**
   * A language model's answer. `content` is `{prompt, raw, thinking[], answer[]}`. `source` is its JSON as Wiro wrote
   * it, if available: a number in it may have more digits than a JavaScript number. `text` is the merged
   * `debugoutput`, which is left out of a very large answer.
   */
  | {
      readonly kind: 'raw';
      readonly content: unknown;
      readonly source?: string;
      readonly text?: string;
      readonly finishReason?: string;
      readonly usage?: Readonly<Record<string, unknown>>;
    };

export interface TaskPage {
  /** Newest first. */
  readonly tasks: readonly Task[];
  /** The number of rows in the answer, unreadable ones included. */
  readonly rows: number;
  readonly total?: number;
}

/** `refused`: Wiro says that the task's state does not allow it. The task has ended, or is accepted but not started. */
export type StopOutcome =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'refused'; readonly message: string };

export interface UploadedFile {
  readonly id: string;
  readonly url: string;
  readonly name: string;
  readonly contentType?: string;
  readonly sizeBytes?: number;
}

export type ParameterType =
  | 'text'
  | 'textarea'
  | 'select'
  | 'number'
  | 'range'
  | 'float'
  | 'fileinput'
  | 'multifileinput'
  | 'combinefileinput'
  | (string & {});

export interface ModelParameter {
  readonly id: string;
  readonly type: ParameterType;
  readonly label?: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly options?: readonly { readonly value: string; readonly label?: string }[];
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly note?: string;
  /** An example of a value. */
  readonly placeholder?: string;
  /** The title above it in Wiro's form. */
  readonly group?: string;
  readonly advanced?: true;
}

/**
 * How a model works.
 * - `plain`: takes a request and creates outputs.
 * - `realtime`: talks with a client over its task's socket.
 * - `training`: creates another model.
 */
export type ModelKind = 'plain' | 'realtime' | 'training';

export interface ModelSchema {
  /** Empty if Wiro lists none. */
  readonly parameters: readonly ModelParameter[];
}

export interface Model extends ModelSchema {
  readonly name: ModelName;
  readonly kind: ModelKind;
  /** Every spelling of its name: clean, raw, or both. */
  readonly slugs: readonly Slugs[];
  readonly title?: string;
  readonly description?: string;
  /** As Wiro states it, parsed: `[{inputs, price, priceMethod, …}]`. */
  readonly prices?: readonly unknown[];
  readonly approximateCostUsd?: number;
}

export interface ModelQuery {
  readonly search?: string;
  /** Only models of this owner. */
  readonly owner?: string;
  readonly start?: number;
  readonly limit?: number;
}

export interface ModelPage {
  /** In Wiro's order, one per row; `undefined` for a row that cannot be read. */
  readonly models: readonly (Model | undefined)[];
  /** The number of rows in all, if the answer states it. */
  readonly total?: number;
}

/** Every call except `run` throws `WiroError` if there is no readable answer. */
export interface WiroClient {
  /** Never throws and never retries. Returns `unknown` if a task may exist. */
  run(request: RunRequest): Promise<RunOutcome>;
  /** Returns `undefined` only if Wiro says that no such task exists. */
  task(ref: TaskRef, timeoutMs?: number): Promise<Task | undefined>;
  tasks(page: { readonly start: number; readonly limit: number }): Promise<TaskPage>;
  cancel(taskId: string, taskToken?: string): Promise<StopOutcome>;
  kill(taskId: string, taskToken?: string): Promise<StopOutcome>;
  deleteInputsAndOutputs(taskToken: string): Promise<void>;
  upload(file: FileToSend): Promise<UploadedFile>;
  models(query: ModelQuery, timeoutMs?: number): Promise<ModelPage>;
  /** Returns `undefined` only if Wiro says that no such model exists. */
  model(name: ModelName, timeoutMs?: number): Promise<Model | undefined>;
}
