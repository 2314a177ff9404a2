import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { QueryCommand } from '../aws/dynamodb.ts';
import { type Generation, queueKey } from '../generation/generation.ts';
import type { Table } from './dynamodb.ts';
import { LINE } from './keys.ts';
import { TABLE } from './table.ts';

interface Waiting {
  readonly id: string;
  readonly queueKey: string;
}

/** Lists generations that wait for a slot at the gate, oldest first. @param from - A `queueKey`. Older ones are left out. */
export async function readLine(
  { client, tableName }: Table,
  limit: number,
  from: string | undefined,
): Promise<readonly Waiting[]> {
  const { partitionKey, sortKey } = TABLE.indexes.waiting;
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: tableName,
      IndexName: 'waiting',
      KeyConditionExpression: `${partitionKey} = :shard${from === undefined ? '' : ` AND ${sortKey} >= :from`}`,
      ExpressionAttributeValues: marshall({
        ':shard': LINE,
        ...(from !== undefined && { ':from': from }),
      }),
      Limit: limit,
    }),
  );
  return Items.map((item) => unmarshall(item)).map((item) => ({
    id: String(item[TABLE.partitionKey]).slice('generation#'.length),
    queueKey: String(item[sortKey]),
  }));
}

/** Counts the generations that wait before this one, up to `most`. */
export async function countAhead(
  { client, tableName }: Table,
  generation: Pick<Generation, 'createdAt' | 'id'>,
  most: number,
): Promise<number> {
  const { partitionKey, sortKey } = TABLE.indexes.waiting;
  const { Count = 0 } = await client.send(
    new QueryCommand({
      TableName: tableName,
      IndexName: 'waiting',
      Select: 'COUNT',
      KeyConditionExpression: `${partitionKey} = :shard AND ${sortKey} < :mine`,
      ExpressionAttributeValues: marshall({ ':shard': LINE, ':mine': queueKey(generation) }),
      Limit: most,
    }),
  );
  return Count;
}
