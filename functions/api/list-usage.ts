import { RequestError } from '../generation/errors.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { gatherProblems, type Problems } from '../request/problems.ts';
import type { UsagePage, UsageQuery, UsageRow } from '../store/usage-reader.ts';
import { readCursor, toCursor } from './cursor.ts';
import { readQuery } from './read-query.ts';

/** What ended from one day to another (UTC), both included. */
export interface Usage {
  readonly from: string;
  readonly to: string;
  /** Days without ends are left out. */
  readonly days: readonly UsageDay[];
  /** Absent if nothing is left. */
  readonly cursor?: string;
}

/** What ended on one day, of one model and with these labels. */
export interface UsageDay {
  readonly day: string;
  readonly model: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly costUsd: number;
  /** Ends whose cost is not known. */
  readonly costUnknown: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ListUsageDeps {
  readonly usage: { readonly page: (query: UsageQuery) => Promise<UsagePage> };
  readonly clock: Clock;
}

const MOST_DAYS = 366;
const USUAL_DAYS = 30;
const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d\d-\d\d$/;
/** A day, or a row of one: its model and, of a row with labels, their hash. */
const POSITION =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:#[\w.-]{1,128}\/[\w.-]{1,128}(?:#[\w-]{12})?)?$/;

/** Returns how many generations ended, and what they cost. Reads a bounded number of items: a page may be short. */
export async function listUsage(
  { usage, clock }: ListUsageDeps,
  query: URLSearchParams | undefined,
): Promise<Usage> {
  const problems = gatherProblems();
  const given = readQuery(query, { names: ['from', 'to', 'cursor'], problems });
  const position = problems.check(() => readCursor(given.get('cursor'), POSITION));
  const { from, to } = readDays(given, problems, timestamp(clock()).slice(0, 10));
  problems.throwAny();
  const { rows, next } = await usage.page({ from, to, ...(position !== undefined && { after: position }) });
  return { from, to, days: rows.map(toDay), ...(next !== undefined && { cursor: toCursor(next) }) };
}

function readDays(
  given: ReadonlyMap<string, string>,
  problems: Problems,
  today: string,
): { readonly from: string; readonly to: string } {
  const last = problems.check(() => readDay('to', given.get('to')));
  const first = problems.check(() => readDay('from', given.get('from')));
  const to = last ?? today;
  const from = first ?? dayFrom(Date.parse(to) - (USUAL_DAYS - 1) * DAY_MS);
  problems.check(() => {
    const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
    if (days < 1)
      throw new RequestError('invalid_parameter', 'from must not be after to (by default today).', 'from');
    if (days > MOST_DAYS)
      throw new RequestError(
        'invalid_parameter',
        `from and to must span at most ${MOST_DAYS} days, both included. Ask for one year after another.`,
        'from',
      );
  });
  return { from, to };
}

function readDay(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const time = DAY.test(text) ? Date.parse(text) : Number.NaN;
  // Node takes the 31st of February for the 3rd of March.
  if (time >= 0 && text < '9999' && dayFrom(time) === text) return text;
  throw new RequestError('invalid_parameter', `${name} must be a day in UTC, such as 2026-10-31.`, name);
}

const dayFrom = (time: number) => new Date(time).toISOString().slice(0, 10);

function toDay({
  day,
  model,
  succeeded,
  failed,
  cancelled,
  costMicroUsd,
  costUnknown,
  labels,
}: UsageRow): UsageDay {
  return {
    day,
    model,
    succeeded,
    failed,
    cancelled,
    costUsd: costMicroUsd / 1_000_000,
    costUnknown,
    ...(Object.keys(labels).length > 0 && { labels }),
  };
}
