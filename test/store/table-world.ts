import {
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import type { Table } from '../../functions/store/dynamodb.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/aws/credentials.ts';
import { startDynamoDb } from '../../local/aws/dynamodb.ts';
import { createTable } from '../../local/aws/dynamodb-table.ts';
import { createMemoryTable, type Item } from './memory-table.ts';

export const TABLES = ['dynalite', 'memory'] as const;

/** Creates a new table for every test of a file: in dynalite, through the real SDK, or in memory. */
export function useTables(kind: (typeof TABLES)[number] = 'dynalite') {
  let started: Awaited<ReturnType<typeof startDynamoDb>> | undefined;
  const clients: DynamoDBClient[] = [];
  let tables = 0;
  beforeAll(async () => {
    if (kind === 'dynalite') started = await startDynamoDb();
  });
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await started?.stop();
  });

  function connect(): DynamoDBClient {
    if (started === undefined) throw new Error('Only dynalite is connected to');
    const client = new DynamoDBClient({
      endpoint: started.endpoint,
      region: LOCAL_REGION,
      credentials: LOCAL_CREDENTIALS,
      maxAttempts: 3,
    });
    clients.push(client);
    return client;
  }

  async function create(): Promise<Table> {
    if (kind === 'memory') return createMemoryTable();
    const table = { client: clients[0] ?? connect(), tableName: `table-${++tables}` };
    await createTable(table.client, table.tableName);
    return table;
  }

  return {
    async createWorld() {
      const table = await create();
      const { client, tableName: TableName } = table;
      return {
        table,
        /** Another client of the same table. A test may break it without harm to other tests. */
        connect,
        async item(pk: string, sk: string): Promise<Record<string, unknown> | undefined> {
          const Key = marshall({ pk, sk });
          const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
          return Item && unmarshall(Item);
        },
        /** The sort keys of one partition. */
        async sorts(pk: string): Promise<string[]> {
          const { Items = [] } = await client.send(
            new QueryCommand({
              TableName,
              KeyConditionExpression: 'pk = :pk',
              ExpressionAttributeValues: marshall({ ':pk': pk }),
            }),
          );
          return Items.map((item) => String(unmarshall(item).sk));
        },
      };
    },
  };
}

/** Writes many items, in batches. */
export async function writeItems({ client, tableName }: Table, items: readonly Item[]): Promise<void> {
  for (let start = 0; start < items.length; start += 25) {
    const requests = items.slice(start, start + 25).map((item) => ({ PutRequest: { Item: marshall(item) } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: requests } }));
  }
}

/**
 * Sends requests and loses their answers: the server acts, and the client hears nothing.
 * @param isLost - Called for every try of a request with its operation, for example `PutItem`.
 */
export function loseAnswers(client: DynamoDBClient, isLost: (operation: string) => boolean): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const answer = await next(args);
      if (isLost(String(context.commandName).replace(/Command$/, '')))
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', name: 'TimeoutError' });
      return answer;
    },
    // Below the retries, so that each try is lost by itself.
    { step: 'deserialize', priority: 'high', name: 'loseAnswers' },
  );
}

/** A table that runs `work` before the first command of a kind, for example between a read and its write. */
export function doFirst(table: Table, commandName: string, work: () => Promise<unknown>): Table {
  let isDone = false;
  const client = {
    async send(command: Parameters<DynamoDBClient['send']>[0]) {
      if (!isDone && command.constructor.name === commandName) {
        isDone = true;
        await work();
      }
      return table.client.send(command);
    },
  };
  return { ...table, client: client as unknown as DynamoDBClient };
}

/** A table that loses the answer to every write, so that the client sends it again and hears only the second answer. */
export function resendWrites(table: Table): Table {
  const client = {
    async send(command: Parameters<DynamoDBClient['send']>[0]) {
      if (!(command instanceof GetItemCommand || command instanceof QueryCommand))
        await table.client.send(command);
      return table.client.send(command);
    },
  };
  return { ...table, client: client as unknown as DynamoDBClient };
}

/** A clock that stands until `pass` moves it. */
export function clockAt(start: string) {
  let now = Date.parse(start);
  return {
    clock: () => new Date(now),
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}
