import { randomInt } from 'node:crypto';
import type { Archive } from './archive.ts';
import { createDeferred } from './deferred.ts';
import type { TaskFault, TaskStatus } from './fault-rules.ts';
import type { FileOwner, FileStore, StoredFile } from './files.ts';
import { findModel, modelName } from './models.ts';
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
  /** Keeps a change of an ended task for a simulator that is started again. */
  save(task: SimulatedTask): void;
}

/** An archive, and the files that its tasks refer to. */
export interface TaskArchive {
  readonly archive: Archive;
  readonly files: Pick<FileStore, 'findById'>;
}

export function createTaskStore(now: () => number, kept?: TaskArchive): TaskStore {
  const tasks: SimulatedTask[] = kept ? restoreTasks(kept) : [];
  // Wiro never reuses ids. A random start avoids the ids of earlier simulators.
  let nextId = Math.max(randomInt(10_000_000, 2_000_000_000), ...tasks.map(({ id }) => Number(id) + 1));
  const byName = new Map<string, SimulatedTask>();
  const active = new Set<SimulatedTask>(tasks.filter((task) => !isOver(task)));
  for (const task of tasks) {
    byName.set(task.id, task);
    byName.set(task.token, task);
  }
  const save = (task: SimulatedTask): void => kept?.archive.saveTask(archived(task));

  return {
    add: (given) => {
      const task: SimulatedTask = {
        ...given,
        id: String(nextId++),
        token: randomToken(),
        stop: new AbortController(),
        announced: createDeferred(),
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
      save(task);
      return task;
    },
    find: (idOrToken) => byName.get(idOrToken),
    all: () => tasks,
    active: () => active.size,
    retire: (task) => {
      active.delete(task);
      save(task);
    },
    save,
  };
}

function archived({ model, outputs, ...task }: SimulatedTask) {
  const { id, token, parameters, inputUrls, callbackUrl, projectId, fault, history } = task;
  const { exitCode, debugOutput, debugError, costUsd, elapsedSeconds } = task;
  return {
    ...{ id, token, parameters, inputUrls, callbackUrl, projectId, fault, history },
    ...{ exitCode, debugOutput, debugError, costUsd, elapsedSeconds },
    owner: model.owner,
    project: model.project,
    outputs: outputs.map((output) =>
      output.kind === 'file' ? { fileId: output.file.id } : { content: output.content },
    ),
  };
}

/** Restores tasks whose model still exists. */
function restoreTasks({ archive, files }: TaskArchive): SimulatedTask[] {
  return archive.tasks.flatMap(({ owner, project, outputs, ...task }): SimulatedTask[] => {
    const model = findModel(owner, project);
    if (model === undefined) return [];
    const announced = createDeferred();
    const restored: SimulatedTask = {
      ...task,
      model,
      stop: new AbortController(),
      announced,
      history: [...task.history],
      outputs: outputs.flatMap((output): TaskOutput[] => {
        if ('content' in output) return [{ kind: 'raw', content: output.content as RawContent }];
        const file = files.findById(output.fileId);
        return file ? [{ kind: 'file', file }] : [];
      }),
      readsAfterEnd: 0,
    };
    if (isOver(restored)) announced.resolve();
    return [restored];
  });
}
