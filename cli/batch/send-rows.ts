import { openAsBlob } from 'node:fs';
import { type Client, type Generation, type Submission, WiroServerlessError } from '../../client/index.ts';
import { mapLimited } from '../../functions/runtime/map-limited.ts';
import { type LocalFile, withInputs } from '../request-options.ts';
import type { KeyedRow } from './check-rows.ts';
import type { Inputs, Journal } from './journal.ts';
import type { RowProblem } from './read-batch.ts';

export interface SendDeps {
  readonly client: Pick<Client, 'submit' | 'upload'>;
  readonly journal: Pick<Journal, 'uploadOf' | 'noteUpload' | 'sentInputs' | 'noteSent' | 'noteAccepted'>;
  /** The SHA-256 of a local file. */
  readonly digestOf: (file: LocalFile) => string;
  readonly signal: AbortSignal;
  readonly atOnce: number;
  readonly onAccepted: (row: KeyedRow, generation: Generation) => void;
  readonly onRefused: (problem: RowProblem) => void;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Pauses before a row is sent again that was refused because too much happens at once. The client's own come first. */
const PAUSES_MS = [2_000, 5_000, 15_000, 30_000];

/** Files that Wiro would not take. */
export class RefusedFilesError extends Error {
  readonly problems: readonly RowProblem[];

  constructor(problems: readonly RowProblem[]) {
    super('Files were refused');
    this.problems = problems;
  }
}

/**
 * Uploads the files of rows, and then submits them. Notes in the journal what a later run needs to send the very same
 * request. A row that is refused does not stop the others.
 * @throws {RefusedFilesError} If a file is refused. Nothing was submitted.
 * @throws What stops them all: the deployment is not reached, refuses the caller, or accepts no more today.
 */
export async function sendRows(deps: SendDeps, rows: readonly KeyedRow[]): Promise<void> {
  const upload = createBatchUploads(deps);
  await uploadFiles(deps, rows, upload);
  await mapLimited(rows, deps.atOnce, async (row) => {
    deps.signal.throwIfAborted();
    try {
      const generation = await sendRow(deps, row, upload);
      const { id, createdAt } = generation;
      deps.journal.noteAccepted(row.key, { id, line: row.line, createdAt });
      deps.onAccepted(row, generation);
    } catch (error) {
      deps.signal.throwIfAborted();
      if (!(error instanceof WiroServerlessError) || stopsAll(error)) throw error;
      for (const { message } of error.problems)
        deps.onRefused({ line: row.line, message: explain(error, message) });
    }
  });
}

/** Uploads what rows name that were never sent, so that a file that is refused is known before the first row runs. */
async function uploadFiles(deps: SendDeps, rows: readonly KeyedRow[], upload: Uploads): Promise<void> {
  const problems: RowProblem[] = [];
  await mapLimited(rows, deps.atOnce, async ({ key, line, given }) => {
    deps.signal.throwIfAborted();
    if (deps.journal.sentInputs(key) !== undefined) return;
    try {
      await withInputs(given, upload.upload);
    } catch (error) {
      deps.signal.throwIfAborted();
      if (!(error instanceof WiroServerlessError) || stopsAll(error)) throw error;
      problems.push(...error.problems.map(({ message }) => ({ line, message })));
    }
  });
  if (problems.length > 0) throw new RefusedFilesError(problems);
}

const stopsAll = ({ code, status = 0 }: WiroServerlessError): boolean =>
  code === 'daily_limit_reached' ||
  code === 'not_configured' ||
  status === 403 ||
  status === 429 ||
  status >= 500;

/** Only with a request of other inputs: an upload has another name each time. */
const explain = ({ code }: WiroServerlessError, message: string): string =>
  code === 'idempotency_conflict'
    ? 'it was submitted before with files that were uploaded then, and the journal of that is missing. Nothing was started now'
    : message;

async function sendRow(deps: SendDeps, row: KeyedRow, upload: Uploads): Promise<Generation> {
  const { journal } = deps;
  const earlier = journal.sentInputs(row.key);
  if (earlier !== undefined) {
    try {
      return await submitPatiently(deps, { ...row.given.request, inputs: earlier } as Submission, row.key);
    } catch (error) {
      // A request that was accepted is answered whatever became of its inputs. So this one never was.
      if (!(error instanceof WiroServerlessError && error.code === 'input_not_found')) throw error;
      upload.forget(earlier);
    }
  }
  const request = await withInputs(row.given, upload.upload);
  const hasFiles = Object.values(row.given.inputs).some((all) => all.some((one) => 'file' in one));
  if (hasFiles) journal.noteSent(row.key, request.inputs as Inputs);
  return submitPatiently(deps, request, row.key);
}

/** Safe to repeat: the key makes it the same generation. */
async function submitPatiently(
  { client, signal, pause }: SendDeps,
  request: Submission,
  idempotencyKey: string,
): Promise<Generation> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await client.submit({ ...request, idempotencyKey }, { signal });
    } catch (error) {
      signal.throwIfAborted();
      const isPassing = error instanceof WiroServerlessError && error.retryable && (error.status ?? 0) >= 429;
      if (!isPassing || error.code === 'daily_limit_reached') throw error;
    }
    await pause(pauseMs, signal);
  }
  return client.submit({ ...request, idempotencyKey }, { signal });
}

interface Uploads {
  /** Uploads a file, unless its content lies there already. @returns The object's key. */
  upload(file: LocalFile): Promise<string>;
  /** Uploads anew what lies in these objects. */
  forget(inputs: Inputs): void;
}

function createBatchUploads({ client, journal, digestOf, signal }: SendDeps): Uploads {
  const uploads = new Map<string, Promise<string>>();
  const gone = new Set<string>();

  async function start(file: LocalFile, content: string): Promise<string> {
    const known = journal.uploadOf(content);
    if (known !== undefined && !gone.has(known)) return known;
    const object = await client.upload(await openAsBlob(file.path), { name: file.name, signal });
    journal.noteUpload(content, object);
    return object;
  }

  return {
    upload: (file) => {
      // The name decides the kind.
      const content = `${digestOf(file)} ${file.name}`;
      const known = uploads.get(content) ?? start(file, content);
      uploads.set(content, known);
      return known;
    },
    forget: (inputs) => {
      for (const sources of Object.values(inputs)) for (const source of [sources].flat()) gone.add(source);
    },
  };
}
