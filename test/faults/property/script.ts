/**
 * What everything outside answers in one run. Each kind of call has a course of its own: first these answers, one
 * after the other, then those for ever.
 */
export interface Course<Answer> {
  readonly first: readonly Answer[];
  /** Taken in turn, again and again. Never empty. */
  readonly ever: readonly Answer[];
}

/** How a call to Wiro's API goes wrong, whatever it asks for. */
export type ApiFault =
  /** No connection: nothing arrives. */
  | { readonly kind: 'unreachable' }
  /** The request arrives, and its answer does not. */
  | { readonly kind: 'reset' | 'silent' | 'garbage' }
  | { readonly kind: 'status'; readonly status: number; readonly body: 'html' | 'json' | 'empty' }
  /** `result: false`. With `changing`, no two texts are alike. */
  | {
      readonly kind: 'refused';
      readonly code?: number;
      readonly message: string;
      readonly changing?: true;
      readonly bare?: true;
    }
  /** The true answer, after many seconds. */
  | { readonly kind: 'late'; readonly ms: number }
  /** The true answer with a text of more than 4 MB in each task. */
  | { readonly kind: 'huge' };

export type ApiAnswer = { readonly kind: 'right' } | ApiFault;

/** Whether there is a task behind a Run that was not answered rightly. */
export type Work = 'never' | 'done' | 'late';

export type RunAnswer =
  | { readonly kind: 'right' }
  | { readonly kind: 'noTaskId'; readonly work: Work }
  | (ApiFault & { readonly work: Work });

export type DetailAnswer = ApiAnswer | { readonly kind: 'missing' | 'stranger' };
export type ListAnswer = ApiAnswer | { readonly kind: 'withoutCallbackUrls' | 'unreadableRow' };
/** `ignored`: Wiro says that it stops the task, and does not. */
export type StopAnswer = ApiAnswer | { readonly kind: 'ignored' };

/** What becomes of one task. */
export interface TaskStory {
  readonly end:
    | 'succeeds'
    | 'fails'
    /** Cancelled by Wiro itself, as its sample shows it: `pexit` 0, a cost and outputs. */
    | 'cancelled'
    /** Stays where it is. */
    | 'stuck'
    /** The stored status `task_error`, which is no end; for ever, or until it is queued again. */
    | 'errs'
    | 'errsThenSucceeds'
    | 'errsThenFails';
  readonly seconds: number;
  /** Where it stays, if it does. */
  readonly stuckAt: string;
  readonly takesKill: boolean;
  readonly outputs: 'one' | 'two' | 'none' | 'late' | 'raw' | 'strangeUrl';
  readonly callback: 'right' | 'lost' | 'late' | 'twice' | 'early' | 'empty' | 'garbage';
}

export type CdnAnswer =
  | { readonly kind: 'right' }
  | { readonly kind: 'status'; readonly status: number }
  /** A page, an error or nothing at all, where the output should be. */
  | { readonly kind: 'page' | 'errorJson' | 'empty' }
  | { readonly kind: 'unreachable' | 'cutOff' | 'stalled' | 'silent' }
  /** It comes, but more slowly than any function lives. */
  | { readonly kind: 'slow' }
  /** Other bytes than Wiro says, and always the same. */
  | { readonly kind: 'otherSize' | 'otherType' }
  | { readonly kind: 'encoding'; readonly name: string }
  | { readonly kind: 'redirect'; readonly to: string };

export type S3Answer =
  | { readonly kind: 'right' }
  | { readonly kind: 'error'; readonly status: number; readonly name: string };

export type BusAnswer = 'right' | 'refused' | 'throttled' | 'unreachable';
export type ParameterAnswer = 'right' | 'missing' | 'throttled';
export type InvokeAnswer = 'right' | 'refused' | 'lost';
export type TableAnswer = 'right' | 'throttled' | 'unanswered';

/** What kills a function: its nth call of an invocation, or a kind of call whenever it is made. */
export type Kill =
  | { readonly kind: 'none' }
  | { readonly kind: 'nth'; readonly call: number; readonly isDelivered: boolean }
  | { readonly kind: 'at'; readonly operation: string; readonly isDelivered: boolean };

export type Door = 'api' | 'file' | 'drop' | 'event';

export interface AskedGeneration {
  readonly door: Door;
  readonly input: 'none' | 'object' | 'sharedObject' | 'oddObject' | 'url';
  readonly afterSeconds: number;
  /** When its owner wishes it cancelled. */
  readonly cancelAfterSeconds?: number | undefined;
}

export interface Script {
  readonly seed: number;
  readonly generations: readonly AskedGeneration[];
  readonly handover: 'upload' | 'auto' | 'presigned';
  /** Tasks that Wiro lets run at once; `undefined`: as many as come. */
  readonly limit: number | undefined;
  /** Generations whose outputs are copied at once; `undefined`: as many as come. */
  readonly maximumCollects: number | undefined;
  /** Tasks of others in the project, some of them without callback URL. */
  readonly strangers: 'none' | 'ordinary' | 'withoutUrl' | 'forged';
  readonly run: Course<RunAnswer>;
  readonly detail: Course<DetailAnswer>;
  readonly list: Course<ListAnswer>;
  readonly cancel: Course<StopAnswer>;
  readonly kill: Course<StopAnswer>;
  readonly upload: Course<ApiAnswer>;
  readonly tool: Course<ApiAnswer>;
  readonly tasks: Course<TaskStory>;
  readonly cdn: Course<CdnAnswer>;
  readonly readInput: Course<S3Answer>;
  readonly putOutput: Course<S3Answer>;
  /** What somebody made of the file that results are written to. */
  readonly results: 'right' | 'notJson' | 'huge';
  readonly bus: Course<BusAnswer>;
  readonly parameters: Course<ParameterAnswer>;
  readonly invoke: readonly InvokeAnswer[];
  readonly table: readonly TableAnswer[];
  readonly kills: {
    readonly submit: Course<Kill>;
    readonly callback: Course<Kill>;
    readonly others: readonly Kill[];
  };
}

/** Plays a course; from the moment at which it is healed, everything is right. */
export class Player<Answer> {
  readonly #course: Course<Answer>;
  #taken = 0;

  constructor(course: Course<Answer>) {
    this.#course = course;
  }

  next(): Answer {
    const { first, ever } = this.#course;
    const at = this.#taken++;
    const answer = at < first.length ? first[at] : ever[(at - first.length) % ever.length];
    if (answer === undefined) throw new Error('A course must go on for ever');
    return answer;
  }
}
