/** A fault and when it applies. A rule is plain JSON, because tests in other processes send rules. */
export type FaultRule = Rule<ApiOperation> | Rule<'task'> | Rule<'callback'> | Rule<'cdn'> | Rule<'socket'>;

interface Rule<Operation extends FaultOperation> {
  /** @default - a generated id */
  readonly id?: string;
  readonly operation: Operation;
  /** @default - every use of the operation */
  readonly match?: FaultMatch;
  /** How many times the rule applies. @default - until it is removed */
  readonly times?: number;
  readonly fault: FaultOf[Operation];
}

export type FaultOf = { readonly [operation in ApiOperation]: AnswerFault | RecordFault } & {
  readonly task: TaskFault;
  readonly callback: CallbackFault;
  readonly cdn: CdnFault;
  readonly socket: SocketFault;
};
export type FaultOperation = keyof FaultOf;

/** All given conditions must hold. */
export interface FaultMatch {
  /** `owner/project` */
  readonly model?: string;
  readonly callbackUrlIncludes?: string;
  readonly taskId?: string;
  /** A part of the path, for `cdn`. */
  readonly pathIncludes?: string;
  /** Selects among the uses that match the other conditions, counted from 1: `2` or `[1, 3]`. */
  readonly nth?: number | readonly number[];
  /** Selects a random share, 0 to 1, of the uses that match the other conditions. The generator starts at `seed`. */
  readonly share?: number;
  /** @default 1 */
  readonly seed?: number;
}

export const API_OPERATIONS = [
  'Run',
  'Task/Detail',
  'Task/List',
  'Task/Cancel',
  'Task/Kill',
  'Task/InputOutputDelete',
  'File/Upload',
  'File/FolderCreate',
  'Tool/List',
  'Tool/Detail',
  'Tool/Explore',
] as const;
export type ApiOperation = (typeof API_OPERATIONS)[number];

/** The response of an API call fails. The call may still do its work. */
export type AnswerFault = {
  /**
   * Whether the call still does its work, for a `Run` whether it creates a task. `late` does the work `lateMs` after
   * the failed response. @default 'done'
   */
  readonly work?: 'done' | 'late' | 'never';
  readonly lateMs?: number;
  /** The delay between the work and the failed response. @default 0 */
  readonly delayMs?: number;
} & (
  | { readonly kind: 'reset' }
  /** Never responds, so that the caller times out. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly retryAfter?: string }
  /** An HTML page of a proxy. @default status 200 */
  | { readonly kind: 'html'; readonly status?: number }
  /** Incomplete JSON. */
  | { readonly kind: 'garbage' }
  /** The connection ends during the body. */
  | { readonly kind: 'truncated' }
  /** `result:false`. @default code 0, "Server error" */
  | { readonly kind: 'error'; readonly code?: number; readonly message?: string; readonly bare?: boolean }
  /** Only `result:true`. */
  | { readonly kind: 'noTaskId' }
  /** The correct response after `delayMs`, or 503 with `work: 'never'`. */
  | { readonly kind: 'slow' }
  /** Only for `Run`: the correct response, but only after the task's end and its callback. */
  | { readonly kind: 'afterCallback' }
  /** Only for `Task/Cancel` and `Task/Kill`: reports success but does nothing. */
  | { readonly kind: 'ignored' }
);

/** `Task/Detail` and `Task/List` return records with another shape or an older state. */
export interface RecordFault {
  readonly kind: 'record';
  /** Shows the state from this long ago, without younger tasks. */
  readonly lagMs?: number;
  readonly withoutCallbackUrl?: boolean;
  /** Replaces the signature in the callback URL. */
  readonly forgedSignature?: boolean;
  /** The length of the log in `debugoutput`, in characters. */
  readonly logLength?: number;
  /** Numbers instead of strings, also for `total`. */
  readonly numbers?: boolean;
  readonly parametersAsString?: boolean;
  readonly categoriesAsArray?: boolean;
  /** The size of `debugoutput` in bytes. */
  readonly debugOutputBytes?: number;
  /** Omits `outputs`. */
  readonly withoutOutputs?: boolean;
  /** The task does not exist, or the page is empty. */
  readonly missing?: boolean;
}

/** Selected once, when the task is created. */
export type TaskFault =
  /** `task_postprocess_end` with `pexit` "1" and `debugerror`. */
  | { readonly kind: 'fails'; readonly message?: string; readonly exitCode?: string }
  /**
   * The task gets the status `task_error` before the model runs. This is not an end: the task stays there until it is
   * killed, or until it is requeued after `requeuedAfterMs` and runs. With `thenFails`, that run fails with this message.
   */
  | {
      readonly kind: 'error';
      readonly message?: string;
      readonly requeuedAfterMs?: number;
      readonly thenFails?: string;
      /** How Kill fails in this status: with an error, or by doing nothing. @default - Kill works */
      readonly kill?: 'refused' | 'ignored';
    }
  /** `task_cancel` while it runs. `likeSample` adds `pexit` "0", a cost and outputs, as in the sample in Wiro's docs. */
  | { readonly kind: 'cancelled'; readonly likeSample?: boolean }
  /** Stays in `status` until it is killed. @default status 'task_start' */
  | { readonly kind: 'stuck'; readonly status?: TaskStatus; readonly ignoresKill?: boolean }
  | { readonly kind: 'ignoresKill' }
  /** Ends with `pexit` "0", but the first `reads` reads show no outputs. */
  | { readonly kind: 'outputsLate'; readonly reads: number }
  /** Never shows these statuses. @default - all between the queue and the end */
  | { readonly kind: 'skipsStatuses'; readonly statuses?: readonly TaskStatus[] }
  | { readonly kind: 'lasts'; readonly durationMs: number }
  /** The record's size differs from the file's. */
  | { readonly kind: 'wrongSize'; readonly deltaBytes: number }
  /** The record's content type differs from the file's, and optionally its size. @default deltaBytes 0 */
  | { readonly kind: 'wrongType'; readonly contentType: string; readonly deltaBytes?: number };

/** Selected when a task ends, except `premature`, which is selected when the task is created. */
export type CallbackFault =
  | { readonly kind: 'lost' }
  | { readonly kind: 'duplicated'; readonly times?: number; readonly gapMs?: number }
  | { readonly kind: 'delayed'; readonly delayMs: number }
  /** An additional callback while the task is queued, before the response of `Run`. */
  | { readonly kind: 'premature' }
  | { readonly kind: 'shape'; readonly shape: CallbackShape; readonly contentType?: string };

/** `detail`: the response of `Task/Detail`; `tasklist`: only `{tasklist}`; `ids`: `{taskid, socketaccesstoken, status}`. */
export type CallbackShape = 'detail' | 'tasklist' | 'bareTask' | 'ids' | 'form' | 'empty' | 'garbage';

export type CdnFault =
  | { readonly kind: 'status'; readonly status: number }
  /** 404 for the first `reads` requests for each file. */
  | { readonly kind: 'notYet'; readonly reads: number }
  /** The connection closes normally, but early. @default afterBytes: half */
  | { readonly kind: 'truncated'; readonly afterBytes?: number }
  | { readonly kind: 'reset'; readonly afterBytes?: number }
  /** Sends no more bytes, but keeps the connection open. */
  | { readonly kind: 'stalled'; readonly afterBytes?: number }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'contentType'; readonly contentType: string }
  /** No Content-Length. */
  | { readonly kind: 'chunked' }
  /** @default location: the same file, without faults */
  | { readonly kind: 'redirect'; readonly location?: string; readonly status?: number }
  | { readonly kind: 'ignoresRange' }
  /** 200 with a body other than the file. @default an HTML page */
  | { readonly kind: 'page'; readonly body?: string; readonly contentType?: string }
  /** Sets `Content-Encoding`. With `isTrue`, also compresses the file with gzip and ignores ranges. */
  | { readonly kind: 'encoding'; readonly contentEncoding: string; readonly isTrue?: boolean }
  /** Adds or removes bytes, with a matching Content-Length. */
  | { readonly kind: 'otherSize'; readonly deltaBytes: number };

export type SocketFault =
  | { readonly kind: 'refused' }
  /** @default 0 */
  | { readonly kind: 'drops'; readonly afterMessages?: number };

/** In the order of a task's life. The last two end it early. */
export type TaskStatus =
  | 'task_queue'
  | 'task_accept'
  | 'task_preprocess_start'
  | 'task_preprocess_end'
  | 'task_assign'
  | 'task_start'
  | 'task_output'
  | 'task_output_full'
  | 'task_end'
  | 'task_postprocess_start'
  | 'task_postprocess_end'
  | 'task_cancel'
  | 'task_error';
