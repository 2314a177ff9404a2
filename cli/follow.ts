import { type Client, type Generation, hasEnded, type TaskMessage, type TaskStage } from '../client/index.ts';
import type { Cli } from './cli.ts';
import { plain } from './text.ts';

const LABELS: Readonly<Record<Generation['status'], string>> = {
  queued: 'queued',
  submitting: 'sending the request to Wiro',
  running: 'running at Wiro',
  collecting: 'copying the outputs',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
};
const STAGES: Readonly<Partial<Record<TaskStage, string>>> = {
  queued: 'waiting for a worker at Wiro',
  accepted: 'accepted by a worker',
  preprocessing: 'preparing the inputs',
  assigned: 'waiting for a GPU',
  started: 'started',
  ended: 'ended',
  postprocessing: 'storing the outputs at Wiro',
};

/** Follows a generation to its end, with its progress on standard error. */
export function followGeneration(
  client: Pick<Client, 'wait'>,
  id: string,
  { progress, signal }: Pick<Cli, 'progress' | 'signal'>,
): Promise<Generation> {
  let shown: string | undefined;
  return client.wait(id, {
    signal,
    onRecord: (record) => {
      // While the record says the same, the task's live messages are newer.
      const label = labelOf(record);
      if (label !== shown && !hasEnded(record)) progress.progress(label);
      shown = label;
    },
    onProgress: (message) => showMessage(message, progress),
  });
}

const labelOf = ({ status, waitingFor }: Generation): string =>
  waitingFor?.ahead === undefined ? LABELS[status] : `in line at Wiro, ${waitingFor.ahead} ahead`;

function showMessage(message: TaskMessage, progress: Cli['progress']): void {
  switch (message.kind) {
    case 'progress': {
      const { step, steps, percentage, speed, speedUnit = '', remaining } = message;
      const parts = [
        step !== undefined && steps !== undefined ? `step ${step} of ${steps}` : 'running',
        ...(speed === undefined ? [] : [`${speed} ${speedUnit}`.trim()]),
        ...(remaining === undefined ? [] : [`${remaining} left`]),
      ];
      progress.progress(parts.join(', '), percentage);
      return;
    }
    case 'log':
      if (!message.isError && plain(message.text) !== '') progress.progress(message.text);
      return;
    case 'stage': {
      const text = STAGES[message.stage];
      if (text !== undefined) progress.progress(text);
      return;
    }
    case 'segments': {
      const text = message.segments.at(-1)?.text;
      if (text !== undefined) progress.progress(`answering: …${plain(text).slice(-50)}`);
    }
  }
}
