import { readFile } from 'node:fs/promises';
import { readTable } from '../../functions/request/read-table.ts';
import { usageError } from '../errors.ts';
import { plain } from '../text.ts';

/** One request of a file, as written. */
export interface WrittenRow {
  /** The line where it begins, from 1. */
  readonly line: number;
  readonly content: RowContent;
}

export type RowContent =
  /** Of JSON: in the form of the API. */
  | { readonly kind: 'request'; readonly request: Readonly<Record<string, unknown>> }
  /** Of a table: by column, without empty cells. */
  | { readonly kind: 'cells'; readonly cells: Readonly<Record<string, string>> };

export interface RowProblem {
  readonly line: number;
  readonly message: string;
}

export interface ReadBatch {
  readonly bytes: Buffer;
  readonly rows: readonly WrittenRow[];
  readonly problems: readonly RowProblem[];
}

/** Everything is held in memory, and dry-run before the first is submitted. */
const MOST_ROWS = 10_000;
const LARGEST_FILE = 100 * 1024 * 1024;

/**
 * Reads a file of requests: a JSON list (or one request), JSONL, or a table (CSV with commas, semicolons or tabs).
 * @throws {CliError} If it cannot be read at all. What is wrong in it is part of the result.
 */
export async function readBatch(file: string): Promise<ReadBatch> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw usageError(`There is no file "${plain(file)}".`);
    if (error.code === 'EISDIR') throw usageError(`"${plain(file)}" is a folder: name a file of requests.`);
    throw usageError(`Cannot read "${plain(file)}" (${error.code}).`);
  });
  if (bytes.length > LARGEST_FILE) throw usageError(`"${plain(file)}" has over 100 MB: split it.`);
  const text = decode(bytes, file);
  const read = isTable(file, text) ? await readRequestTable(text) : readJson(text);
  if (read.rows.length === 0 && read.problems.length === 0)
    throw usageError(`"${plain(file)}" holds no request.`);
  if (read.rows.length > MOST_ROWS)
    throw usageError(
      `"${plain(file)}" holds ${read.rows.length} requests; at most ${MOST_ROWS.toLocaleString('en')} are allowed: split it.`,
    );
  return { bytes, ...read };
}

type Read = Omit<ReadBatch, 'bytes'>;

function decode(bytes: Buffer, file: string): string {
  // Some spreadsheets write UTF-16 with this mark.
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
  try {
    // Also removes the mark at the beginning.
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw usageError(
      `"${plain(file)}" is not text in UTF-8: save it as UTF-8 (in a spreadsheet: "CSV UTF-8").`,
    );
  }
}

const isTable = (file: string, text: string): boolean =>
  /\.(?:csv|tsv|txt)$/i.test(file) || (!/\.(?:jsonl?|ndjson)$/i.test(file) && !/^\s*[[{]/.test(text));

// --- JSON -----------------------------------------------------------------------------------------------------

function readJson(text: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const lines = text.split('\n');
    // Several documents, one a line?
    if (/^\s*\{/.test(text) && lines.some((line) => isJson(line))) return readLines(lines);
    return {
      rows: [],
      problems: [
        { line: lineOf(text, error), message: `this is not JSON: ${plain((error as Error).message)}` },
      ],
    };
  }
  if (!Array.isArray(value)) return fromValues([value], [1]);
  return fromValues(value, linesOfItems(text));
}

function isJson(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}

function readLines(lines: readonly string[]): Read {
  const rows: WrittenRow[] = [];
  const problems: RowProblem[] = [];
  for (const [index, text] of lines.entries()) {
    if (text.trim() === '') continue;
    const line = index + 1;
    try {
      const read = fromValues([JSON.parse(text)], [line]);
      rows.push(...read.rows);
      problems.push(...read.problems);
    } catch (error) {
      problems.push({ line, message: `this is not JSON: ${plain((error as Error).message)}` });
    }
  }
  return { rows, problems };
}

function fromValues(values: readonly unknown[], lines: readonly number[]): Read {
  const rows: WrittenRow[] = [];
  const problems: RowProblem[] = [];
  for (const [index, value] of values.entries()) {
    const line = lines[index] ?? 1;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      rows.push({ line, content: { kind: 'request', request: value as Record<string, unknown> } });
    else problems.push({ line, message: 'a request is an object with "model", "parameters" and "inputs"' });
  }
  return { rows, problems };
}

/** The line where JSON.parse stopped. */
function lineOf(text: string, error: unknown): number {
  const position = Number(/position (\d+)/.exec((error as Error).message)?.[1] ?? 0);
  return text.slice(0, position).split('\n').length;
}

/** Finds the line on which each item of a valid JSON list begins. */
function linesOfItems(text: string): readonly number[] {
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  let isExpected = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '\n') line += 1;
    if (character === undefined || /\s/.test(character)) continue;
    if (isExpected && character !== ']') lines.push(line);
    isExpected = false;
    if (character === '"') {
      for (at += 1; text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1;
    } else if (character === '[' || character === '{') {
      depth += 1;
      isExpected = depth === 1;
    } else if (character === ']' || character === '}') depth -= 1;
    else if (character === ',') isExpected = depth === 1;
  }
  return lines;
}

// --- tables ---------------------------------------------------------------------------------------------------

async function readRequestTable(text: string): Promise<Read> {
  const { rows, problems } = await readTable(text);
  return {
    rows: rows.map(({ line, cells }) => ({ line, content: { kind: 'cells', cells } })),
    problems: problems.map(({ line, message }) => ({ line, message: plain(message) })),
  };
}
