import { setTimeout as wait } from 'node:timers/promises';
import type { GenerationRecord } from '../../functions/api/record.ts';
import { SetupError } from '../setup-error.ts';
import type { ApiClient } from './api-client.ts';
import type { ProgressDisplay } from './progress-display.ts';
import { listenToTask } from './task-socket.ts';

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

export interface FollowOptions {
  readonly api: Pick<ApiClient, 'read'>;
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
  api,
  id,
  display,
  limitMs,
  signal,
}: FollowOptions): Promise<GenerationRecord> {
  const endsAt = Date.now() + limitMs;
  let stopListening: (() => void) | undefined;
  let status: GenerationRecord['status'] | undefined;
  try {
    for (;;) {
      const record = await api.read(id, signal);
      if (isOver(record)) return record;
      // While the status is unchanged, the task's live messages are newer.
      if (record.status !== status) display.progress(LABELS[record.status]);
      status = record.status;
      if (record.progress && !stopListening)
        stopListening = listenToTask(record.progress, ({ text, percentage }) => {
          if (status === 'running') display.progress(text ?? 'running', percentage);
        });
      if (Date.now() > endsAt)
        throw new SetupError(
          `Generation ${id} is still "${record.status}" after ${Math.round(limitMs / 60_000)} minutes${record.taskId ? `; task ${record.taskId} continues at Wiro` : ''}.`,
        );
      await wait(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  } finally {
    stopListening?.();
  }
}

function isOver({ status }: GenerationRecord): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'cancelled';
}
