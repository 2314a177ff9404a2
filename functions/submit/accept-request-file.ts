import {
  type AcceptDeps,
  acceptChecked,
  acceptTogether,
  checkRequest,
} from '../acceptance/accept-generation.ts';
import { DailyLimitError } from '../acceptance/count-new.ts';
import type { ResultsPlace } from '../generation/accepted-request.ts';
import { type GenerationError, RequestError } from '../generation/errors.ts';
import { generationId, requestHash } from '../generation/identity.ts';
import { type GenerationRequest, parseRequest } from '../generation/request.ts';
import type { SourceRules } from '../generation/source.ts';
import { mapLimited } from '../limit.ts';

/** A request file as its event names it. */
export interface RequestFile {
  readonly bucket: string;
  readonly key: string;
  /** What makes this very put of it: versionId, else ETag and sequencer. */
  readonly version: string;
}

export interface AcceptFileDeps extends AcceptDeps {
  readonly rules: SourceRules;
}

/** What is wrong with a request file, and where; nothing of it is accepted. */
export interface FileRejection {
  readonly kind: 'rejected';
  readonly errors: readonly GenerationError[];
}

export interface FileAcceptance {
  readonly kind: 'accepted';
  /** In the order of the file. */
  readonly ids: readonly string[];
}

const MOST_REQUESTS = 1_000;
const LARGEST_BYTES = 1024 * 1024;
const MOST_ERRORS = 100;
const AT_ONCE = 10;

/**
 * Accepts every request of a file, or none: all are checked before the first is accepted. After a crash in
 * between, the same call accepts the rest.
 */
export async function acceptRequestFile(
  deps: AcceptFileDeps,
  file: RequestFile,
  text: string,
  results: Omit<ResultsPlace, 'index'>,
): Promise<FileAcceptance | FileRejection> {
  const parsed = parseFile(text, deps.rules);
  if (parsed.errors.length > 0) return rejection(parsed.errors);
  const found: (GenerationError | undefined)[] = [];
  // The same request twice under one key is one generation: its result takes the first place.
  const placeOf = new Map<string, number>();
  for (const [index, { request }] of parsed.requests.entries())
    if (request.idempotencyKey !== undefined && !placeOf.has(request.idempotencyKey))
      placeOf.set(request.idempotencyKey, index);
  const checked = await mapLimited(parsed.requests, AT_ONCE, async ({ request, path }, index) => {
    try {
      const known = await checkRequest(deps, request, {
        origin: 's3',
        key: keyOf(file, request, index),
        path,
        results: { ...results, index: placeOf.get(request.idempotencyKey ?? '') ?? index },
      });
      return known;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      // In the order of the file, not of the answers.
      found[index] = error.error;
      return undefined;
    }
  });
  const errors = found.filter((error) => error !== undefined);
  if (errors.length > 0) return rejection(errors);
  const given = checked.filter((one) => one !== undefined);
  const requests = given.flatMap((one, index) =>
    one.kind === 'new' ? [{ checked: one.checked, path: parsed.requests[index]?.path ?? '' }] : [],
  );
  try {
    const [first] = requests;
    // Alone it needs no name to be counted by, which takes three requests more.
    if (parsed.requests.length === 1 && first) await acceptChecked(deps, first.checked, first.path);
    else await acceptTogether(deps, requests, nameOf(deps, file));
  } catch (error) {
    if (!(error instanceof DailyLimitError)) throw error;
    return rejection([error.error]);
  }
  const ids = given.map((one) => (one.kind === 'known' ? one.generation.id : one.checked.id));
  return { kind: 'accepted', ids: [...new Set(ids)] };
}

/** Of this very put of the file. */
const nameOf = ({ deployment }: AcceptFileDeps, { bucket, key, version }: RequestFile): string =>
  generationId(deployment, 's3', JSON.stringify(['file', bucket, key, version]));

/** A request's own key where it has one; else its place in this very put of the file. */
const keyOf = (
  { bucket, key, version }: RequestFile,
  { idempotencyKey }: GenerationRequest,
  index: number,
): string =>
  idempotencyKey === undefined
    ? JSON.stringify(['object', bucket, key, version, index])
    : JSON.stringify(['key', idempotencyKey]);

interface ParsedFile {
  readonly requests: readonly { readonly request: GenerationRequest; readonly path: string }[];
  readonly errors: readonly GenerationError[];
}

function parseFile(text: string, rules: SourceRules): ParsedFile {
  const invalid = (message: string): ParsedFile => ({
    requests: [],
    errors: [{ code: 'invalid_request', message, retryable: false }],
  });
  if (Buffer.byteLength(text) > LARGEST_BYTES) {
    return { requests: [], errors: [tooLarge(Buffer.byteLength(text))] };
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return invalid(
      `The file is not JSON: ${error instanceof Error ? error.message : 'it cannot be parsed'}.`,
    );
  }
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0)
    return invalid('The file holds no request: put one, or an array of them, into it.');
  if (values.length > MOST_REQUESTS) {
    return invalid(`The file holds ${values.length} requests; at most ${MOST_REQUESTS} are taken: split it.`);
  }
  const errors: GenerationError[] = [];
  const seen = new Map<string, string>();
  const requests = values.flatMap((one, index) => {
    const path = Array.isArray(value) ? `[${index}].` : '';
    try {
      const request = parseRequest(one, rules, path);
      checkRepeatedKey(seen, request, path);
      return [{ request, path }];
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      errors.push(error.error);
      return [];
    }
  });
  return { requests, errors };
}

/** Found here, before anything is accepted, and not when the second one meets the first in the table. */
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

/** For a file that is not even read. */
export const tooLarge = (sizeBytes: number): GenerationError => ({
  code: 'request_too_large',
  message: `The file has ${sizeBytes} bytes; at most ${LARGEST_BYTES} (1 MB) are taken: split it.`,
  retryable: false,
});

export const isTooLarge = (sizeBytes: number): boolean => sizeBytes > LARGEST_BYTES;

function rejection(errors: readonly GenerationError[]): FileRejection {
  return { kind: 'rejected', errors: errors.slice(0, MOST_ERRORS) };
}
