/** What can be told to go wrong, and when. Written so that a rule survives JSON: tests in other processes send them. */
export type FaultRule = Rule<ApiOperation> | Rule<'task'> | Rule<'callback'> | Rule<'cdn'> | Rule<'socket'>;

interface Rule<Operation extends FaultOperation> {
  /** @default - made up */
  readonly id?: string;
  readonly operation: Operation;
  /** @default - everything of that operation */
  readonly match?: FaultMatch;
  /** How often it applies before it is spent. @default - until it is removed */
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

/** Everything given must hold. */
export interface FaultMatch {
  /** `owner/project` */
  readonly model?: string;
  readonly callbackUrlIncludes?: string;
  readonly taskId?: string;
  /** A part of the path, for `cdn`. */
  readonly pathIncludes?: string;
  /** Counts what matches otherwise, from 1: `2` or `[1, 3]`. */
  readonly nth?: number | readonly number[];
  /** A share of what matches otherwise, 0 to 1, chosen by a generator that starts at `seed`. */
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
] as const;
export type ApiOperation = (typeof API_OPERATIONS)[number];

/** The answer of an API call goes wrong, with or without the work behind it. */
export type AnswerFault = {
  /**
   * Whether the call does its work nevertheless (a `Run`: whether there is a task behind it):
   * `late` does it `lateMs` after the answer went wrong. @default 'done'
   */
  readonly work?: 'done' | 'late' | 'never';
  readonly lateMs?: number;
  /** Before the wrong answer, after the work. @default 0 */
  readonly delayMs?: number;
} & (
  | { readonly kind: 'reset' }
  /** No answer ever: the caller's time-out decides. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly retryAfter?: string }
  /** A proxy's page. @default status 200 */
  | { readonly kind: 'html'; readonly status?: number }
  /** Half a JSON text. */
  | { readonly kind: 'garbage' }
  /** The connection ends within the body. */
  | { readonly kind: 'truncated' }
  /** `result:false`. @default code 0, "Server error" */
  | { readonly kind: 'error'; readonly code?: number; readonly message?: string; readonly bare?: boolean }
  /** `result:true` and nothing else. */
  | { readonly kind: 'noTaskId' }
  /** The true answer, `delayMs` late; with `work: 'never'` it is 503. */
  | { readonly kind: 'slow' }
  /** `Run` alone: the true answer, once the task is over and its callback delivered. */
  | { readonly kind: 'afterCallback' }
  /** `Task/Cancel` and `Task/Kill`: answers as if it had been done. */
  | { readonly kind: 'ignored' }
);

/** `Task/Detail` and `Task/List` answer, in another shape or from the past. */
export interface RecordFault {
  readonly kind: 'record';
  /** Shows everything as it was that long ago; a younger task is not there. */
  readonly lagMs?: number;
  readonly withoutCallbackUrl?: boolean;
  /** Its callback URL under a signature that nobody made. */
  readonly forgedSignature?: boolean;
  /** A log of so many characters in `debugoutput`. */
  readonly logLength?: number;
  /** Numbers instead of strings, `total` included. */
  readonly numbers?: boolean;
  readonly parametersAsString?: boolean;
  readonly categoriesAsArray?: boolean;
  /** A `debugoutput` of so many bytes. */
  readonly debugOutputBytes?: number;
  /** No `outputs` at all. */
  readonly withoutOutputs?: boolean;
  /** No such task, or an empty page. */
  readonly missing?: boolean;
}

/** Decided once, when the task is made. */
export type TaskFault =
  /** `task_postprocess_end` with `pexit` "1" and `debugerror`. */
  | { readonly kind: 'fails'; readonly message?: string; readonly exitCode?: string }
  /**
   * The stored status `task_error`, before anything ran: no end. It stands there until it is killed, or is requeued
   * after a while and then runs; `thenFails` with these words.
   */
  | {
      readonly kind: 'error';
      readonly message?: string;
      readonly requeuedAfterMs?: number;
      readonly thenFails?: string;
      /** What becomes of Kill while it stands there: nothing, with or without an answer that says so. @default - it ends */
      readonly kill?: 'refused' | 'ignored';
    }
  /** `task_cancel` while it runs; `likeSample`: with `pexit` "0", a cost and outputs, as Wiro's page shows it. */
  | { readonly kind: 'cancelled'; readonly likeSample?: boolean }
  /** Stays in `status` until it is killed. @default status 'task_start' */
  | { readonly kind: 'stuck'; readonly status?: TaskStatus; readonly ignoresKill?: boolean }
  | { readonly kind: 'ignoresKill' }
  /** Ended with `pexit` "0", and the first `reads` looks find no outputs. */
  | { readonly kind: 'outputsLate'; readonly reads: number }
  /** These statuses are never shown. @default - all between queue and end */
  | { readonly kind: 'skipsStatuses'; readonly statuses?: readonly TaskStatus[] }
  | { readonly kind: 'lasts'; readonly durationMs: number }
  /** The record gives another size than the file has. */
  | { readonly kind: 'wrongSize'; readonly deltaBytes: number }
  /** The record gives another content type than the file has, and another size. @default deltaBytes 0 */
  | { readonly kind: 'wrongType'; readonly contentType: string; readonly deltaBytes?: number };

/** Decided when a task is over (`premature`: when it is made). */
export type CallbackFault =
  | { readonly kind: 'lost' }
  | { readonly kind: 'duplicated'; readonly times?: number; readonly gapMs?: number }
  | { readonly kind: 'delayed'; readonly delayMs: number }
  /** One more, before `Run` answers and while the task is queued. */
  | { readonly kind: 'premature' }
  | { readonly kind: 'shape'; readonly shape: CallbackShape; readonly contentType?: string };

/** `detail`: the answer of `Task/Detail`; `tasklist`: `{tasklist}` alone; `ids`: `{taskid, socketaccesstoken, status}`. */
export type CallbackShape = 'detail' | 'tasklist' | 'bareTask' | 'ids' | 'form' | 'empty' | 'garbage';

export type CdnFault =
  | { readonly kind: 'status'; readonly status: number }
  /** 404 for the first `reads` requests for each file. */
  | { readonly kind: 'notYet'; readonly reads: number }
  /** The connection ends cleanly for HTTP/1.1's sake, but early. @default afterBytes: half */
  | { readonly kind: 'truncated'; readonly afterBytes?: number }
  | { readonly kind: 'reset'; readonly afterBytes?: number }
  /** Nothing more comes, and the connection stays. */
  | { readonly kind: 'stalled'; readonly afterBytes?: number }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'contentType'; readonly contentType: string }
  /** No Content-Length. */
  | { readonly kind: 'chunked' }
  /** @default location: the same file, where no rule applies */
  | { readonly kind: 'redirect'; readonly location?: string; readonly status?: number }
  | { readonly kind: 'ignoresRange' }
  /** 200 with something else than the file. @default a page of HTML */
  | { readonly kind: 'page'; readonly body?: string; readonly contentType?: string }
  /** Says so in `Content-Encoding`; `isTrue`: and sends the file in gzip, without ranges. */
  | { readonly kind: 'encoding'; readonly contentEncoding: string; readonly isTrue?: boolean }
  /** So many bytes more or fewer, with the Content-Length that belongs to them. */
  | { readonly kind: 'otherSize'; readonly deltaBytes: number };

export type SocketFault =
  | { readonly kind: 'refused' }
  /** @default 0 */
  | { readonly kind: 'drops'; readonly afterMessages?: number };

/** In the order of a task's life; the last two end it early. */
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
