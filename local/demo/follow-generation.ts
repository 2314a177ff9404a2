import type { ProgressDisplay } from '../../cli/progress-display.ts';
import { type Client, hasEnded, type TaskMessage, type TaskStage } from '../../client/index.ts';
import type { GenerationRecord } from '../../functions/api/record.ts';
import { SetupError } from '../setup-error.ts';

const POLL_MS = 250;
const LABELS: Readonly<Record<GenerationRecord['status'], string>> = {
  queued: 'queued',
  submitting: 'submitting: sending the photographs to Wiro',
  running: 'running at Wiro',
  collecting: 'collecting: copying the images to S3',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
};
const STAGES: Readonly<Partial<Record<TaskStage, string>>> = {
  queued: 'waiting for a worker',
  accepted: 'accepted by a worker',
  preprocessing: 'preparing the inputs',
  assigned: 'waiting for a GPU',
  started: 'started',
  ended: 'ended',
  postprocessing: 'storing the outputs',
};

export interface FollowOptions {
  readonly client: Pick<Client, 'wait'>;
  readonly id: string;
  readonly display: Pick<ProgressDisplay, 'progress'>;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/**
 * Shows a generation's progress, from its record and from its task's live messages, until it is over.
 * @throws {SetupError} If it is not over within `limitMs`.
 */
export async function followGeneration({
  client,
  id,
  display,
  limitMs,
  signal,
}: FollowOptions): Promise<GenerationRecord> {
  const limit = AbortSignal.timeout(limitMs);
  let latest: Pick<GenerationRecord, 'status' | 'taskId'> = { status: 'queued' };
  let shown: GenerationRecord['status'] | undefined;
  try {
    const generation = await client.wait(id, {
      signal: AbortSignal.any([signal, limit]),
      maximumPollMs: POLL_MS,
      onRecord: (record) => {
        latest = record;
        // While the status is unchanged, the task's live messages are newer.
        if (record.status !== shown && !hasEnded(record)) display.progress(LABELS[record.status]);
        shown = record.status;
      },
      onProgress: (message) => {
        if (shown === 'running') showMessage(message, display);
      },
    });
    return generation as GenerationRecord;
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted) throw error;
    throw new SetupError(
      `Generation ${id} is still "${latest.status}" after ${Math.round(limitMs / 60_000)} minutes${latest.taskId ? `; task ${latest.taskId} continues at Wiro` : ''}.`,
    );
  }
}

function showMessage(message: TaskMessage, display: FollowOptions['display']): void {
  switch (message.kind) {
    case 'progress': {
      const { step, steps, percentage } = message;
      const text = step !== undefined && steps !== undefined ? `step ${step} of ${steps}` : 'running';
      display.progress(text, percentage);
      return;
    }
    case 'log':
      if (!message.isError) display.progress(message.text);
      return;
    case 'stage': {
      const text = STAGES[message.stage];
      if (text !== undefined) display.progress(text);
      return;
    }
    case 'segments':
  }
}
