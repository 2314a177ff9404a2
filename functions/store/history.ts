import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { BatchGetItemCommand, QueryCommand } from '../aws/dynamodb.ts';
import { type Generation, hasEnded, type Output } from '../generation/generation.ts';
import type { Timestamp } from '../generation/time.ts';
import type { AcceptedRequest } from '../request/accepted-request.ts';
import { log } from '../runtime/log.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { Table } from './dynamodb.ts';
import { outputsSort, requestSort, STATE, toGeneration } from './generation-item.ts';
import type { Overflow } from './generation-store.ts';
import { partition } from './keys.ts';
import { NewerVersionError, readable } from './stored-version.ts';
import { TABLE } from './table.ts';

/** What a list shows of a request. */
export type RequestInBrief = Pick<AcceptedRequest, 'labels' | 'priceUsd'>;

export interface ListedGeneration {
  readonly generation: Generation;
  /** Without labels if a large request was deleted from S3. */
  readonly request: RequestInBrief;
  /** Of the current attempt, once it has ended. */
  readonly firstOutput?: Output;
  readonly outputs: number;
}

/** A row of the index, which may lag behind its generation. */
export interface HistoryRow {
  readonly id: string;
  readonly model: string;
  readonly status: Generation['status'];
}

export interface HistoryQuery {
  /** Accepted at this time or later. */
  readonly from: Timestamp;
  /** Accepted before this time. */
  readonly to: Timestamp;
  /** The `next` of the page before. */
  readonly after?: HistoryPosition;
  readonly limit: number;
  /** Judges by the index alone, which costs least. Must accept whatever the other two accept. */
  readonly isRowWanted?: (row: HistoryRow) => boolean;
  readonly isWanted?: (generation: Generation) => boolean;
  readonly isRequestWanted?: (request: RequestInBrief) => boolean;
}

/**
 * A position in the history: the index key of the last generation that was read, or a month (`2026-10`) of which nothing
 * was read yet.
 */
export type HistoryPosition = string;

export interface HistoryPage {
  /** Newest first. */
  readonly generations: readonly ListedGeneration[];
  /** Absent if nothing older is left. */
  readonly next?: HistoryPosition;
  /** Read units of DynamoDB that this page consumed. */
  readonly readUnits: number;
}

/** A page starts no further group of generations once it has consumed this many read units. */
const ENOUGH_UNITS = 400;
/** The largest items of one generation take about 52 read units, so a page takes at most 1,000. */
const GROUP = 10;
/** Rows of the index for one query that filters: about 10 read units. */
const ROWS_AT_ONCE = 250;
/** A month without generations takes one query, and half a read unit. */
const MOST_QUERIES = 40;
const MOST_TRIES = 6;
const OVERFLOWS_AT_ONCE = 10;
/** Sorts after every key of a month. */
const LAST = '~';

/**
 * Reads generations newest first, from the index of all generations by month. What an index row does not hold is read
 * from the items, so that any filter works without another index. A page costs the same however many are stored.
 */
export function createHistory(
  { client, tableName }: Table,
  overflow: Pick<Overflow, 'read'>,
): { page(query: HistoryQuery): Promise<HistoryPage> } {
  const { partitionKey, sortKey } = TABLE.indexes.history;

  async function page(query: HistoryQuery): Promise<HistoryPage> {
    const { from, to, limit, isRowWanted } = query;
    const found: ListedGeneration[] = [];
    const used = { readUnits: 0 };
    const end = (next?: HistoryPosition): HistoryPage => ({
      generations: found,
      ...(next !== undefined && { next }),
      readUnits: used.readUnits,
    });
    const { after = to } = query;
    // A position that is only a month stands for its end: the whole month is left to read.
    const last = after.length === 7 ? `${after}${LAST}` : after;
    let before = last < to ? last : to;
    for (let queries = 0; before >= from; queries += 1) {
      const month = before.slice(0, 7);
      if (queries === MOST_QUERIES || used.readUnits >= ENOUGH_UNITS) return end(positionOf(before));
      const { rows, isLast } = await readRows(month, from, before, limit - found.length, query, used);
      for (let start = 0; start < rows.length; start += GROUP) {
        if (used.readUnits >= ENOUGH_UNITS) return end(positionOf(before));
        const group = rows.slice(start, start + GROUP);
        const wanted = group.filter((row) => isRowWanted === undefined || isRowWanted(row));
        for (const listed of await readGenerations(wanted, query, used)) {
          found.push(listed.generation);
          if (found.length === limit) return end(listed.key);
        }
        before = group.at(-1)?.key ?? before;
      }
      if (isLast) before = `${monthBefore(month)}${LAST}`;
    }
    return end();
  }

  /** @returns Rows of one month with keys below `before`, newest first. */
  async function readRows(
    month: string,
    from: Timestamp,
    before: string,
    missing: number,
    { isRowWanted, isWanted, isRequestWanted }: HistoryQuery,
    used: { readUnits: number },
  ): Promise<{
    readonly rows: readonly (HistoryRow & { readonly key: string })[];
    readonly isLast: boolean;
  }> {
    const isFiltered = [isRowWanted, isWanted, isRequestWanted].some((filter) => filter !== undefined);
    const {
      Items = [],
      LastEvaluatedKey,
      ConsumedCapacity,
    } = await client.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: 'history',
        KeyConditionExpression: `${partitionKey} = :month AND ${sortKey} BETWEEN :from AND :before`,
        ExpressionAttributeValues: marshall({ ':month': month, ':from': from, ':before': before }),
        ScanIndexForward: false,
        // One more, because the range includes the position itself.
        Limit: isFiltered ? ROWS_AT_ONCE : missing + 1,
        ReturnConsumedCapacity: 'TOTAL',
      }),
    );
    used.readUnits += ConsumedCapacity?.CapacityUnits ?? 0;
    const rows = Items.map((item) => unmarshall(item)).map((row) => ({
      key: String(row[sortKey]),
      id: String(row.id),
      model: String(row.model),
      status: row.status as HistoryRow['status'],
    }));
    return { rows: rows.filter(({ key }) => key !== before), isLast: LastEvaluatedKey === undefined };
  }

  /** Reads a group of generations with what a list shows of them; those that the filters refuse are left out. */
  async function readGenerations(
    rows: readonly (HistoryRow & { readonly key: string })[],
    { isWanted = () => true, isRequestWanted = () => true }: HistoryQuery,
    used: { readUnits: number },
  ): Promise<{ readonly key: string; readonly generation: ListedGeneration }[]> {
    const states = await readItems(
      rows.map(({ id }) => ({ id, sort: STATE })),
      used,
    );
    const generations = rows.flatMap(({ id, key }) => {
      const state = states.get(nameOf({ id, sort: STATE }));
      const generation = state && readState(id, state);
      return generation !== undefined && isWanted(generation) ? [{ key, generation }] : [];
    });
    const requestOf = ({ id, requestHash }: Generation) => ({ id, sort: requestSort(requestHash) });
    const requestItems = await readItems(
      generations.map(({ generation }) => requestOf(generation)),
      used,
    );
    const known = await mapLimited(generations, OVERFLOWS_AT_ONCE, async ({ key, generation }) => {
      const item = requestItems.get(nameOf(requestOf(generation)));
      return { key, generation, request: await readInBrief(item) };
    });
    const wanted = known.filter(({ request }) => isRequestWanted(request));
    const outputsOf = ({ id, attempt }: Generation) => ({ id, sort: outputsSort(attempt) });
    const outputItems = await readItems(
      wanted.filter(({ generation }) => hasEnded(generation)).map(({ generation }) => outputsOf(generation)),
      used,
    );
    return wanted.map(({ key, generation, request }) => {
      const item = outputItems.get(nameOf(outputsOf(generation)));
      const outputs = item === undefined ? [] : (JSON.parse(String(item.body)) as Output[]);
      const [firstOutput] = outputs;
      const total = typeof item?.total === 'number' ? item.total : outputs.length;
      return {
        key,
        generation: { generation, request, ...(firstOutput && { firstOutput }), outputs: total },
      };
    });
  }

  /** Reads items, at most 100, by partition and sort key; eventually consistent, which costs half. */
  async function readItems(
    keys: readonly ItemKey[],
    used: { readUnits: number },
  ): Promise<ReadonlyMap<string, Record<string, unknown>>> {
    const items = new Map<string, Record<string, unknown>>();
    let left = keys.map(({ id, sort }) => marshall({ pk: partition(id), sk: sort }));
    for (let tries = 0; left.length > 0; tries += 1) {
      if (tries === MOST_TRIES)
        throw new Error('Cannot list generations: DynamoDB does not answer all items');
      if (tries > 0) await pause(tries);
      const { Responses, UnprocessedKeys, ConsumedCapacity } = await client.send(
        new BatchGetItemCommand({
          RequestItems: { [tableName]: { Keys: left } },
          ReturnConsumedCapacity: 'TOTAL',
        }),
      );
      for (const { CapacityUnits = 0 } of ConsumedCapacity ?? []) used.readUnits += CapacityUnits;
      for (const found of Responses?.[tableName] ?? []) {
        const item = unmarshall(found);
        items.set(`${item.pk} ${item.sk}`, item);
      }
      left = UnprocessedKeys?.[tableName]?.Keys ?? [];
    }
    return items;
  }

  async function readInBrief(item: Record<string, unknown> | undefined): Promise<RequestInBrief> {
    if (item === undefined) return { labels: {} };
    // A large request's item holds this part itself, except if an earlier release stored it.
    const own = item.inBrief ?? item.body;
    const text = own === undefined ? await overflow.read(String(item.overflow)) : String(own);
    if (text === undefined) return { labels: {} };
    const { labels, priceUsd } = JSON.parse(text) as AcceptedRequest;
    return { labels, ...(priceUsd !== undefined && { priceUsd }) };
  }

  return { page };
}

interface ItemKey {
  readonly id: string;
  readonly sort: string;
}

const nameOf = ({ id, sort }: ItemKey): string => `${partition(id)} ${sort}`;

/** @returns `undefined` for a generation that a newer release stored: the list goes on without it. */
function readState(id: string, item: Record<string, unknown>): Generation | undefined {
  try {
    return toGeneration(readable(item, `the generation ${id}`));
  } catch (error) {
    if (!(error instanceof NewerVersionError)) throw error;
    log.warn('A list leaves out a generation of a newer release', { generationId: id, error });
    return undefined;
  }
}

/** The position to go on from, for the end of a range that was read so far. */
const positionOf = (before: string): HistoryPosition => (before.endsWith(LAST) ? before.slice(0, 7) : before);

function monthBefore(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 1
    ? `${String(year - 1).padStart(4, '0')}-12`
    : `${month.slice(0, 5)}${String(number - 1).padStart(2, '0')}`;
}

const pause = (tries: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(25 * 2 ** tries, 400)));
