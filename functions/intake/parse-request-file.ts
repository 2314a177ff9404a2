import { type GenerationError, RequestError } from '../generation/errors.ts';
import { requestHash } from '../request/identity.ts';
import type { Presets } from '../request/preset.ts';
import { gatherProblems } from '../request/problems.ts';
import { type ExpectedJson, isJsonLines, readJson } from '../request/read-json.ts';
import { isTableName } from '../request/read-table.ts';
import { type GenerationRequest, REQUEST_FORM, type ReadRequest, readRequest } from '../request/request.ts';
import type { SourceRules } from '../request/source.ts';
import { looksLikeTable } from '../request/table-format.ts';
import type { FindModel } from './known-models.ts';
import { type Row, readRows } from './read-rows.ts';

export interface ParseFileDeps {
  readonly rules: SourceRules;
  readonly knownModel: FindModel;
  /** For rows of a table that name no model. @default - none */
  readonly presets?: Presets;
}

const MOST_REQUESTS = 1_000;
const LARGEST_BYTES = 1024 * 1024;
/**
 * Problems that are kept of a file. Of each request after these only the first one is: a source takes two bytes of the
 * file, and its problem up to 3 KB of memory, of which `submit` has 256 MB.
 */
const MOST_KEPT = 10_000;

export interface ParsedRequest {
  readonly request: GenerationRequest;
  readonly path: string;
  /** Its index in the file. */
  readonly at: number;
}

/** A request that cannot be read, or the file itself. */
export interface Unread {
  /** The index of the request in the file. */
  readonly at: number;
  readonly path: string;
  readonly problems: readonly GenerationError[];
  /** The readable parts of the request, if there are any. */
  readonly reading?: ReadRequest;
}

export interface ParsedFile {
  readonly requests: readonly ParsedRequest[];
  readonly unread: readonly Unread[];
}

/**
 * Reads the requests of a file: JSON, or a table (CSV).
 * @param name - Its key, after `requests/`.
 * @throws {UnknownColumnsError} If a table's model cannot be looked up, so that nobody can tell files from parameters.
 */
export async function parseFile(deps: ParseFileDeps, name: string, text: string): Promise<ParsedFile> {
  if (Buffer.byteLength(text) > LARGEST_BYTES) return refuse(tooLarge(Buffer.byteLength(text)));
  const isTable = isTableName(name) || (!/\.json$/i.test(name) && looksLikeTable(text));
  const read = isTable ? await readRows(deps, name, text, MOST_REQUESTS) : readValues(text);
  if (read.kind === 'unreadable')
    return refuse(
      ...read.messages.map((message) => ({ code: 'invalid_request', message, retryable: false }) as const),
    );
  return readRequests(deps, read.rows);
}

const refuse = (...problems: readonly GenerationError[]): ParsedFile => ({
  requests: [],
  unread: [{ at: 0, path: '', problems }],
});

const FILE: ExpectedJson = {
  what: 'The file',
  remedy: `${REQUEST_FORM}, or a JSON array of them`,
};

function readValues(
  text: string,
):
  | { readonly kind: 'read'; readonly rows: readonly Row[] }
  | { readonly kind: 'unreadable'; readonly messages: readonly string[] } {
  const read = readJson(text, FILE);
  if (read.kind === 'unreadable')
    return { kind: 'unreadable', messages: [explainUnreadableJson(text, read.message)] };
  const { value } = read;
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0)
    return {
      kind: 'unreadable',
      messages: ['The file holds no request: put one, or an array of them, into it.'],
    };
  if (values.length > MOST_REQUESTS)
    return {
      kind: 'unreadable',
      messages: [`The file holds ${values.length} requests; at most ${MOST_REQUESTS} are allowed: split it.`],
    };
  const isList = Array.isArray(value);
  return {
    kind: 'read',
    rows: values.map((one, at) => ({ path: isList ? `[${at}].` : '', value: one, problems: [] })),
  };
}

function explainUnreadableJson(text: string, message: string): string {
  if (isJsonLines(text))
    return 'The file holds one JSON object a line. Put commas between them, and [ ] around them all.';
  return looksLikeTable(text) ? `${message} Or let its name end in .csv.` : message;
}

function readRequests({ rules }: ParseFileDeps, rows: readonly Row[]): ParsedFile {
  const unread: Unread[] = [];
  const seen = new Map<string, string>();
  let kept = 0;
  const requests = rows.flatMap(({ path, value, problems: known }, at) => {
    const problems = gatherProblems();
    problems.add(known);
    const reading = value === undefined ? undefined : problems.check(() => readRequest(value, rules, path));
    if (reading !== undefined) {
      problems.add(reading.problems);
      if (reading.problems.length === 0) problems.check(() => checkRepeatedKey(seen, reading.request, path));
    }
    const found = problems.list();
    if (reading !== undefined && found.length === 0) return [{ request: reading.request, path, at }];
    const shown = kept < MOST_KEPT ? found : found.slice(0, 1);
    kept += shown.length;
    unread.push({
      at,
      path,
      problems: shown,
      ...(reading && { reading: { request: reading.request, problems: shown } }),
    });
    return [];
  });
  return { requests, unread };
}

/** Finds two different requests with one key before anything is accepted. The table would show it only afterwards. */
function checkRepeatedKey(seen: Map<string, string>, request: GenerationRequest, path: string): void {
  const { idempotencyKey } = request;
  if (idempotencyKey === undefined) return;
  const hash = requestHash(request);
  if (seen.has(idempotencyKey) && seen.get(idempotencyKey) !== hash) {
    const field = `${path}idempotencyKey`;
    throw new RequestError(
      'idempotency_conflict',
      `${field} is used by another request of this file: every request needs its own.`,
      field,
    );
  }
  seen.set(idempotencyKey, hash);
}

/** The error of a file that is too large to be read. */
export const tooLarge = (sizeBytes: number): GenerationError => ({
  code: 'request_too_large',
  message: `The file has ${sizeBytes} bytes; at most ${LARGEST_BYTES} (1 MB) are allowed: split it.`,
  retryable: false,
});

export const isTooLarge = (sizeBytes: number): boolean => sizeBytes > LARGEST_BYTES;
