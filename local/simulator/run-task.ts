import type { Clock } from './clock.ts';
import type { TaskStatus } from './fault-rules.ts';
import type { TaskInput } from './inputs.ts';
import { numberParameter } from './parameters.ts';
import type { SocketHub } from './socket.ts';
import type { SimulatedTask, TaskOutput } from './tasks.ts';

export interface RunTaskDeps {
  readonly clock: Clock;
  readonly socket: Pick<SocketHub, 'emit' | 'hasListeners'>;
  readonly fetchInput: (url: string) => Promise<TaskInput>;
  readonly makeOutputs: (task: SimulatedTask, inputs: readonly TaskInput[]) => Promise<TaskOutput[]>;
}

/** The model failed. The message becomes the task's `debugerror`. */
export class ModelFailedError extends Error {
  readonly exitCode: string;

  constructor(message: string, exitCode: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The task was killed, or a fault cancelled it. */
export class CancelledError extends Error {}

// The share of a task's duration at which each status begins.
const AT = {
  accept: 0.02,
  preprocessStart: 0.04,
  preprocessEnd: 0.12,
  assign: 0.15,
  start: 0.2,
  progress: [0.25, 0.3, 0.36, 0.42, 0.48, 0.55, 0.62, 0.69, 0.77, 0.85],
  end: 0.9,
  postprocessStart: 0.93,
  postprocessEnd: 1,
};

/**
 * Runs a task from its acceptance by a worker through all statuses.
 * @returns The outputs.
 * @throws {ModelFailedError} {@link CancelledError}
 */
export async function runTask(
  { clock, socket, fetchInput, makeOutputs }: RunTaskDeps,
  task: SimulatedTask,
  durationMs: number,
): Promise<TaskOutput[]> {
  const { fault, stop } = task;
  const begunAt = clock.now();
  const until = async (share: number) => {
    const leftMs = durationMs * share - clock.since(begunAt);
    if (leftMs > 0) await clock.wait(leftMs, stop.signal);
    stop.signal.throwIfAborted();
  };
  const enter = async (share: number, status: TaskStatus, message?: unknown) => {
    await until(share);
    task.history.push({ status, at: clock.now() });
    socket.emit(task, status, message);
    if (fault?.kind === 'stuck' && status === (fault.status ?? 'task_start')) await forever(stop.signal);
  };

  if (fault?.kind === 'stuck' && fault.status === 'task_queue') await forever(stop.signal);
  await enter(AT.accept, 'task_accept');
  await enter(AT.preprocessStart, 'task_preprocess_start');
  const inputs = await Promise.all(task.inputUrls.map(fetchInput));
  if (fault?.kind === 'error') {
    task.debugError = fault.message ?? 'No worker could be prepared';
    await enter(0, 'task_error', task.debugError);
    if (fault.requeuedAfterMs === undefined) await forever(stop.signal);
    else await clock.wait(fault.requeuedAfterMs, stop.signal);
    stop.signal.throwIfAborted();
    task.debugError = '';
    await enter(0, 'task_accept');
    if (fault.thenFails !== undefined) throw new ModelFailedError(fault.thenFails, '1');
  }
  await enter(AT.preprocessEnd, 'task_preprocess_end');
  await enter(AT.assign, 'task_assign');
  await enter(AT.start, 'task_start');

  const making = makeOutputs(task, inputs).finally(() => Promise.all(inputs.map(({ discard }) => discard())));
  // The promise is awaited below. A kill before that must not leave its rejection unhandled.
  making.catch(() => {});
  await enter(AT.progress[0] ?? 0, 'task_output', 'Loading the pipeline');
  for (const [done, share] of AT.progress.entries()) {
    await until(share);
    if (socket.hasListeners(task))
      socket.emit(task, 'task_output', progress(task, done + 1, durationMs * share));
  }
  if (fault?.kind === 'cancelled' && !fault.likeSample) throw new CancelledError();
  if (fault?.kind === 'fails')
    throw new ModelFailedError(fault.message ?? 'CUDA out of memory', fault.exitCode ?? '1');
  const outputs = await making.catch((cause: Error) => {
    throw new ModelFailedError(cause.message, '1', { cause });
  });
  task.debugOutput = outputs.map(textOf).join('');
  await enter(0, 'task_output_full', { raw: task.debugOutput });
  await enter(AT.end, 'task_end');
  await enter(AT.postprocessStart, 'task_postprocess_start');
  await until(AT.postprocessEnd);
  return outputs;
}

function progress({ parameters }: SimulatedTask, done: number, elapsedMs: number) {
  const ofAll = AT.progress.length;
  const stepTotal = numberParameter(parameters, 'steps', 20);
  const elapsedSeconds = elapsedMs / 1000;
  return {
    type: 'progressGenerate',
    task: 'Generate',
    percentage: String(Math.round((done / ofAll) * 100)),
    stepCurrent: String(Math.round((done / ofAll) * stepTotal)),
    stepTotal: String(stepTotal),
    speed: ((stepTotal * done) / ofAll / Math.max(elapsedSeconds, 0.001)).toFixed(2),
    speedType: 'it/s',
    elapsedTime: elapsedSeconds.toFixed(1),
    remainingTime: ((elapsedSeconds * (ofAll - done)) / done).toFixed(1),
  };
}

function textOf(output: TaskOutput): string {
  return output.kind === 'raw' ? output.content.answer.join('\n') : '';
}

function forever(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
