import type { GenerationError } from '../generation/errors.ts';
import {
  type Generation,
  isInLine,
  type Output,
  type PastAttempt,
  type Status,
} from '../generation/generation.ts';
import type { OtherHandover } from '../generation/handover.ts';
import { openHints, type TaskHint } from '../generation/task-hint.ts';
import { type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import type { AcceptedRequest } from '../request/accepted-request.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Durations } from '../settings.ts';
import { isFetchingOutputs, type WaitingFor, type WaitNotes, waitingFor } from './waiting-for.ts';

/** A generation as its users see it: the answer of the API, and what `demo --json` prints. */
export interface GenerationRecord {
  readonly id: string;
  readonly model: string;
  /** `collecting` as soon as the outputs of a task that ended are all that is missing. */
  readonly status: Status;
  readonly attempt: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** A large request lies in S3, and was deleted there: parameters, inputs and labels are no longer known. */
  readonly requestGone?: true;
  /** As the request said them. */
  readonly inputs: Readonly<Record<string, string | readonly string[]>>;
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * How inputs in S3 went to Wiro in this attempt, where it refuses the project's uploads. Not `pinned`: whether an input
   * was replaced between acceptance and its fetching cannot be told.
   */
  readonly inputHandover?: { readonly by: OtherHandover['by']; readonly pinned: boolean };
  readonly taskId?: string;
  /** Why it has not ended yet. */
  readonly waitingFor?: WaitingFor;
  /** Named by a signed callback after its attempt had ended without a task: a retry collects it. */
  readonly calledBackTaskId?: string;
  /** While its task runs: where to follow it. The token is a capability: do not pass it on. */
  readonly progress?: { readonly socketUrl: string; readonly token: string };
  /** The first 1,000. */
  readonly outputs: readonly RecordedOutput[];
  /** How many there are, where not all are listed. */
  readonly outputsTotal?: number;
  readonly costUsd?: number;
  /** The task's own account of its time. */
  readonly elapsedSeconds?: number;
  readonly error?: GenerationError;
  readonly cancelRequestedAt?: Timestamp;
  /** The latest 20, oldest first. */
  readonly pastAttempts?: readonly PastAttempt[];
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
  readonly endedAt?: Timestamp;
}

export interface RecordedOutput extends Output {
  /** Presigned: whoever has it can read the output until `urlExpiresAt`. */
  readonly url: string;
  readonly urlExpiresAt: Timestamp;
}

export interface PresignedUrl {
  readonly url: string;
  readonly expiresAt: Timestamp;
}

export interface RecordDeps {
  readonly socketUrl: string;
  readonly presign: (output: Output) => Promise<PresignedUrl>;
  /** How many wait in line before one that waits: `MOST_AHEAD` at most. */
  readonly ahead: (generation: Generation) => Promise<number>;
  readonly durations: Durations;
  readonly clock: Clock;
}

/** With its link one takes 2 KB, and Lambda answers 6 MB at most. */
const MOST_OUTPUTS = 1_000;

/** The record of a generation. */
export async function toRecord(
  { socketUrl, presign, ahead, durations, clock }: RecordDeps,
  {
    generation,
    request,
    outputs,
    pastAttempts,
    notes,
    hints = [],
  }: {
    readonly generation: Generation;
    readonly request: AcceptedRequest & { readonly isGone?: true };
    readonly outputs: readonly Output[];
    readonly pastAttempts: readonly PastAttempt[];
    readonly notes: WaitNotes & { readonly handover?: OtherHandover };
    /** @default - none was kept */
    readonly hints?: readonly TaskHint[];
  },
): Promise<GenerationRecord> {
  const { id, model, attempt, createdAt, updatedAt, cancelRequestedAt } = generation;
  const task = 'task' in generation ? generation.task : undefined;
  const status = shownStatus(generation);
  const place = isInLine(generation)
    ? await ahead(generation).catch(
        logIgnored('the record does without its place in line', { generationId: id }),
      )
    : undefined;
  const waiting = waitingFor(generation, {
    notes,
    moment: { now: timestamp(clock()), durations },
    ahead: place ?? undefined,
  });
  const [named] = openHints({ generation, pastAttempts, hints });
  return {
    id,
    model,
    status,
    attempt,
    parameters: request.parameters,
    ...(request.isGone && { requestGone: true as const }),
    inputs: Object.fromEntries(
      Object.entries(request.inputs).map(([name, given]) => {
        const texts = given.map(({ text }) => text);
        return [name, texts.length === 1 && texts[0] !== undefined ? texts[0] : texts];
      }),
    ),
    ...(Object.keys(request.labels).length > 0 && { labels: request.labels }),
    ...(notes.handover && {
      inputHandover: { by: notes.handover.by, pinned: notes.handover.isPinned },
    }),
    ...(task && { taskId: task.id }),
    ...(waiting && { waitingFor: waiting }),
    ...(status === 'running' && task?.token !== undefined && { progress: { socketUrl, token: task.token } }),
    ...(named && { calledBackTaskId: named.taskId }),
    outputs: await Promise.all(
      outputs.slice(0, MOST_OUTPUTS).map(async (output) => {
        const { url, expiresAt } = await presign(output);
        return { ...output, url, urlExpiresAt: expiresAt };
      }),
    ),
    ...(outputs.length > MOST_OUTPUTS && { outputsTotal: outputs.length }),
    ...('costUsd' in generation && generation.costUsd !== undefined && { costUsd: generation.costUsd }),
    ...('elapsedSeconds' in generation &&
      generation.elapsedSeconds !== undefined && { elapsedSeconds: generation.elapsedSeconds }),
    ...(generation.status === 'failed' && { error: explain(generation.error, named) }),
    ...(cancelRequestedAt !== undefined && { cancelRequestedAt }),
    ...(pastAttempts.length > 0 && { pastAttempts: pastAttempts.map(toPast) }),
    createdAt,
    updatedAt,
    ...('endedAt' in generation && { endedAt: generation.endedAt }),
  };
}

const shownStatus = (generation: Generation): Status =>
  generation.status === 'running' && isFetchingOutputs(generation) ? 'collecting' : generation.status;

/** What a person who reads of the end should know that came after it. */
const explain = (error: GenerationError, named: TaskHint | undefined): GenerationError =>
  // The one that could not be read is named already.
  named === undefined || error.code === 'task_unreadable'
    ? error
    : {
        ...error,
        message: `${error.message} Since then a signed callback has named task ${named.taskId}: a retry asks Wiro about it and, if it is this generation's, collects it without paying again.`,
        retryable: true,
      };

const toPast = ({ attempt, taskId, endedAt, code, message }: PastAttempt): PastAttempt => ({
  attempt,
  ...(taskId !== undefined && { taskId }),
  endedAt,
  code,
  message,
});
