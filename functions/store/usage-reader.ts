import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, QueryCommand } from '../aws/dynamodb.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { Table } from './dynamodb.ts';
import { partition } from './keys.ts';
import { countedSort, dayPartition, END_STATUSES, type EndStatus, marksOf, ROW } from './usage-item.ts';

/** What ended on one day (UTC), of one model and with these labels. */
export interface UsageRow extends Readonly<Record<EndStatus, number>> {
  readonly day: string;
  readonly model: string;
  readonly costMicroUsd: number;
  /** Ends whose cost is not known. */
  readonly costUnknown: number;
  /** Of the labels that the deployment counts by, those that the generations have. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface UsageQuery {
  /** The first day. */
  readonly from: string;
  /** The last day. */
  readonly to: string;
  /** The `next` of the page before. */
  readonly after?: UsagePosition;
}

/** A day of which nothing was read yet, or the last row that was read: `2026-11-29#owner/project`. */
export type UsagePosition = string;

export interface UsagePage {
  /** By day, oldest first, then by model. */
  readonly rows: readonly UsageRow[];
  /** Absent if nothing is left. */
  readonly next?: UsagePosition;
  /** Read units of DynamoDB that this page consumed. */
  readonly readUnits: number;
}

export interface UsageReader {
  page(query: UsageQuery): Promise<UsagePage>;
}

/** Rows of a page. A row is under 1 KB, so they take at most 125 read units. */
const MOST_ROWS = 1_000;
/** Days of a page: a day takes one query, and half a unit if nothing ended on it. */
const MOST_QUERIES = 100;
const MARKS_AT_ONCE = 10;

export function createUsageReader({ client, tableName }: Table): UsageReader {
  async function page({ from, to, after = from }: UsageQuery): Promise<UsagePage> {
    const items: Item[] = [];
    const used = { readUnits: 0 };
    let [day = from, last = ''] = splitAt(after < from ? from : after);
    for (let queries = 0; day <= to; queries += 1) {
      if (queries === MOST_QUERIES || items.length === MOST_ROWS) {
        const next = last === '' ? day : `${day}#${last}`;
        return { rows: await toRows(items, used), next, ...used };
      }
      const found = await readDay(day, last, MOST_ROWS - items.length, used);
      items.push(...found.items.map((item) => ({ ...item, day })));
      if (found.last === undefined) {
        day = dayAfter(day);
        last = '';
      } else {
        last = found.last;
      }
    }
    return { rows: await toRows(items, used), ...used };
  }

  async function readDay(
    day: string,
    after: string,
    limit: number,
    used: Used,
  ): Promise<{ readonly items: readonly Item[]; readonly last?: string }> {
    const { Items, LastEvaluatedKey, ConsumedCapacity } = await client.send(
      new QueryCommand({
        TableName: tableName,
        KeyConditionExpression: 'pk = :day AND sk > :after',
        ExpressionAttributeValues: marshall({ ':day': dayPartition(day), ':after': `${ROW}${after}` }),
        Limit: limit,
        ReturnConsumedCapacity: 'TOTAL',
      }),
    );
    used.readUnits += ConsumedCapacity?.CapacityUnits ?? 0;
    return {
      items: (Items ?? []).map((item) => unmarshall(item)),
      ...(LastEvaluatedKey && { last: String(unmarshall(LastEvaluatedKey).sk).slice(ROW.length) }),
    };
  }

  /** Leaves out what is counted twice: by a function that was killed, or that has not yet taken its count back. */
  async function toRows(items: readonly Item[], used: Used): Promise<readonly UsageRow[]> {
    const rows = await mapLimited(items, MARKS_AT_ONCE, async (item) => {
      const row = { ...toRow(item) };
      for (const { id, attempt, token, counts } of marksOf(item)) {
        const counted = await readToken(id, attempt, used);
        // Without an item of its own the end is being counted: it has only this mark.
        if (counted === undefined || counted === token) continue;
        row[counts.status] -= 1;
        row.costMicroUsd -= counts.costMicroUsd;
        row.costUnknown -= counts.isCostUnknown ? 1 : 0;
      }
      return row;
    });
    return rows.filter((row) => END_STATUSES.some((status) => row[status] > 0));
  }

  async function readToken(id: string, attempt: number, used: Used): Promise<string | undefined> {
    const { Item, ConsumedCapacity } = await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: marshall({ pk: partition(id), sk: countedSort(attempt) }),
        // Newer than the row, which may lag behind.
        ConsistentRead: true,
        ReturnConsumedCapacity: 'TOTAL',
      }),
    );
    used.readUnits += ConsumedCapacity?.CapacityUnits ?? 0;
    return Item && String(unmarshall(Item).token);
  }

  return { page };
}

type Item = Readonly<Record<string, unknown>>;
interface Used {
  readUnits: number;
}

const splitAt = (position: UsagePosition): readonly [string, string] => [
  position.slice(0, 10),
  position.slice(11),
];

const dayAfter = (day: string) => new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);

const toRow = (item: Item): UsageRow => ({
  day: String(item.day),
  model: String(item.model),
  labels: (item.labels ?? {}) as UsageRow['labels'],
  succeeded: Number(item.succeeded ?? 0),
  failed: Number(item.failed ?? 0),
  cancelled: Number(item.cancelled ?? 0),
  costMicroUsd: Number(item.costMicroUsd ?? 0),
  costUnknown: Number(item.costUnknown ?? 0),
});
