import type { CallbackDelivery } from './callbacks.ts';
import type { TaskStatus } from './fault-rules.ts';
import type { StoredFile } from './files.ts';
import { concurrencyLimit, type Settings } from './settings.ts';
import { createdAt, isOver, type SimulatedTask, statusOf, subjectOf } from './tasks.ts';

/** The simulator's state, for tests. Plain JSON. */
export interface SimulatorState {
  readonly settings: SettingsState;
  /** Oldest first. */
  readonly tasks: readonly TaskState[];
  readonly uploads: readonly UploadState[];
  readonly callbacks: readonly CallbackDelivery[];
  readonly chargedUsd: number;
  readonly connections: ConnectionState;
  /** The number of requests per operation, including failed and refused ones. */
  readonly requests: Readonly<Record<string, number>>;
}

export interface SettingsState {
  readonly balanceUsd: number;
  /** `null` means no limit. */
  readonly concurrencyLimit: number | null;
  readonly taskDurationMs: number;
  readonly outputs: string;
}

export interface TaskState {
  readonly id: string;
  readonly token: string;
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly inputUrls: readonly string[];
  readonly callbackUrl: string;
  readonly status: TaskStatus;
  readonly isOver: boolean;
  readonly exitCode: string;
  readonly errorText: string;
  readonly outputUrls: readonly string[];
  /** The charge: 0 unless it succeeded. */
  readonly costUsd: number;
  readonly createdAt: number;
  readonly endedAt: number | undefined;
  readonly statuses: readonly TaskStatus[];
}

export interface UploadState {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly folderId: string;
}

export interface ConnectionState {
  /** TCP connections since the start. */
  readonly accepted: number;
  readonly open: number;
  readonly webSockets: number;
}

export function describeTaskState(task: SimulatedTask): TaskState {
  const status = statusOf(task);
  return {
    id: task.id,
    token: task.token,
    model: subjectOf(task).model,
    parameters: task.parameters,
    inputUrls: task.inputUrls,
    callbackUrl: task.callbackUrl,
    status,
    isOver: isOver(task),
    exitCode: task.exitCode,
    errorText: task.debugError,
    outputUrls: task.outputs.flatMap((output) => (output.kind === 'file' ? [output.file.url] : [])),
    costUsd: status === 'task_postprocess_end' ? task.costUsd : 0,
    createdAt: createdAt(task),
    endedAt: isOver(task) ? task.history.at(-1)?.at : undefined,
    statuses: task.history.map((step) => step.status),
  };
}

export function describeUpload(file: StoredFile): UploadState {
  const { id, name, url, contentType, bytes, parentId } = file;
  return { id, name, url, contentType, sizeBytes: bytes.sizeBytes, sha256: bytes.sha256, folderId: parentId };
}

export function describeSettings(settings: Settings): SettingsState {
  const limit = concurrencyLimit(settings);
  return {
    balanceUsd: settings.balanceUsd,
    concurrencyLimit: Number.isFinite(limit) ? limit : null,
    taskDurationMs: settings.taskDurationMs,
    outputs: settings.outputs,
  };
}
