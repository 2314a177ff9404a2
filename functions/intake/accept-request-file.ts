import type { KnownRequest } from '../events/report-known.ts';
import { type GenerationError, RequestError } from '../generation/errors.ts';
import { PREFIX } from '../objects/prefix.ts';
import type { ResultsPlace } from '../request/accepted-request.ts';
import { generationId } from '../request/identity.ts';
import type { GenerationRequest } from '../request/request.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { Outcome } from '../store/delivery-store.ts';
import { type AcceptDeps, acceptCounted, acceptFailed, checkRequest } from './accept-generation.ts';
import { countTogether, DailyLimitError } from './count-new.ts';
import { findAllProblems } from './examine-request.ts';
import {
  type ParsedFile,
  type ParsedRequest,
  type ParseFileDeps,
  parseFile,
  type Unread,
} from './parse-request-file.ts';
import { UnknownColumnsError } from './read-rows.ts';

/** A request file as its event names it. */
export interface RequestFile {
  readonly bucket: string;
  readonly key: string;
  /** Identifies this put of the file: its versionId, or else its ETag and sequencer. */
  readonly version: string;
}

export interface AcceptFileDeps extends AcceptDeps, ParseFileDeps {}

/** What is wrong with a request file, and where. None of its requests is accepted. */
export interface FileRejection {
  readonly kind: 'rejected';
  /** The first hundred problems, in the order of the file. */
  readonly errors: readonly GenerationError[];
  /** The number of problems that were found. A file with more than ten thousand has more. */
  readonly total: number;
}

export interface FileAcceptance {
  readonly kind: 'accepted';
  /** In the order of the file. */
  readonly ids: readonly string[];
  /** How many generations the file asks for. */
  readonly total: number;
  /** Requests whose own keys belong to generations that were accepted before. */
  readonly repeated: readonly KnownRequest[];
}

const MOST_ERRORS = 100;
const AT_ONCE = 10;

/** What a delivery of a file's event knows of the other deliveries. Each of them may be the one that accepts the file. */
export interface FileDelivery {
  readonly outcome?: Outcome | undefined;
  /** No further delivery comes. A request that is not accepted now never is. */
  readonly isLast: boolean;
  /** Notes an outcome. @returns The outcome that stands. */
  readonly settle: (outcome: Outcome) => Promise<Outcome>;
  /** Whether the function has time to go on. */
  readonly hasTime: () => boolean;
}

/**
 * Accepts every request of a file, or none. All are checked before the first is accepted. After a crash in between, the
 * same call accepts the rest. A request that can no longer run was accepted with the others, so it ends as failed.
 */
export async function acceptRequestFile(
  deps: AcceptFileDeps,
  file: RequestFile,
  text: string,
  results: Omit<ResultsPlace, 'index' | 'total'>,
  delivery: FileDelivery,
): Promise<FileAcceptance | FileRejection> {
  const parsed = await parse(deps, file, text, delivery);
  if ('kind' in parsed) return parsed;
  const { requests, unread } = parsed;
  const total = new Set(requests.map(({ request }, index) => keyOf(file, request, index))).size;
  const { outcome, isLast, settle } = delivery;
  const work: FileWork = { deps, file, requests, delivery, results: { ...results, total } };
  let isAccepting = outcome === 'accepting' || outcome === 'accepted';
  if (unread.length > 0)
    return (await settle('rejected')) === 'rejected'
      ? rejection(await allProblems(work, unread, isAccepting))
      : nothingMore();
  const checked = await mapLimited(requests, AT_ONCE, (_, index) => checkOne(work, index, isAccepting));
  const errors = checked.flatMap((one) => (one.kind === 'impossible' ? one.problems : []));
  if (outcome === 'rejected') return rejection(errors.length > 0 ? errors : [rejectedBefore()]);
  if (!isAccepting && errors.length > 0 && (await isRejected())) return rejection(errors);
  let refused: GenerationError | undefined;
  try {
    const ids = new Set(checked.flatMap((one) => (one.kind === 'new' ? [one.checked.id] : [])));
    await countTogether(deps, ids.size, nameOf(deps, file));
  } catch (error) {
    if (!(error instanceof DailyLimitError)) throw error;
    if (!isAccepting && (await isRejected())) return rejection([error.error]);
    refused = error.error;
  }
  if (!isAccepting && (await settle('accepting')) === 'rejected') return rejection([rejectedBefore()]);
  const ids = await mapLimited(checked, AT_ONCE, (one, index) => acceptOne(work, index, one, refused));
  await settle('accepted');
  const repeated = checked.flatMap((one, index) =>
    one.kind === 'existing' && requests[index]?.request.idempotencyKey !== undefined
      ? [{ id: one.generation.id, index: resultsOf(work, index).index }]
      : [],
  );
  return { kind: 'accepted', ids: [...new Set(ids)], total, repeated };

  async function isRejected(): Promise<boolean> {
    if ((await settle('rejected')) === 'rejected') return true;
    // Another delivery found every input, and may still be accepting. Then this one cannot call a request impossible.
    if (!isLast) throw new Error('Another delivery of this request file is accepting it');
    isAccepting = true;
    return false;
  }
}

/** @returns A rejection if the model of a table cannot be looked up, and this is the last delivery. */
async function parse(
  deps: AcceptFileDeps,
  { key }: RequestFile,
  text: string,
  { outcome, isLast, settle }: FileDelivery,
): Promise<ParsedFile | FileRejection> {
  try {
    return await parseFile(deps, key.slice(PREFIX.requests.length), text);
  } catch (error) {
    if (!(error instanceof UnknownColumnsError) || !isLast || outcome === 'accepting') throw error;
    if ((await settle('rejected')) !== 'rejected') throw error;
    return rejection([{ code: 'upstream_unavailable', message: error.message, retryable: true }]);
  }
}

/** One delivery of a file, and what was read from it. */
interface FileWork {
  readonly deps: AcceptFileDeps;
  readonly file: RequestFile;
  readonly requests: readonly ParsedRequest[];
  readonly results: Omit<ResultsPlace, 'index'>;
  readonly delivery: FileDelivery;
}

/** Adds problems outside the file, such as missing inputs, so that all can be corrected at once. */
async function allProblems(
  work: FileWork,
  unread: readonly Unread[],
  isAccepting: boolean,
): Promise<readonly GenerationError[]> {
  const { deps, requests, delivery } = work;
  const { hasTime } = delivery;
  let isOver = false;
  const findProblems = async (
    one: Unread | ParsedRequest,
    index: number,
  ): Promise<readonly GenerationError[]> => {
    if ('problems' in one)
      return one.reading ? findAllProblems(deps, one.reading, { path: one.path, hasTime }) : one.problems;
    const checked = await checkOne(work, index, isAccepting);
    return checked.kind === 'impossible' ? checked.problems : [];
  };
  const all = [...requests, ...unread];
  const problems = await mapLimited(all, AT_ONCE, async (one, index) => {
    const known = 'problems' in one ? one.problems : [];
    if (isOver || !hasTime()) return known;
    return findProblems(one, index).catch((error: unknown) => {
      isOver = true;
      logIgnored('the problems found until now are reported')(error);
      return known;
    });
  });
  return all
    .map(({ at }, index) => ({ at, problems: problems[index] ?? [] }))
    .sort((a, b) => a.at - b.at)
    .flatMap((one) => one.problems);
}

async function checkOne(work: FileWork, index: number, isAccepting: boolean): Promise<Checked> {
  const { deps, file, delivery } = work;
  const { isLast, hasTime } = delivery;
  const { request, path } = requestAt(work, index);
  if (!hasTime()) throw new Error('No time is left to check this request file');
  try {
    if (isAccepting && request.idempotencyKey !== undefined) {
      const ended = await deps.generations.get(generationId(deps.deployment, 's3', indexKey(file, index)));
      if (ended !== undefined) return { kind: 'existing', generation: ended };
    }
    return await checkRequest(deps, request, {
      origin: 's3',
      key: keyOf(file, request, index),
      path,
      results: resultsOf(work, index),
      hasTime,
    });
  } catch (error) {
    if (error instanceof RequestError)
      return { kind: 'impossible', error: error.error, problems: error.problems };
    if (isAccepting && isLast && hasTime())
      return { kind: 'impossible', error: unreachable(), problems: [unreachable()] };
    throw error;
  }
}

/** @param refused - Why no new request of the file can run, if it is too late to reject the whole file. */
async function acceptOne(
  work: FileWork,
  index: number,
  one: Checked,
  refused: GenerationError | undefined,
): Promise<string> {
  if (one.kind === 'existing') return one.generation.id;
  const { deps, file } = work;
  const { request, path } = requestAt(work, index);
  try {
    const error = one.kind === 'impossible' ? one.error : refused;
    if (error !== undefined) throw RequestError.of(error);
    if (one.kind !== 'new') throw new Error('Cannot accept a request of a file: it was not checked');
    return (await acceptCounted(deps, one.checked, path)).id;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    // It gets an id by its index in the file. So its own key stays free for another try.
    const ended = { origin: 's3', key: indexKey(file, index), results: resultsOf(work, index) } as const;
    return (await acceptFailed(deps, request, { ...ended, error: error.error })).id;
  }
}

/** The same request twice under one key is one generation. Its result has the index of the first. */
function resultsOf({ requests, results }: FileWork, index: number): ResultsPlace {
  const key = requests[index]?.request.idempotencyKey;
  const first =
    key === undefined ? index : requests.findIndex(({ request }) => request.idempotencyKey === key);
  return { ...results, index: first };
}

function requestAt({ requests }: FileWork, index: number): ParsedRequest {
  const parsed = requests[index];
  if (parsed === undefined) throw new Error(`The file has no request ${index}`);
  return parsed;
}

type Checked =
  | Awaited<ReturnType<typeof checkRequest>>
  | {
      readonly kind: 'impossible';
      readonly error: GenerationError;
      readonly problems: readonly GenerationError[];
    };

/** An older release accepted a file that this one cannot read. Its generations run, and there is nothing to add. */
const nothingMore = (): FileAcceptance => ({ kind: 'accepted', ids: [], total: 0, repeated: [] });

const rejectedBefore = (): GenerationError => ({
  code: 'internal_error',
  message: 'This file was rejected before. Nothing of it was run or charged: put it again.',
  retryable: true,
});

/** The error of a request that could not be accepted because the deployment's own services did not answer. */
export const unreachable = (): GenerationError => ({
  code: 'internal_error',
  message:
    'This deployment could not reach one of its own services, three times over some minutes. Nothing was run: request it again.',
  retryable: true,
});

/** Names this put of the file. */
export const nameOf = ({ deployment }: AcceptFileDeps, { bucket, key, version }: RequestFile): string =>
  generationId(deployment, 's3', JSON.stringify(['file', bucket, key, version]));

/** The request's own key, or else its index in this put of the file. */
const keyOf = (file: RequestFile, { idempotencyKey }: GenerationRequest, index: number): string =>
  idempotencyKey === undefined ? indexKey(file, index) : JSON.stringify(['key', idempotencyKey]);

const indexKey = ({ bucket, key, version }: RequestFile, index: number): string =>
  JSON.stringify(['object', bucket, key, version, index]);

function rejection(errors: readonly GenerationError[]): FileRejection {
  return { kind: 'rejected', errors: errors.slice(0, MOST_ERRORS), total: errors.length };
}
