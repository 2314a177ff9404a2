import type { GenerationError } from './errors.ts';
import type { Timestamp } from './time.ts';

/**
 * The state of a generation, as it lies in the table: one requested run of one model, from request to copied
 * outputs. Small on purpose (under 1 KB): request and outputs are items of their own.
 */
export type Generation = Queued | Submitting | Running | Collecting | Succeeded | Failed | Cancelled;

export type Status = Generation['status'];

/** Who asked: the API, an object put into S3, or an EventBridge event. */
export type RequestOrigin = 'api' | 's3' | 'event';

interface Base {
  /** Of the stored form; a later version reads the earlier ones. */
  readonly version: 1;
  /** Counts writes: every write is conditional on the revision that it was decided on. */
  readonly revision: number;
  readonly id: string;
  readonly deployment: string;
  readonly origin: RequestOrigin;
  readonly model: string;
  readonly requestHash: string;
  /** Where its outputs and its `result.json` go, for one that a dropped file became; ends in `/`. */
  readonly outputFolder?: string;
  /** From 1; an explicit retry, or the one rerun with fresh uploads, starts the next. */
  readonly attempt: number;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
  /** When `reconcile` looks; absent once nothing is left to do, announcements included. */
  readonly dueAt?: Timestamp;
  /** How often `reconcile` or a collect looked since something last changed. */
  readonly looks: number;
  /** What is still to be told, oldest first; written with the change that it tells of. */
  readonly announcements: readonly Announcement[];
  readonly cancelRequestedAt?: Timestamp;
  /** The first signed callback of this attempt, and the task that its body named: a hint, never evidence. */
  readonly callback?: { readonly seenAt: Timestamp; readonly taskId?: string };
  /** A step that failed in passing and is tried again with back-off. */
  readonly trouble?: Trouble;
  /** Inputs are uploaded anew: a run with reused uploads failed. */
  readonly freshUploads?: true;
  /** The latest alone, its message in brief: each lies whole in an item of its own. Earlier releases listed all. */
  readonly pastAttempts: readonly PastAttempt[];
}

export interface Queued extends Base {
  readonly status: 'queued';
  /** Turned away at the gate: in line for a slot. */
  readonly waiting: boolean;
}

export interface Submitting extends Base {
  readonly status: 'submitting';
  readonly claim: Claim;
  /** The write-ahead mark: from here on a task may exist. */
  readonly run?: RunMark;
}

interface WithTask extends Base {
  readonly run: RunMark;
  readonly task: TaskNames;
  readonly stop?: StopSent;
  /** How often an end with `pexit` 0 and no outputs was read. */
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
  /** How the task ended, as Wiro said; absent where there is none, or no end was seen. */
  readonly taskEnd?: 'succeeded' | 'failed' | 'cancelled';
  readonly costUsd?: number;
  /** The task's own account of its time, in seconds. */
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

/** The right to work on a generation, until a moment; only its holder writes. */
export interface Claim {
  readonly holder: string;
  readonly until: Timestamp;
}

export interface RunMark {
  readonly startedAt: Timestamp;
  readonly reusedUploads: boolean;
  /** When a complete search for this Run's task first found nothing. */
  readonly emptySearchAt?: Timestamp;
  /** How often it was searched for. */
  readonly searches: number;
}

/** A task's two names. The token is a capability: only the API's caller gets it. */
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
  /** When each code was first met since then: two that take turns must not make it go on for ever. */
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
  /** The same for every delivery, so that consumers can dedupe. */
  readonly eventId: string;
  readonly type: 'Running' | 'Succeeded' | 'Failed' | 'Cancelled';
  readonly attempt: number;
  readonly at: Timestamp;
}

/** What the outputs item of one attempt holds. */
export interface GenerationOutputs {
  readonly attempt: number;
  /** That of the state on whose claim they were copied: a later claim's outputs are never replaced by an earlier one's. */
  readonly revision: number;
  readonly outputs: readonly Output[];
}

export interface Output {
  readonly name: string;
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** What Wiro's record of the task says otherwise. Where the generation succeeded, two reads came to the same. */
  readonly differsFrom?: AdvertisedOutput;
  /** A language model's answer, where it is small: the same that the object holds. */
  readonly content?: unknown;
}

/** What Wiro's record says of an output, as far as the output is not so. */
export interface AdvertisedOutput {
  readonly sizeBytes?: number;
  readonly contentType?: string;
}

export type Ending = Succeeded | Failed | Cancelled;

export const hasEnded = (generation: Generation): generation is Ending =>
  generation.status === 'succeeded' || generation.status === 'failed' || generation.status === 'cancelled';

/** Whether it waits at the gate for its turn. */
export const isInLine = (generation: Generation): generation is Queued =>
  generation.status === 'queued' && generation.waiting;

/** Where a generation stands in the queue: oldest first, unique. */
export const queueKey = ({ createdAt, id }: Pick<Base, 'createdAt' | 'id'>): string => `${createdAt}#${id}`;

export const idOfQueueKey = (key: string): string => key.slice(key.indexOf('#') + 1);

/** For the end of a `switch`: a new kind does not compile until it is handled. */
export function assertNever(value: never): never {
  throw new Error(`Not expected: ${JSON.stringify(value)}`);
}
