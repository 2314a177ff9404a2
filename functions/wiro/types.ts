import type { Readable } from 'node:stream';

/** `owner/project`, for example `wiro/story-maker-multi-character-consistency`. */
export type ModelName = string;

/** The two halves of a model's name. Wiro spells them in two ways, clean and raw, and takes either. */
export interface Slugs {
  readonly owner: string;
  readonly project: string;
}

/** A task of Wiro's by one of its two names. The token is a capability: whoever has it can watch the task. */
export type TaskRef = { readonly taskId: string } | { readonly taskToken: string };

/** A file that goes to Wiro in the body of a request. `sizeBytes` is exact: it becomes the Content-Length. */
export interface FileToSend {
  readonly name: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Opens the bytes; called once for every attempt. */
  readonly open: () => Promise<Readable>;
}

/** What one file parameter is given: URLs that Wiro fetches, or files sent along (multipart). */
export type FileValue = { readonly url: string } | { readonly file: FileToSend };

export interface RunRequest {
  readonly model: ModelName;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** By parameter id, for example `inputImage` (not `inputImageUrl`). */
  readonly files: Readonly<Record<string, readonly FileValue[]>>;
  /** The model's schema where it is known: it decides how a file parameter is spelled. */
  readonly schema?: ModelSchema;
  readonly callbackUrl: string;
  /** The whole call, answer included, ends by then; time left, in milliseconds. */
  readonly timeoutMs: number;
}

/** How one `Run` ended. Never repeat one that is `unknown`: a task may exist and cost money. */
export type RunOutcome =
  | { readonly kind: 'ran'; readonly taskId: string; readonly taskToken?: string }
  | {
      readonly kind: 'notRun';
      readonly reason: NotRunReason;
      readonly message: string;
      /** What is known, without what was attempted: for sentences that say that themselves. */
      readonly why: string;
      /** Wiro's, where it gave one. */
      readonly code?: number;
      readonly field?: string;
      readonly limit?: number;
    }
  | {
      readonly kind: 'unknown';
      readonly message: string;
      /** Wiro's words, where it answered no but neither code nor text says that there is no task. */
      readonly refusal?: string;
    };

/**
 * Why there is no task: `concurrencyLimit` is code 96 (`limit` is the number the message names),
 * `insufficientBalance` 97, `unauthorized` 401 or codes 98 and 99, `notFound` code 1, Wiro's own 404, or a text that
 * says that the team may not use the model, `invalid` a known validation text (`field` is the parameter it names),
 * `busy` 429, `unreachable` connect, DNS or TLS failure, `refused` any other code, or a text about the account.
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

/** A task as `Task/Detail` and `Task/List` describe it, strictly. */
export interface Task {
  readonly id: string;
  readonly token?: string;
  /** Wiro's word, for example `task_postprocess_end`. */
  readonly status: string;
  /** How it ended, by status and `pexit` together; `unfinished` before the end. */
  readonly end: 'unfinished' | 'succeeded' | 'failed' | 'cancelled';
  /** Something failed before it ran. It may be recovered or requeued, and then succeed and be charged. */
  readonly isAtError?: true;
  readonly exitCode?: string;
  /** Whole seconds since 1970, by Wiro's clock. */
  readonly createdAtSeconds?: number;
  /** The model's name, as the record spells it; older records do not. */
  readonly slugs?: Slugs;
  /** `undefined` when the row does not show it: that proves nothing. `''` when it shows that there is none. */
  readonly callbackUrl?: string;
  readonly outputs: readonly TaskOutput[];
  readonly costUsd?: number;
  readonly elapsedSeconds?: number;
  /** Wiro's own account of what went wrong (`debugerror`), cut to 2,000 characters. */
  readonly errorText?: string;
}

export type TaskOutput =
  | {
      readonly kind: 'file';
      readonly name: string;
      /** As it came; whether it may be fetched is not said. Absent where the record names none. */
      readonly url?: string;
      readonly contentType?: string;
      readonly sizeBytes?: number;
    }
  /**
   * A language model's answer. `content` is `{prompt, raw, thinking[], answer[]}`, and `source` its JSON as Wiro wrote
   * it, where that is known: numbers in it may have more digits than a number here. `text` is `debugoutput`, merged;
   * of a very large answer it is left out.
   */
  | {
      readonly kind: 'raw';
      readonly content: unknown;
      readonly source?: string;
      readonly text?: string;
    };

export interface TaskPage {
  /** Newest first. */
  readonly tasks: readonly Task[];
  /** Rows as the answer held them, before any was left out as unreadable. */
  readonly rows: number;
  readonly total?: number;
}

/** `refused`: Wiro's word that the task is not in a state for it (already over, or between acceptance and start). */
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
}

/**
 * How a model is worked with: `plain` takes a request and makes outputs, `realtime` talks with a client on its task's
 * socket, `training` makes another model.
 */
export type ModelKind = 'plain' | 'realtime' | 'training';

export interface ModelSchema {
  /** Empty when Wiro lists none. */
  readonly parameters: readonly ModelParameter[];
}

export interface Model extends ModelSchema {
  readonly name: ModelName;
  readonly kind: ModelKind;
  /** Its name as Wiro spells it: clean, raw, or both. */
  readonly slugs: readonly Slugs[];
  readonly title?: string;
  readonly description?: string;
  /** As Wiro states it, parsed: `[{inputs, price, priceMethod, …}]`. */
  readonly prices?: readonly unknown[];
  readonly approximateCostUsd?: number;
}

export interface ModelQuery {
  readonly search?: string;
  readonly start?: number;
  readonly limit?: number;
}

/** Every call but `run` throws `WiroError` when it has no answer that means something. */
export interface WiroClient {
  /** Never throws: what is not known is `unknown`. Always on a fresh connection; never repeats by itself. */
  run(request: RunRequest): Promise<RunOutcome>;
  /** `undefined` when Wiro says plainly that there is no such task. */
  task(ref: TaskRef, timeoutMs?: number): Promise<Task | undefined>;
  tasks(page: { readonly start: number; readonly limit: number }): Promise<TaskPage>;
  cancel(taskId: string, taskToken?: string): Promise<StopOutcome>;
  kill(taskId: string, taskToken?: string): Promise<StopOutcome>;
  deleteInputsAndOutputs(taskToken: string): Promise<void>;
  createFolder(name: string, parentId?: string): Promise<{ readonly id: string }>;
  upload(file: FileToSend, folderId?: string): Promise<UploadedFile>;
  models(query: ModelQuery): Promise<readonly Model[]>;
  /** `undefined` when Wiro says plainly that there is no such model. */
  model(name: ModelName, timeoutMs?: number): Promise<Model | undefined>;
}
