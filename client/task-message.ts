/** A stage of Wiro's task, in their order. */
export type TaskStage =
  | 'queued'
  | 'accepted'
  | 'preprocessing'
  | 'assigned'
  | 'started'
  | 'output'
  | 'ended'
  | 'postprocessing'
  | 'finished'
  | 'cancelled';

/** What Wiro's socket tells about a running task. */
export type TaskMessage =
  | { readonly kind: 'stage'; readonly stage: TaskStage }
  | {
      readonly kind: 'progress';
      /** 0 to 100. */
      readonly percentage: number;
      readonly step?: number;
      readonly steps?: number;
      /** For example `1.68` of `it/s`. */
      readonly speed?: number;
      readonly speedUnit?: string;
      readonly remaining?: string;
    }
  /** A language model's answer. `replaces`: the whole so far, instead of what was shown. */
  | { readonly kind: 'segments'; readonly segments: readonly Segment[]; readonly replaces: true }
  /** A line of the model's output or, with `isError`, of its standard error. */
  | { readonly kind: 'log'; readonly text: string; readonly isError: boolean };

export interface Segment {
  readonly type: string;
  readonly text?: string;
  readonly [field: string]: unknown;
}

const STAGES: Readonly<Record<string, TaskStage>> = {
  task_queue: 'queued',
  task_accept: 'accepted',
  task_preprocess_start: 'preprocessing',
  task_preprocess_end: 'preprocessing',
  task_assign: 'assigned',
  task_start: 'started',
  task_output_full: 'output',
  task_end: 'ended',
  task_postprocess_start: 'postprocessing',
  task_postprocess_end: 'finished',
  task_cancel: 'cancelled',
};

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads one message of Wiro's socket, of the older form (with `tasktoken`) or the newer one.
 * @returns Nothing for what is not about the task, or is in a form that is not known.
 */
export function readTaskMessage(data: unknown): TaskMessage | undefined {
  if (typeof data !== 'string') return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (!isFields(fields) || typeof fields.type !== 'string') return undefined;
  const { type, message } = fields;
  if (type === 'task_output' || type === 'task_error' || type === 'task_error_full')
    return readOutput(type, message);
  const stage = Object.hasOwn(STAGES, type) ? STAGES[type] : undefined;
  return stage && { kind: 'stage', stage };
}

function readOutput(type: string, message: unknown): TaskMessage | undefined {
  const isError = type !== 'task_output';
  if (typeof message === 'string') return { kind: 'log', text: message, isError };
  if (!isFields(message)) return isError ? undefined : { kind: 'stage', stage: 'output' };
  const { segments, raw, percentage } = message;
  if (Array.isArray(segments))
    return { kind: 'segments', replaces: true, segments: segments.filter(isSegment) };
  const percent = numberOf(percentage);
  if (percent !== undefined) {
    const step = numberOf(message.stepCurrent);
    const steps = numberOf(message.stepTotal);
    const speed = numberOf(message.speed);
    return {
      kind: 'progress',
      percentage: Math.min(Math.max(percent, 0), 100),
      ...(step !== undefined && { step }),
      ...(steps !== undefined && { steps }),
      ...(speed !== undefined && { speed }),
      ...(typeof message.speedType === 'string' && { speedUnit: message.speedType }),
      ...(typeof message.remainingTime === 'string' && { remaining: message.remainingTime }),
    };
  }
  if (typeof raw === 'string') return { kind: 'log', text: raw, isError };
  return undefined;
}

const isSegment = (value: unknown): value is Segment =>
  isFields(value) &&
  typeof value.type === 'string' &&
  (value.text === undefined || typeof value.text === 'string');

/** Wiro writes most numbers as text. */
function numberOf(value: unknown): number | undefined {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}
