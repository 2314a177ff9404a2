import type { GenerationError } from '../generation/errors.ts';
import { RequestError } from '../generation/errors.ts';
import type { Generation, RequestOrigin, Status } from '../generation/generation.ts';
import { after, type Timestamp, timestamp } from '../generation/time.ts';
import { readModelName } from '../request/model-name.ts';
import { gatherProblems } from '../request/problems.ts';
import type { HistoryPage, HistoryQuery, ListedGeneration } from '../store/history.ts';
import { readCursor, toCursor } from './cursor.ts';
import { readLimit, readQuery } from './read-query.ts';
import { type RecordDeps, shownStatus } from './record.ts';

/** A generation as a list shows it. */
export interface GenerationRow {
  readonly id: string;
  readonly model: string;
  readonly status: Status;
  readonly origin: RequestOrigin;
  readonly labels?: Readonly<Record<string, string>>;
  /** Known or estimated before the Run. */
  readonly priceUsd?: number;
  readonly costUsd?: number;
  readonly error?: Pick<GenerationError, 'code' | 'message'>;
  /** The first output. */
  readonly output?: {
    readonly index: 0;
    readonly name: string;
    readonly contentType: string;
    readonly sizeBytes: number;
    readonly url: string;
    readonly urlExpiresAt: Timestamp;
  };
  /** The number of outputs. */
  readonly outputs: number;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
  readonly endedAt?: Timestamp;
}

export interface GenerationList {
  /** Newest first. */
  readonly generations: readonly GenerationRow[];
  /** Absent if nothing older is left. */
  readonly cursor?: string;
}

export interface ListDeps extends Pick<RecordDeps, 'presign' | 'durations' | 'clock'> {
  readonly history: { readonly page: (query: HistoryQuery) => Promise<HistoryPage> };
}

const NAMES = ['status', 'model', 'origin', 'from', 'to', 'limit', 'cursor'];
const LABEL = 'label.';
/** A month, or a generation in it. */
const POSITION = /^\d{4}-(?:0[1-9]|1[0-2])(?:-\d\dT\d\d:\d\d:\d\d\.\d{3}Z(?:#[a-z2-7]{26})?)?$/;
const STATUSES: readonly Status[] = [
  'queued',
  'submitting',
  'running',
  'collecting',
  'succeeded',
  'failed',
  'cancelled',
];
const ORIGINS: readonly RequestOrigin[] = ['api', 's3', 'event'];
const MOST = 100;
const USUAL = 20;
/** How far back a list goes that names no `from`. */
const MONTHS_BACK = 13;

/** Lists generations, newest first. Reads a bounded number of items: a page may be short, and still have a cursor. */
export async function listGenerations(
  deps: ListDeps,
  query: URLSearchParams | undefined,
): Promise<GenerationList> {
  const { generations, next } = await deps.history.page(parseListQuery(deps, query));
  return {
    generations: await Promise.all(generations.map((listed) => toRow(deps, listed))),
    ...(next !== undefined && { cursor: toCursor(next) }),
  };
}

/** @throws {RequestError} With all problems. */
function parseListQuery(
  { clock, durations }: Pick<ListDeps, 'clock' | 'durations'>,
  query: URLSearchParams | undefined,
): HistoryQuery {
  const problems = gatherProblems();
  const given = readQuery(query, {
    names: NAMES,
    prefix: { start: LABEL, shownAs: `${LABEL}<name>` },
    problems,
  });
  const status = problems.check(() => readOne('status', STATUSES, given.get('status')));
  const origin = problems.check(() => readOne('origin', ORIGINS, given.get('origin')));
  const limit = problems.check(() => readLimit(given.get('limit'), { most: MOST, usual: USUAL }));
  const position = problems.check(() => readCursor(given.get('cursor'), POSITION));
  const model = problems.check(() => readModel(given.get('model')));
  const from = problems.check(() => readTime('from', given.get('from')));
  const to = problems.check(() => readTime('to', given.get('to')));
  if (from !== undefined && to !== undefined)
    problems.check(() => {
      if (from >= to) throw new RequestError('invalid_parameter', 'from must be before to.', 'from');
    });
  problems.throwAny();

  const labels = [...given]
    .filter(([name]) => name.startsWith(LABEL))
    .map(([name, value]) => [name.slice(LABEL.length), value] as const);
  // Clocks differ: what another function has just accepted may seem to be of the future.
  const before = to ?? after(timestamp(clock()), durations.clockSkew);
  return {
    from: from ?? monthsBefore(before, MONTHS_BACK),
    to: before,
    ...(position !== undefined && { after: position }),
    limit: limit ?? USUAL,
    ...((status ?? model) !== undefined && {
      isRowWanted: (row) =>
        (model === undefined || row.model.toLowerCase() === model) &&
        (status === undefined ||
          row.status === status ||
          // The index may show a claimed generation with the status that it had before.
          (status === 'submitting' && row.status === 'queued') ||
          (status === 'collecting' && row.status === 'running')),
    }),
    ...((status ?? origin) !== undefined && {
      isWanted: (generation) =>
        (origin === undefined || generation.origin === origin) &&
        (status === undefined || shownStatus(generation) === status),
    }),
    ...(labels.length > 0 && {
      isRequestWanted: (request) =>
        labels.every(
          ([name, value]) => Object.hasOwn(request.labels, name) && request.labels[name] === value,
        ),
    }),
  };
}

async function toRow(
  { presign }: Pick<ListDeps, 'presign'>,
  { generation, request, firstOutput, outputs }: ListedGeneration,
): Promise<GenerationRow> {
  const { id, model, origin, createdAt, updatedAt } = generation;
  return {
    id,
    model,
    status: shownStatus(generation),
    origin,
    ...(Object.keys(request.labels).length > 0 && { labels: request.labels }),
    ...(request.priceUsd !== undefined && { priceUsd: request.priceUsd }),
    ...('costUsd' in generation && generation.costUsd !== undefined && { costUsd: generation.costUsd }),
    ...errorOf(generation),
    ...(firstOutput && { output: await toRowOutput(presign, firstOutput) }),
    outputs,
    createdAt,
    updatedAt,
    ...('endedAt' in generation && { endedAt: generation.endedAt }),
  };
}

function errorOf(generation: Generation): Pick<GenerationRow, 'error'> {
  if (generation.status !== 'failed') return {};
  const { code, message } = generation.error;
  return { error: { code, message } };
}

async function toRowOutput(
  presign: ListDeps['presign'],
  output: NonNullable<ListedGeneration['firstOutput']>,
): Promise<NonNullable<GenerationRow['output']>> {
  const { name, contentType, sizeBytes } = output;
  const { url, expiresAt } = await presign(output);
  return { index: 0, name, contentType, sizeBytes, url, urlExpiresAt: expiresAt };
}

/** @returns In lower case, because Wiro also takes other spellings. */
const readModel = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : readModelName(text, 'model').toLowerCase();

function readOne<One extends string>(
  name: string,
  known: readonly One[],
  text: string | undefined,
): One | undefined {
  if (text === undefined) return undefined;
  const one = known.find((each) => each === text);
  if (one !== undefined) return one;
  throw new RequestError('invalid_parameter', `${name} must be one of ${known.join(', ')}.`, name);
}

const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** @returns The time in UTC; a day alone stands for its beginning. */
function readTime(name: string, text: string | undefined): Timestamp | undefined {
  if (text === undefined) return undefined;
  const time = TIME.test(text) ? new Date(text) : undefined;
  const year = time?.getUTCFullYear() ?? Number.NaN;
  // Node takes the 31st of February for the 3rd of March.
  const isDay = new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() === Number(text.slice(8, 10));
  if (time !== undefined && year >= 1_970 && year <= 9_998 && isDay) return timestamp(time);
  throw new RequestError(
    'invalid_parameter',
    `${name} must be a day (2026-10-31) or a time with its zone (2026-10-31T12:00:00Z).`,
    name,
  );
}

function monthsBefore(moment: Timestamp, months: number): Timestamp {
  const date = new Date(`${moment.slice(0, 7)}-01T00:00:00Z`);
  date.setUTCMonth(date.getUTCMonth() - months);
  return timestamp(date);
}
