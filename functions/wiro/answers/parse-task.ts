import { createRedaction } from '../redact.ts';
import type { Slugs, Task, TaskOutput } from '../types.ts';
import type { OutputSources } from './output-sources.ts';
import {
  amountOf,
  type Fields,
  fieldOf,
  filledTextOf,
  isFields,
  listOf,
  numberOf,
  present,
  textOf,
} from './values.ts';

const MAX_ERROR_TEXT = 2_000;

/**
 * Reads one row of `tasklist`. `undefined` when it does not say which task it is and how it stands.
 * @param secrets - Taken out of what the task says for a person, besides its own.
 * @param sources - Its outputs as they were written, where that is known.
 */
export function parseTask(
  row: unknown,
  secrets: readonly (string | undefined)[] = [],
  sources: OutputSources = () => [],
): Task | undefined {
  if (!isFields(row)) return undefined;
  const id = filledTextOf(fieldOf(row, 'id')) ?? filledTextOf(fieldOf(row, 'taskid'));
  const status = filledTextOf(fieldOf(row, 'status'));
  if (id === undefined || status === undefined) return undefined;
  const exitCode = filledTextOf(fieldOf(row, 'pexit'));
  const token = filledTextOf(fieldOf(row, 'socketaccesstoken')) ?? filledTextOf(fieldOf(row, 'tasktoken'));
  const callbackUrl = callbackUrlOf(row);
  const createdAtSeconds = numberOf(fieldOf(row, 'createtime'));
  const errorText = filledTextOf(fieldOf(row, 'debugerror'));
  const outputs = outputsOf(row, sources);
  // Whoever knows the URL of an output can read it.
  const urls = outputs.map((output) => (output.kind === 'file' ? output.url : undefined));
  return {
    id,
    status,
    end: endOf(status, exitCode),
    ...(status === 'task_error' && { isAtError: true as const }),
    outputs,
    ...present({
      token,
      exitCode,
      callbackUrl,
      slugs: slugsOf(row),
      // "0" is how Wiro writes a time that has not come.
      createdAtSeconds: createdAtSeconds !== undefined && createdAtSeconds > 0 ? createdAtSeconds : undefined,
      costUsd: amountOf(fieldOf(row, 'totalcost')),
      elapsedSeconds: amountOf(fieldOf(row, 'elapsedseconds')),
      errorText:
        errorText && createRedaction([token, callbackUrl, ...urls, ...secrets], MAX_ERROR_TEXT)(errorText),
    }),
  };
}

function endOf(status: string, exitCode: string | undefined): Task['end'] {
  switch (status) {
    case 'task_postprocess_end':
      // Success and failure both end here, and only `pexit` tells them apart. Without it neither is known: whoever
      // asks looks again, until the deadline, whereas a paid result called failed would be lost.
      if (exitCode === undefined) return 'unfinished';
      return Number(exitCode) === 0 ? 'succeeded' : 'failed';
    case 'task_cancel':
      return 'cancelled'; // whatever `pexit`: Wiro's sample of a cancelled task has "0"
    default:
      // `task_end` precedes post-processing, and a task at `task_error` may be recovered: neither decides anything.
      return 'unfinished';
  }
}

/**
 * `undefined` also where it is null: the sample writes `""` for a task without one, so null may as well be a
 * field that this list leaves out. Taking it for "none" could run, and charge, a lost task again.
 */
function callbackUrlOf(row: Fields): string | undefined {
  const shown = [fieldOf(row, 'callbackurl'), fieldOf(row, 'callbackUrl')].filter(
    (url) => typeof url === 'string',
  );
  return shown.find((url) => url !== '') ?? shown[0];
}

function slugsOf(row: Fields): Slugs | undefined {
  const owner = filledTextOf(fieldOf(row, 'modelslugowner'));
  const project = filledTextOf(fieldOf(row, 'modelslugproject'));
  return owner === undefined || project === undefined ? undefined : { owner, project };
}

/** Wiro's own clients read `output` where `outputs` holds nothing. */
function outputsOf(row: Fields, sources: OutputSources): readonly TaskOutput[] {
  const text = textOf(fieldOf(row, 'debugoutput')) || undefined;
  const list = ['outputs', 'output'].find((name) => entriesOf(fieldOf(row, name)).length > 0);
  if (list === undefined) return [];
  const outputs = entriesOf(fieldOf(row, list)).map((output) => parseOutput(output, text));
  if (outputs.every(({ kind }) => kind === 'file')) return outputs;
  const written = sources(list);
  if (written.length !== outputs.length) return outputs;
  return outputs.map((output, index) =>
    output.kind === 'raw' ? { ...output, ...present({ source: written[index] }) } : output,
  );
}

/** The outputs of a list, of a JSON string of one, or one output by itself. */
function entriesOf(value: unknown): readonly unknown[] {
  const list = listOf(value) ?? (isFields(value) || isUrl(value) ? [value] : []);
  return list.filter((output) => output !== null && output !== undefined);
}

/** What only a file's record has: its access key is among it, so that it is never stored as an answer. */
const OF_FILES = ['url', 'accesskey', 'parentid', 'size', 'addedtime'];

/** What is no file is kept as it came, as a raw output: it was paid for. */
function parseOutput(output: unknown, text: string | undefined): TaskOutput {
  const file: Fields = isFields(output) ? output : { url: output };
  const given = fieldOf(file, 'url');
  const content = fieldOf(file, 'content');
  const isFile = isUrl(given) || (isFields(output) && content === undefined && isFileRecord(output));
  if (!isFile)
    return { kind: 'raw', content: content === undefined ? output : content, ...present({ text }) };
  return {
    kind: 'file',
    name: filledTextOf(fieldOf(file, 'name')) ?? filledTextOf(fieldOf(file, 'id')) ?? 'output',
    ...present({
      url: filledTextOf(given),
      contentType: filledTextOf(fieldOf(file, 'contenttype')),
      sizeBytes: amountOf(fieldOf(file, 'size')),
    }),
  };
}

/** `//cdn.wiro.ai/…` and `data:…` are seen beside the usual ones. Whether it may be fetched is decided elsewhere. */
const isUrl = (value: unknown): value is string =>
  typeof value === 'string' && /^\s*(?:https?:\/\/|\/\/|data:)/i.test(value);

function isFileRecord(output: Fields): boolean {
  const type = filledTextOf(fieldOf(output, 'contenttype'));
  const isOfFile = type !== undefined && type.toLowerCase() !== 'raw';
  return isOfFile || OF_FILES.some((name) => Object.hasOwn(output, name));
}
