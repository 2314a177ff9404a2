import type { Callbacks } from './callbacks.ts';
import { chargeFor } from './charge.ts';
import type { TaskStatus } from './fault-rules.ts';
import { CancelledError, ModelFailedError, type RunTaskDeps, runTask } from './run-task.ts';
import type { Settings } from './settings.ts';
import { describeOutputs } from './task-record.ts';
import { isOver, type SimulatedTask, statusOf, type TaskOutput, type TaskStore } from './tasks.ts';

export interface LifecycleDeps extends RunTaskDeps {
  readonly settings: Settings;
  readonly tasks: Pick<TaskStore, 'retire'>;
  readonly callbacks: Pick<Callbacks, 'announce'>;
}

export interface Lifecycle {
  /** Queues a new task. */
  begin(task: SimulatedTask): void;
  /** Removes a task from the queue without a callback. @returns Whether it was still there. */
  cancel(task: SimulatedTask): boolean;
  /** Stops a running task. @returns Whether its status allowed it. */
  kill(task: SimulatedTask): boolean;
  /** The total charges so far. */
  chargedUsd(): number;
}

// Wiro documents neither Cancel nor Kill between acceptance and the assignment of a GPU.
const KILLABLE: readonly TaskStatus[] = [
  'task_assign',
  'task_start',
  'task_output',
  'task_output_full',
  'task_end',
  'task_postprocess_start',
  'task_error',
];

export function createLifecycle(deps: LifecycleDeps): Lifecycle {
  const { settings, clock, socket, tasks, callbacks } = deps;
  const queue = new Set<SimulatedTask>();
  let busy = 0;
  let chargedUsd = 0;

  function startWaiting(): void {
    for (const task of queue) {
      if (busy >= settings.workers) return;
      queue.delete(task);
      busy += 1;
      void runOnWorker(task);
    }
  }

  async function runOnWorker(task: SimulatedTask): Promise<void> {
    const durationMs = task.fault?.kind === 'lasts' ? task.fault.durationMs : settings.taskDurationMs;
    try {
      const outputs = await runTask(deps, task, durationMs);
      if (!isOver(task)) succeed(task, outputs, durationMs / 1000);
    } catch (error) {
      // A stopped task is already over.
      if (!isOver(task)) fail(task, error, durationMs / 1000);
    }
    busy -= 1;
    startWaiting();
    // A task cancelled before processing sends no callback.
    if (task.history.some(({ status }) => status === 'task_accept')) await callbacks.announce(task);
    task.announced.resolve();
  }

  function succeed(task: SimulatedTask, outputs: TaskOutput[], elapsedSeconds: number): void {
    task.outputs = outputs;
    task.exitCode = '0';
    task.elapsedSeconds = elapsedSeconds;
    task.costUsd = chargeFor({ ...task, outputs: outputs.length }, elapsedSeconds);
    // The sample in Wiro's docs: cancelled, with a cost and outputs, but not charged.
    if (task.fault?.kind === 'cancelled') {
      end(task, 'task_cancel');
      return;
    }
    chargedUsd += task.costUsd;
    settings.balanceUsd -= task.costUsd;
    end(task, 'task_postprocess_end', describeOutputs(task));
  }

  function fail(task: SimulatedTask, error: unknown, elapsedSeconds: number): void {
    if (error instanceof CancelledError) {
      end(task, 'task_cancel');
      return;
    }
    task.debugError = error instanceof Error ? error.message : String(error);
    // On the socket, `task_error` is only a line on stderr.
    socket.emit(task, 'task_error', task.debugError);
    socket.emit(task, 'task_error_full', { raw: task.debugError });
    for (const status of ['task_end', 'task_postprocess_start'] as const) {
      task.history.push({ status, at: clock.now() });
      socket.emit(task, status);
    }
    task.exitCode = error instanceof ModelFailedError ? error.exitCode : '1';
    task.elapsedSeconds = elapsedSeconds;
    end(task, 'task_postprocess_end', []);
  }

  function end(task: SimulatedTask, status: TaskStatus, message?: unknown): void {
    // Wiro's samples of cancelled tasks have this exit code, so it alone is no success.
    if (status === 'task_cancel') task.exitCode = '0';
    task.history.push({ status, at: clock.now() });
    tasks.retire(task);
    socket.emit(task, status, message);
  }

  /** Ends the task at once, so that the response of Cancel or Kill shows it. The worker notices at its next step. */
  function stop(task: SimulatedTask): void {
    end(task, 'task_cancel');
    task.stop.abort(new CancelledError());
  }

  return {
    begin: (task) => {
      // A client may have cancelled it with the token from an early callback.
      if (isOver(task)) return task.announced.resolve();
      queue.add(task);
      socket.emit(task, 'task_queue');
      startWaiting();
    },
    cancel: (task) => {
      if (statusOf(task) !== 'task_queue') return false;
      stop(task);
      if (queue.delete(task)) task.announced.resolve();
      return true;
    },
    kill: (task) => {
      if (!KILLABLE.includes(statusOf(task))) return false;
      const { fault } = task;
      const atError = fault?.kind === 'error' && statusOf(task) === 'task_error' ? fault.kill : undefined;
      if (atError === 'refused') return false;
      const isIgnored =
        atError === 'ignored' ||
        fault?.kind === 'ignoresKill' ||
        (fault?.kind === 'stuck' && fault.ignoresKill === true);
      if (!isIgnored) stop(task);
      return true;
    },
    chargedUsd: () => chargedUsd,
  };
}
