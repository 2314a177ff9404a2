import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type GlobalSecondaryIndex,
  type GlobalSecondaryIndexDescription,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb';
import { TABLE } from '../../functions/store/table.ts';

/** Creates the table that `TABLE` describes, unless it exists, and waits until it is active. */
export async function createTable(client: DynamoDBClient, tableName: string): Promise<void> {
  const indexes = Object.entries(TABLE.indexes);
  const keys = [TABLE, ...Object.values(TABLE.indexes)].flatMap((of) => [of.partitionKey, of.sortKey]);
  try {
    await client.send(
      new CreateTableCommand({
        TableName: tableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [...new Set(keys)].map((name) => ({ AttributeName: name, AttributeType: 'S' })),
        KeySchema: keySchema(TABLE),
        GlobalSecondaryIndexes: indexes.map(([name, index]) => describeIndex(name, index)),
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilActive(client, tableName);
}

interface Keys {
  readonly partitionKey: string;
  readonly sortKey: string;
}

const keySchema = ({ partitionKey, sortKey }: Keys) => [
  { AttributeName: partitionKey, KeyType: 'HASH' as const },
  { AttributeName: sortKey, KeyType: 'RANGE' as const },
];

function describeIndex(
  name: string,
  index: Keys & { readonly projected: readonly string[] },
): GlobalSecondaryIndex {
  return {
    IndexName: name,
    KeySchema: keySchema(index),
    Projection:
      index.projected.length === 0
        ? { ProjectionType: 'KEYS_ONLY' }
        : { ProjectionType: 'INCLUDE', NonKeyAttributes: [...index.projected] },
  };
}

/** @throws If a data directory contains the table of an older version, which would otherwise fail only in a query. */
async function waitUntilActive(client: DynamoDBClient, tableName: string): Promise<void> {
  for (;;) {
    const { Table: table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
    if (table?.TableStatus !== 'ACTIVE') continue;
    const found = new Map(table.GlobalSecondaryIndexes?.map((index) => [index.IndexName, index]));
    const isOther = Object.entries(TABLE.indexes).some(
      ([name, index]) => fingerprint(found.get(name)) !== fingerprint(describeIndex(name, index)),
    );
    if (isOther)
      throw new Error(
        `Cannot use the table "${tableName}": an older version created it with other indexes. Remove the data directory.`,
      );
    return;
  }
}

const fingerprint = (index: GlobalSecondaryIndexDescription | GlobalSecondaryIndex | undefined): string =>
  JSON.stringify([
    index?.KeySchema?.map((key) => key.AttributeName),
    index?.Projection?.ProjectionType,
    index?.Projection?.NonKeyAttributes?.toSorted(),
  ]);
