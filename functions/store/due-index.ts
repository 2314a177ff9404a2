import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type AttributeValue, QueryCommand } from '../aws/dynamodb.ts';
import type { Timestamp } from '../generation/time.ts';
import type { DueShards } from '../settings.ts';
import type { Table } from './dynamodb.ts';
import { FIRST_SHARD, SHARDS } from './keys.ts';
import { TABLE } from './table.ts';

// The index of due generations has 8 shards, because one partition takes 1,000 write units a second. Releases before this
// one know only the first shard. So a generation goes into another shard only if the deployment sets `dueShards: 8`. Back
// at 1, a generation stays in its shard until its next write. So the other shards are still read, but only every ten
// minutes: seven requests a minute would cost an idle deployment more than all its others.

/** One page of due generations. */
export interface DuePage {
  readonly ids: readonly string[];
  /** Where the next page begins. Absent on the last page. */
  readonly next?: DueKey;
}

/** A position in the index of due generations: by shard, the key of the last entry, or `null` before the first one. */
export type DueKey = Readonly<Record<string, IndexKey | null>>;
type IndexKey = Readonly<Record<string, AttributeValue>>;

interface Entry {
  readonly id: string;
  readonly shard: string;
  readonly dueAt: string;
  readonly key: IndexKey;
}

/** How long the other shards wait at most. In minutes 0, 10, 20 … they are read in any case. */
const WHOLE_EVERY_MS = 10 * 60_000;

/**
 * Lists what was due by `now`, longest due first.
 * @param dueShards - With 1, the shards that are not written to any more are read every ten minutes.
 */
export function createDueReader(
  table: Table,
  dueShards: DueShards,
): (now: Timestamp, limit: number, after?: DueKey) => Promise<DuePage> {
  // A run that starts late may skip a minute.
  let wholeAt: number | undefined;

  function shardsToRead(now: Timestamp): readonly string[] {
    const at = Date.parse(now);
    wholeAt ??= at;
    const isWhole =
      dueShards === 8 || new Date(at).getUTCMinutes() % 10 === 0 || at - wholeAt >= WHOLE_EVERY_MS;
    if (isWhole) wholeAt = at;
    return isWhole ? SHARDS : [FIRST_SHARD];
  }

  return async (now, limit, after) => {
    // The pages of one list are of the same shards, however long it takes.
    const from = after ?? Object.fromEntries(shardsToRead(now).map((shard) => [shard, null]));
    const pages = await Promise.all(
      Object.entries(from).map(([shard, key]) => readShard(table, shard, now, limit, key)),
    );
    const found = pages
      .flatMap(({ entries }) => entries)
      .sort((a, b) => (a.dueAt < b.dueAt ? -1 : a.dueAt > b.dueAt ? 1 : 0));
    const listed = found.slice(0, limit);
    const ids = listed.map(({ id }) => id);
    const isLast =
      listed.length === 0 || (found.length === listed.length && pages.every(({ hasMore }) => !hasMore));
    if (isLast) return { ids };
    return { ids, next: { ...from, ...Object.fromEntries(listed.map(({ shard, key }) => [shard, key])) } };
  };
}

async function readShard(
  { client, tableName }: Table,
  shard: string,
  now: Timestamp,
  limit: number,
  after: IndexKey | null,
): Promise<{ readonly entries: readonly Entry[]; readonly hasMore: boolean }> {
  const { partitionKey, sortKey } = TABLE.indexes.due;
  const { Items = [], LastEvaluatedKey } = await client.send(
    new QueryCommand({
      TableName: tableName,
      IndexName: 'due',
      KeyConditionExpression: `${partitionKey} = :shard AND ${sortKey} <= :now`,
      ExpressionAttributeValues: marshall({ ':shard': shard, ':now': now }),
      Limit: limit,
      ...(after && { ExclusiveStartKey: after }),
    }),
  );
  const names: readonly string[] = [TABLE.partitionKey, TABLE.sortKey, partitionKey, sortKey];
  const entries = Items.map((item) => {
    const { [TABLE.partitionKey]: pk, [sortKey]: dueAt } = unmarshall(item);
    const key = Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)));
    return { id: String(pk).slice('generation#'.length), shard, dueAt: String(dueAt), key };
  });
  return { entries, hasMore: LastEvaluatedKey !== undefined };
}
