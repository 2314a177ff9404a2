import { isRecord } from '../../runtime/json.ts';
import { createRedaction } from '../redact.ts';
import type { Slugs, Task, TaskOutput } from '../types.ts';
import type { OutputSources } from './output-sources.ts';
import {
  amountOf,
  type Fields,
  fieldOf,
  filledTextOf,
  listOf,
  numberOf,
  omitUndefined,
  textOf,
} from './values.ts';

const MAX_ERROR_TEXT = 2_000;
/** The record repeats them. The output has them whole. */
const LONGEST_REASON = 64;
const LONGEST_USAGE = 2_000;
/** Usage is counted in millionths, in numbers that JavaScript and DynamoDB keep exactly. */
const MOST_COST_USD = 1_000_000_000;

/**
 * Reads one row of `tasklist`. Returns `undefined` if the row has no id or no status.
 * @param secrets - Removed from the error text, besides the task's own secrets.
 * @param sources - The original JSON of its outputs, if available.
 */
export function parseTask(
  row: unknown,
  secrets: readonly (string | undefined)[] = [],
  sources: OutputSources = () => [],
): Task | undefined {
  if (!isRecord(row)) return undefined;
  const id = filledTextOf(fieldOf(row, 'id')) ?? filledTextOf(fieldOf(row, 'taskid'));
  const status = filledTextOf(fieldOf(row, 'status'));
  if (id === undefined || status === undefined) return undefined;
  const exitCode = filledTextOf(fieldOf(row, 'pexit'));
  const token = filledTextOf(fieldOf(row, 'socketaccesstoken')) ?? filledTextOf(fieldOf(row, 'tasktoken'));
  const callbackUrl = callbackUrlOf(row);
  const createdAtSeconds = numberOf(fieldOf(row, 'createtime'));
  const errorText = filledTextOf(fieldOf(row, 'debugerror'));
  const outputs = outputsOf(row, sources);
  // The URL of an output is enough to read it, so it counts as a secret.
  const urls = outputs.map((output) => (output.kind === 'file' ? output.url : undefined));
  return {
    id,
    status,
    end: endOf(status, exitCode),
    ...(status === 'task_error' && { isAtError: true as const }),
    outputs,
    ...omitUndefined({
      token,
      exitCode,
      callbackUrl,
      slugs: slugsOf(row),
      // Wiro writes "0" for a time that is not set.
      createdAtSeconds: createdAtSeconds !== undefined && createdAtSeconds > 0 ? createdAtSeconds : undefined,
      costUsd: amountOf(fieldOf(row, 'totalcost'), MOST_COST_USD),
      elapsedSeconds: amountOf(fieldOf(row, 'elapsedseconds')),
      errorText:
        errorText && createRedaction([token, callbackUrl, ...urls, ...secrets], MAX_ERROR_TEXT)(errorText),
    }),
  };
}

function endOf(status: string, exitCode: string | undefined): Task['end'] {
  switch (status) {
    case 'task_postprocess_end':
      // Only `pexit` tells success from failure here. Without it the caller reads the task again until the deadline.
      // Assuming a failure could lose a result that is paid for.
      if (exitCode === undefined) return 'unfinished';
      return Number(exitCode) === 0 ? 'succeeded' : 'failed';
    case 'task_cancel':
      return 'cancelled'; // for any `pexit`: Wiro's sample of a cancelled task has "0"
    default:
      // `task_end` precedes post-processing, and Wiro may recover a task at `task_error`: neither is an end.
      return 'unfinished';
  }
}

/**
 * Returns `undefined` for null too. Wiro's sample has `""` for a task without a callback URL, so null may mean that
 * this list omits the field. Reading null as "none" could run, and charge, a lost task again.
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

/** Reads `outputs`, or `output` if `outputs` is empty, as Wiro's own clients do. */
function outputsOf(row: Fields, sources: OutputSources): readonly TaskOutput[] {
  const text = textOf(fieldOf(row, 'debugoutput')) || undefined;
  const list = ['outputs', 'output'].find((name) => entriesOf(fieldOf(row, name)).length > 0);
  if (list === undefined) return [];
  const outputs = entriesOf(fieldOf(row, list)).map((output) => parseOutput(output, text));
  if (outputs.every(({ kind }) => kind === 'file')) return outputs;
  const written = sources(list);
  if (written.length !== outputs.length) return outputs;
  return outputs.map((output, index) =>
    output.kind === 'raw' ? { ...output, ...omitUndefined({ source: written[index] }) } : output,
  );
}

/** Returns the outputs of an array, of a JSON string of one, or a single output. */
function entriesOf(value: unknown): readonly unknown[] {
  const list = listOf(value) ?? (isRecord(value) || isUrl(value) ? [value] : []);
  return list.filter((output) => output !== null && output !== undefined);
}

/** What a language model's answer says of itself. */
function accountOf(answer: unknown): {
  readonly finishReason: string | undefined;
  readonly usage: Fields | undefined;
} {
  if (!isRecord(answer)) return { finishReason: undefined, usage: undefined };
  const usage = fieldOf(answer, 'usage');
  const isKept = isRecord(usage) && isShort(usage);
  return {
    finishReason: filledTextOf(fieldOf(answer, 'finishreason'))?.slice(0, LONGEST_REASON),
    usage: isKept ? usage : undefined,
  };
}

function isShort(usage: Fields): boolean {
  try {
    return JSON.stringify(usage).length <= LONGEST_USAGE;
  } catch {
    return false; // it is nested more deeply than the stack allows
  }
}

/** Fields that only a file's record has. Detecting `accesskey` ensures that it is never stored as a raw output. */
const FILE_FIELDS = ['url', 'accesskey', 'parentid', 'size', 'addedtime'];

/** Keeps anything that is not a file unchanged, as a raw output: it is paid for. */
function parseOutput(output: unknown, text: string | undefined): TaskOutput {
  const file: Fields = isRecord(output) ? output : { url: output };
  const given = fieldOf(file, 'url');
  const content = fieldOf(file, 'content');
  const isFile = isUrl(given) || (isRecord(output) && content === undefined && isFileRecord(output));
  if (!isFile) {
    const answer = content === undefined ? output : content;
    return { kind: 'raw', content: answer, ...omitUndefined({ text, ...accountOf(answer) }) };
  }
  return {
    kind: 'file',
    name: filledTextOf(fieldOf(file, 'name')) ?? filledTextOf(fieldOf(file, 'id')) ?? 'output',
    ...omitUndefined({
      url: filledTextOf(given),
      contentType: filledTextOf(fieldOf(file, 'contenttype')),
      sizeBytes: amountOf(fieldOf(file, 'size')),
    }),
  };
}

/** Wiro also sends `//cdn.wiro.ai/…` and `data:…`. Whether a URL may be fetched is decided elsewhere. */
const isUrl = (value: unknown): value is string =>
  typeof value === 'string' && /^\s*(?:https?:\/\/|\/\/|data:)/i.test(value);

function isFileRecord(output: Fields): boolean {
  const type = filledTextOf(fieldOf(output, 'contenttype'));
  const isOfFile = type !== undefined && type.toLowerCase() !== 'raw';
  return isOfFile || FILE_FIELDS.some((name) => Object.hasOwn(output, name));
}
