import type { GenerationError } from './errors.ts';
import type { Timestamp } from './time.ts';

/**
 * The state of a generation: one requested run of one model, from request to copied outputs.
 *
 *     queued ──► submitting ──► running ──► collecting ──► succeeded
 *      ▲ │        │    │           ▲         │  │  │
 *      │ │        │    │           └─────────┘  │  │         not ended, or its outputs are not there yet
 *      ├─┼────────┘    │                        │  │         a setback, or no free slot
 *      └─┼─────────────┼────────────────────────┘  │         the next attempt, with fresh uploads
 *        └─────────────┴───────────────────────────┴──────►  failed | cancelled
 *
 * A callback that names the task of a lost Run also leads from `queued` to `running`. A retry leads from `failed` and
 * `cancelled` to the next attempt: to `queued`, or to `running` if the task can still be collected.
 *
 * `transitions/` has a function for each arrow. The stored item stays under 1 KB: request and outputs are items of their own.
 */
export type Generation = Queued | Submitting | Running | Collecting | Succeeded | Failed | Cancelled;

export type Status = Generation['status'];

/** Where the request came from: the API, an S3 object, or an EventBridge event. */
export type RequestOrigin = 'api' | 's3' | 'event';

interface Base {
  /** The version of the stored form. A later release reads the earlier versions. */
  readonly version: 1;
  /** Counts writes. Every write is conditional on the revision that it was decided on. */
  readonly revision: number;
  readonly id: string;
  readonly deployment: string;
  readonly origin: RequestOrigin;
  readonly model: string;
  readonly requestHash: string;
  /** The folder of the outputs and of `result.json`, if a dropped file made the generation. Ends in `/`. */
  readonly outputFolder?: string;
  /** Starts at 1. A retry on request, or the one rerun with fresh uploads, starts the next. */
  readonly attempt: number;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
  /** From when the index nominates it for `reconcile`: see `looksAt`. Absent once nothing is left to do or to announce. */
  readonly dueAt?: Timestamp;
  /** How often `reconcile` or a collector looked since the last change. */
  readonly looks: number;
  /** Announcements to deliver, oldest first. Each is written with the change that it announces. */
  readonly announcements: readonly Announcement[];
  readonly cancelRequestedAt?: Timestamp;
  /** The latest signed callback of this attempt, and the task that its body named: a hint, never evidence. */
  readonly callback?: { readonly seenAt: Timestamp; readonly taskId?: string };
  /** Setbacks since the last success. The step is tried again with back-off. */
  readonly trouble?: Trouble;
  /** Inputs are uploaded anew, because a run with reused uploads failed. */
  readonly freshUploads?: true;
  /** The latest past attempt, with a shortened message. Each has a full item of its own. Earlier releases listed all. */
  readonly pastAttempts: readonly PastAttempt[];
}

export interface Queued extends Base {
  readonly status: 'queued';
  /** In line for a slot at the gate. */
  readonly waiting: boolean;
}

export interface Submitting extends Base {
  readonly status: 'submitting';
  readonly claim: Claim;
  /** The write-ahead mark. Once it stands, a task may exist. */
  readonly run?: RunMark;
}

interface WithTask extends Base {
  readonly run: RunMark;
  readonly task: TaskNames;
  readonly stop?: StopSent;
  /** How often the task was read as succeeded without outputs. */
  readonly emptyReads: number;
}

export interface Running extends WithTask {
  readonly status: 'running';
}

export interface Collecting extends WithTask {
  readonly status: 'collecting';
  readonly claim: Claim;
}

interface Ended extends Base {
  readonly endedAt: Timestamp;
  readonly run?: RunMark;
  readonly task?: TaskNames;
  /** How the task ended at Wiro. Absent if there is no task, or if its end was not seen. */
  readonly taskEnd?: 'succeeded' | 'failed' | 'cancelled';
  readonly costUsd?: number;
  /** The task's running time as Wiro gives it, in seconds. */
  readonly elapsedSeconds?: number;
}

export interface Succeeded extends Ended {
  readonly status: 'succeeded';
}

export interface Failed extends Ended {
  readonly status: 'failed';
  readonly error: GenerationError;
}

export interface Cancelled extends Ended {
  readonly status: 'cancelled';
}

/** The right to work on a generation until a moment. Only its holder writes. */
export interface Claim {
  readonly holder: string;
  readonly until: Timestamp;
}

export interface RunMark {
  readonly startedAt: Timestamp;
  readonly reusedUploads: boolean;
  /** When a complete search for this Run's task first found nothing. */
  readonly emptySearchAt?: Timestamp;
  /** How often the task was searched for. */
  readonly searches: number;
}

/** A task's two names. The token is a capability: only the caller of the API gets it. */
export interface TaskNames {
  readonly id: string;
  readonly token?: string;
}

export interface StopSent {
  readonly cancelSentAt: Timestamp;
  readonly killSentAt?: Timestamp;
}

export interface Trouble {
  readonly since: Timestamp;
  /** When each code first occurred since then. Each has its own patience, so that two in turn do not prolong each other. */
  readonly firstAt: Readonly<Partial<Record<GenerationError['code'], Timestamp>>>;
  readonly count: number;
  readonly code: GenerationError['code'];
  readonly message: string;
}

export interface PastAttempt {
  readonly attempt: number;
  readonly taskId?: string;
  readonly endedAt: Timestamp;
  readonly code: GenerationError['code'];
  readonly message: string;
}

export interface Announcement {
  /** The same for every delivery, so that consumers can deduplicate. */
  readonly eventId: string;
  readonly type: 'Running' | 'Succeeded' | 'Failed' | 'Cancelled';
  readonly attempt: number;
  readonly at: Timestamp;
}

/** The content of the outputs item of one attempt. */
export interface GenerationOutputs {
  readonly attempt: number;
  /** The revision of the claim under which they were copied. The outputs of an earlier claim never replace those of a later one. */
  readonly revision: number;
  readonly outputs: readonly Output[];
}

export interface Output {
  readonly name: string;
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** In lower-case hex. */
  readonly sha256: string;
  /** What differs in Wiro's record of the task. If the generation succeeded, two reads agreed on the output. */
  readonly differsFrom?: AdvertisedOutput;
  /** A language model's answer, if it is small. The object has the same content. */
  readonly content?: unknown;
  /** Why a language model stopped: `stop`, `length`, `tool_calls`, `content_filter`, `error`. */
  readonly finishReason?: string;
  /** What a language model counted, such as its tokens. */
  readonly usage?: Readonly<Record<string, unknown>>;
}

/** What Wiro's record says of an output, where the output differs. */
export interface AdvertisedOutput {
  readonly sizeBytes?: number;
  readonly contentType?: string;
}

export type Ending = Succeeded | Failed | Cancelled;

export const hasEnded = (generation: Generation): generation is Ending =>
  generation.status === 'succeeded' || generation.status === 'failed' || generation.status === 'cancelled';

/** Whether the generation waits in line for a slot. */
export const isInLine = (generation: Generation): generation is Queued =>
  generation.status === 'queued' && generation.waiting;

/** A unique key that sorts the queue, oldest first. */
export const queueKey = ({ createdAt, id }: Pick<Base, 'createdAt' | 'id'>): string => `${createdAt}#${id}`;

export const idOfQueueKey = (key: string): string => key.slice(key.indexOf('#') + 1);

/** Ends a `switch` over a union, so that a new kind does not compile until a case covers it. */
export function assertNever(value: never): never {
  throw new Error(`Not expected: ${JSON.stringify(value)}`);
}
