import type { Segment, TaskMessage, TaskStage } from '../../../client/index.ts';

/** What Wiro's socket has told about a task so far. */
export interface ProgressState {
  readonly stage?: TaskStage;
  readonly percentage?: number;
  /** For example `step 12 of 25, 1.7 it/s, 0:07 left`. */
  readonly detail?: string;
  readonly segments: readonly Segment[];
  /** The latest lines. */
  readonly log: readonly LogLine[];
  /** Lines that the log had before them. */
  readonly logBefore: number;
}

export interface LogLine {
  readonly text: string;
  readonly isError: boolean;
}

export const NOTHING_YET: ProgressState = { segments: [], log: [], logBefore: 0 };

const MOST_LINES = 500;
const LONGEST_LINE = 10_000;

/** Adds a message of Wiro's socket. */
export function addMessage(state: ProgressState, message: TaskMessage): ProgressState {
  switch (message.kind) {
    case 'stage':
      return addLine({ ...state, stage: message.stage }, { text: SENTENCE[message.stage], isError: false });
    case 'progress': {
      const { percentage, step, steps, speed, speedUnit, remaining } = message;
      const parts = [
        step !== undefined && steps !== undefined && `step ${step} of ${steps}`,
        speed !== undefined && `${speed}${speedUnit === undefined ? '' : ` ${speedUnit}`}`,
        remaining !== undefined && remaining !== '' && `${remaining} left`,
      ].filter((part) => part !== false);
      const detail = parts.join(', ');
      const line = { text: `${percentage} %${detail === '' ? '' : `: ${detail}`}`, isError: false };
      return addLine({ ...state, stage: 'output', percentage, detail }, line);
    }
    case 'segments':
      return { ...state, stage: 'output', segments: message.segments };
    case 'log':
      return addLine(state, { text: message.text.slice(0, LONGEST_LINE), isError: message.isError });
  }
}

function addLine(state: ProgressState, line: LogLine): ProgressState {
  const log = [...state.log, line];
  const over = Math.max(0, log.length - MOST_LINES);
  return { ...state, log: log.slice(over), logBefore: state.logBefore + over };
}

/** What each stage of Wiro's task means. */
export const SENTENCE: Readonly<Record<TaskStage, string>> = {
  queued: "Waits in Wiro's queue.",
  accepted: 'Accepted by a worker.',
  preprocessing: 'Its inputs are prepared.',
  assigned: 'Has a GPU, and waits for its turn there.',
  started: 'The model runs.',
  output: 'The model runs.',
  ended: 'The model has ended.',
  postprocessing: 'Its outputs are prepared.',
  finished: 'Finished at Wiro.',
  cancelled: 'Cancelled at Wiro.',
};
