import { randomInt } from 'node:crypto';
import type { TaskFault, TaskStatus } from './fault-rules.ts';
import type { FileOwner, StoredFile } from './files.ts';
import { modelName } from './models.ts';
import { randomToken } from './names.ts';
import type { SimulatedModel } from './simulated-model.ts';

export interface NewTask {
  readonly model: SimulatedModel;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** URLs of the input files, in the order of the model's parameters. */
  readonly inputUrls: readonly string[];
  readonly callbackUrl: string;
  readonly projectId: string;
  readonly fault: TaskFault | undefined;
}

/** A task. Only the lifecycle changes it. */
export interface SimulatedTask extends NewTask {
  readonly id: string;
  readonly token: string;
  /** Aborted to stop the task. */
  readonly stop: AbortController;
  /** Resolved after the task's end and the last attempt to deliver its callback. */
  readonly announced: PromiseWithResolvers<void>;
  readonly history: { readonly status: TaskStatus; readonly at: number }[];
  exitCode: string;
  outputs: TaskOutput[];
  debugOutput: string;
  debugError: string;
  costUsd: number;
  elapsedSeconds: number;
  /** The number of reads since its end. */
  readsAfterEnd: number;
}

export type TaskOutput =
  | { readonly kind: 'file'; readonly file: StoredFile }
  | { readonly kind: 'raw'; readonly content: RawContent };

/** A language model's answer. */
export interface RawContent {
  readonly prompt: string;
  readonly raw: string;
  readonly thinking: readonly string[];
  readonly answer: readonly string[];
  /** The same in the order in which it was said. */
  readonly segments: readonly { readonly type: 'thinking' | 'answer'; readonly text: string }[];
  readonly finishreason: 'stop';
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

const FINAL: readonly TaskStatus[] = ['task_postprocess_end', 'task_cancel'];

export function statusOf(task: SimulatedTask): TaskStatus {
  return task.history.at(-1)?.status ?? 'task_queue';
}

export function isOver(task: SimulatedTask): boolean {
  return FINAL.includes(statusOf(task));
}

export function createdAt(task: SimulatedTask): number {
  return task.history[0]?.at ?? 0;
}

/** The values that fault rules match. */
export function subjectOf(task: SimulatedTask): FileOwner {
  return { taskId: task.id, model: modelName(task.model), callbackUrl: task.callbackUrl };
}

export interface TaskStore {
  add(task: NewTask): SimulatedTask;
  find(idOrToken: string): SimulatedTask | undefined;
  /** All tasks, oldest first. */
  all(): readonly SimulatedTask[];
  /** The number of active tasks. */
  active(): number;
  /** Marks a task as no longer active. */
  retire(task: SimulatedTask): void;
}

export function createTaskStore(now: () => number): TaskStore {
  const tasks: SimulatedTask[] = [];
  // Wiro never reuses ids. A random start avoids the ids of earlier simulators.
  const firstId = randomInt(10_000_000, 2_000_000_000);
  const byName = new Map<string, SimulatedTask>();
  const active = new Set<SimulatedTask>();

  return {
    add: (given) => {
      const task: SimulatedTask = {
        ...given,
        id: String(firstId + tasks.length),
        token: randomToken(),
        stop: new AbortController(),
        announced: Promise.withResolvers<void>(),
        history: [{ status: 'task_queue', at: now() }],
        exitCode: '',
        outputs: [],
        debugOutput: '',
        debugError: '',
        costUsd: 0,
        elapsedSeconds: 0,
        readsAfterEnd: 0,
      };
      tasks.push(task);
      byName.set(task.id, task);
      byName.set(task.token, task);
      active.add(task);
      return task;
    },
    find: (idOrToken) => byName.get(idOrToken),
    all: () => tasks,
    active: () => active.size,
    retire: (task) => {
      active.delete(task);
    },
  };
}
