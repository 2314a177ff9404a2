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
import type { AcceptedRequest, Warning } from '../request/accepted-request.ts';
import type { Price } from '../request/price.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Durations } from '../settings.ts';
import { isFetchingOutputs, type WaitingFor, type WaitNotes, waitingFor } from './waiting-for.ts';

/** A generation as the API returns it and `demo --json` prints it. */
export interface GenerationRecord {
  readonly id: string;
  readonly model: string;
  /** `collecting` as soon as only the outputs of an ended task are missing. */
  readonly status: Status;
  readonly attempt: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The request was too large for the table, and its object in S3 was deleted: parameters, inputs and labels are lost. */
  readonly requestGone?: true;
  /** The sources as written in the request. */
  readonly inputs: Readonly<Record<string, string | readonly string[]>>;
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * How inputs in S3 went to Wiro in this attempt, if Wiro refuses the project's uploads. If not `pinned`, an input may
   * have been replaced after acceptance, before Wiro fetched it.
   */
  readonly inputHandover?: { readonly by: OtherHandover['by']; readonly pinned: boolean };
  /** Wiro's schema of the model was unavailable at acceptance, so the parameters were not checked. */
  readonly schemaUnchecked?: true;
  /** What seemed wrong with the request but did not prevent its acceptance. */
  readonly warnings?: readonly Warning[];
  /** The price expected at acceptance, in USD. `priceCertainty` says how sure it is. */
  readonly priceUsd?: number;
  readonly priceCertainty?: Price['certainty'];
  readonly taskId?: string;
  /** What an unfinished generation waits for. */
  readonly waitingFor?: WaitingFor;
  /** A task that a signed callback named after its attempt had ended without one. A retry collects it. */
  readonly calledBackTaskId?: string;
  /** How to follow the task while it runs. The token is a capability: do not share it. */
  readonly progress?: { readonly socketUrl: string; readonly token: string };
  /** The first 1,000. */
  readonly outputs: readonly RecordedOutput[];
  /** The number of outputs, if not all are listed. */
  readonly outputsTotal?: number;
  readonly costUsd?: number;
  /** As Wiro's record of the task states it. */
  readonly elapsedSeconds?: number;
  /** When its current Run was sent. */
  readonly startedAt?: Timestamp;
  /** Why a language model stopped. */
  readonly finishReason?: string;
  /** What a language model counted, such as its tokens. */
  readonly usage?: Readonly<Record<string, unknown>>;
  readonly error?: GenerationError;
  readonly cancelRequestedAt?: Timestamp;
  /** The latest 20, oldest first. */
  readonly pastAttempts?: readonly PastAttempt[];
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
  readonly endedAt?: Timestamp;
}

export interface RecordedOutput extends Omit<Output, 'finishReason' | 'usage'> {
  /** A presigned URL. It lets its holder read the output until `urlExpiresAt`. */
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
  /** Counts the generations ahead of a waiting one in line, up to `MOST_AHEAD`. */
  readonly ahead: (generation: Generation) => Promise<number>;
  readonly durations: Durations;
  readonly clock: Clock;
}

/** An output with its URL has up to 2 KB, and a Lambda response at most 6 MB. */
const MOST_OUTPUTS = 1_000;

/** Builds the record of a generation. */
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
    /** @default - none */
    readonly hints?: readonly TaskHint[];
  },
): Promise<GenerationRecord> {
  const { id, model, attempt, createdAt, updatedAt, cancelRequestedAt } = generation;
  const task = 'task' in generation ? generation.task : undefined;
  const status = shownStatus(generation);
  const aheadCount = isInLine(generation)
    ? await ahead(generation).catch(
        logIgnored('the record omits the number of generations ahead', { generationId: id }),
      )
    : undefined;
  const waiting = waitingFor(generation, {
    notes,
    moment: { now: timestamp(clock()), durations },
    ahead: aheadCount ?? undefined,
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
    ...(request.schemaUnchecked && { schemaUnchecked: true as const }),
    ...(request.warnings && { warnings: request.warnings }),
    ...(request.priceUsd !== undefined && { priceUsd: request.priceUsd }),
    ...(request.priceCertainty && { priceCertainty: request.priceCertainty }),
    ...(task && { taskId: task.id }),
    ...(waiting && { waitingFor: waiting }),
    ...(status === 'running' && task?.token !== undefined && { progress: { socketUrl, token: task.token } }),
    ...(named && { calledBackTaskId: named.taskId }),
    outputs: await Promise.all(
      outputs.slice(0, MOST_OUTPUTS).map(async (output) => {
        const { url, expiresAt } = await presign(output);
        const { finishReason: _, usage: __, ...shown } = output;
        return { ...shown, url, urlExpiresAt: expiresAt };
      }),
    ),
    ...(outputs.length > MOST_OUTPUTS && { outputsTotal: outputs.length }),
    ...('costUsd' in generation && generation.costUsd !== undefined && { costUsd: generation.costUsd }),
    ...('elapsedSeconds' in generation &&
      generation.elapsedSeconds !== undefined && { elapsedSeconds: generation.elapsedSeconds }),
    ...('run' in generation && generation.run !== undefined && { startedAt: generation.run.startedAt }),
    ...accountOfModel(outputs),
    ...(generation.status === 'failed' && { error: explain(generation.error, named) }),
    ...(cancelRequestedAt !== undefined && { cancelRequestedAt }),
    ...(pastAttempts.length > 0 && { pastAttempts: pastAttempts.map(toPast) }),
    createdAt,
    updatedAt,
    ...('endedAt' in generation && { endedAt: generation.endedAt }),
  };
}

/** What a language model says of its answer, which is one output. */
function accountOfModel(outputs: readonly Output[]): Pick<GenerationRecord, 'finishReason' | 'usage'> {
  const { finishReason, usage } = outputs.find(({ name }) => name === 'answer.json') ?? {};
  return {
    ...(finishReason !== undefined && { finishReason }),
    ...(usage !== undefined && { usage }),
  };
}

/** Returns the status as users see it. */
export const shownStatus = (generation: Generation): Status =>
  generation.status === 'running' && isFetchingOutputs(generation) ? 'collecting' : generation.status;

/** Adds to the error of an ended generation that a callback has named a task since. */
const explain = (error: GenerationError, named: TaskHint | undefined): GenerationError =>
  // The message of `task_unreadable` already names the task.
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
