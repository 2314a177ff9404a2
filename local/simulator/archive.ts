import {
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { TaskFault, TaskStatus } from './fault-rules.ts';
import { onDisk, type StoredBytes } from './stored-bytes.ts';

/** A task as it is kept. A task that had not ended starts again. */
export interface ArchivedTask {
  readonly id: string;
  readonly token: string;
  readonly owner: string;
  readonly project: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly inputUrls: readonly string[];
  readonly callbackUrl: string;
  readonly projectId: string;
  readonly fault: TaskFault | undefined;
  readonly history: readonly { readonly status: TaskStatus; readonly at: number }[];
  readonly exitCode: string;
  readonly outputs: readonly ({ readonly fileId: string } | { readonly content: unknown })[];
  readonly debugOutput: string;
  readonly debugError: string;
  readonly costUsd: number;
  readonly elapsedSeconds: number;
}

export interface ArchivedFile {
  readonly id: string;
  readonly kind: 'upload' | 'output';
  readonly name: string;
  readonly contentType: string;
  readonly bytes: StoredBytes;
  readonly path: string;
  readonly parentId: string;
  readonly accessKey: string;
  readonly addedAt: number;
  /** The task that made it. */
  readonly task?: { readonly taskId: string; readonly model: string; readonly callbackUrl: string };
}

/** Keeps tasks and files in a directory, so that a simulator that is started again still knows them. */
export interface Archive {
  /** Oldest first. */
  readonly tasks: readonly ArchivedTask[];
  /** Oldest first. */
  readonly files: readonly ArchivedFile[];
  /** Written before it returns, so that a task that a client knows survives a kill. Only warns if that fails. */
  saveTask(task: ArchivedTask): void;
  saveFile(file: ArchivedFile): Promise<void>;
  removeFile(id: string): void;
}

/** Older tasks, and older files, are forgotten. */
const KEPT_TASKS = 500;
const KEPT_FILES = 1_000;

/** Opens the archive. Only one process at a time may use the directory. */
export function openArchive(
  directory: string,
  { keptTasks = KEPT_TASKS, keptFiles = KEPT_FILES } = {},
): Archive {
  const under = (...names: string[]) => join(directory, ...names);
  for (const name of ['tasks', 'files', 'bytes', 'temporary']) {
    if (name === 'temporary') rmSync(under(name), { recursive: true, force: true });
    mkdirSync(under(name), { recursive: true });
  }
  const save = (kind: 'tasks' | 'files', id: string, value: unknown): void => {
    const temporary = under('temporary', `${kind}-${id}`);
    writeFileSync(temporary, JSON.stringify(value));
    renameSync(temporary, under(kind, `${id}.json`));
  };
  const removeFile = (id: string): void => {
    rmSync(under('files', `${id}.json`), { force: true });
    rmSync(under('bytes', id), { force: true });
  };
  const tasks = readAll<ArchivedTask>(under('tasks')).sort(
    (one, other) => (one.history[0]?.at ?? 0) - (other.history[0]?.at ?? 0),
  );
  const files = readAll<ArchivedFile>(under('files'))
    .sort((one, other) => one.addedAt - other.addedAt)
    .map((file) => ({
      ...file,
      bytes: onDisk(under('bytes', file.id), file.bytes.sizeBytes, file.bytes.sha256),
    }));
  // Bytes without a description are of a file that a kill interrupted.
  const known = new Set(files.map(({ id }) => id));
  for (const id of readdirSync(under('bytes'))) if (!known.has(id)) rmSync(under('bytes', id));

  const taskIds = new Set(tasks.map(({ id }) => id));
  const fileIds = new Set(files.map(({ id }) => id));
  const prune = (): void => {
    for (const id of oldest(taskIds, keptTasks)) rmSync(under('tasks', `${id}.json`), { force: true });
    for (const id of oldest(fileIds, keptFiles)) removeFile(id);
  };
  prune();

  let hasFailed = false;
  /** A full disk, or a directory that was deleted, must not stop the simulator. */
  const warn = (error: unknown): void => {
    if (!hasFailed)
      console.error(
        `The simulator cannot keep its tasks in ${directory}, so a restart forgets them: ${error}`,
      );
    hasFailed = true;
  };

  return {
    tasks: tasks.filter(({ id }) => taskIds.has(id)),
    files: files.filter(({ id }) => fileIds.has(id)),
    saveTask: (task) => {
      try {
        save('tasks', task.id, task);
        taskIds.add(task.id);
        prune();
      } catch (error) {
        warn(error);
      }
    },
    saveFile: async (file) => {
      const { bytes } = file;
      try {
        if (bytes.sizeBytes === 0) writeFileSync(under('bytes', file.id), '');
        else await pipeline(bytes.read(0, bytes.sizeBytes - 1), createWriteStream(under('bytes', file.id)));
        save('files', file.id, { ...file, bytes: { sizeBytes: bytes.sizeBytes, sha256: bytes.sha256 } });
        fileIds.add(file.id);
        prune();
      } catch (error) {
        warn(error);
      }
    },
    removeFile: (id) => {
      fileIds.delete(id);
      removeFile(id);
    },
  };
}

/** Takes the oldest beyond `most` out of the set. */
function oldest(ids: Set<string>, most: number): string[] {
  const gone = [...ids].slice(0, Math.max(0, ids.size - most));
  for (const id of gone) ids.delete(id);
  return gone;
}

function readAll<T>(directory: string): T[] {
  return readdirSync(directory).map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as T);
}
