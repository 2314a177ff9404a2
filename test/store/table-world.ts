import { type BatchWriteItemCommandInput, DynamoDBClient as SdkClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { Command, DynamoDBClient, GetItemCommand, QueryCommand } from '../../functions/aws/dynamodb.ts';
import { NoAnswerError } from '../../functions/aws/exchange.ts';
import { signedPost } from '../../functions/aws/signed-post.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/aws/credentials.ts';
import { startDynamoDb } from '../../local/aws/dynamodb.ts';
import { createTable } from '../../local/aws/dynamodb-table.ts';
import { createMemoryTable, type Item } from './memory-table.ts';

export const TABLES = ['dynalite', 'memory'] as const;

/** Creates a new table for every test of a file: in dynalite or in memory. */
export function useTables(kind: (typeof TABLES)[number] = 'dynalite') {
  let started: Awaited<ReturnType<typeof startDynamoDb>> | undefined;
  let sdk: SdkClient | undefined;
  let tables = 0;
  beforeAll(async () => {
    if (kind === 'dynalite') started = await startDynamoDb();
  });
  afterAll(async () => {
    sdk?.destroy();
    await started?.stop();
  });

  function place() {
    if (started === undefined) throw new Error('Only dynalite is connected to');
    return { endpoint: started.endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS };
  }

  /**
   * @param isLost - Called for every try that succeeded with its operation, for example `PutItem`. If it returns `true`, the
   *   answer is lost: the server has acted, and the client hears nothing.
   */
  function connect(isLost: (operation: string) => boolean = () => false): DynamoDBClient {
    return new DynamoDBClient({
      ...place(),
      tries: 3,
      // Tests that run beside this one may keep the machine busy for longer than any network takes.
      connectMs: 30_000,
      answerMs: 30_000,
      async post(...given) {
        const answer = await signedPost(...given);
        const [, { headers }] = given;
        if (answer.statusCode < 300 && isLost(headers['x-amz-target']?.split('.')[1] ?? ''))
          throw new NoAnswerError('socket hang up');
        return answer;
      },
    });
  }

  async function create(): Promise<Table> {
    if (kind === 'memory') return createMemoryTable();
    const tableName = `table-${++tables}`;
    sdk ??= new SdkClient(place());
    await createTable(sdk, tableName);
    return { client: connect(), tableName };
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

class BatchWriteItemCommand extends Command<BatchWriteItemCommandInput, object> {
  readonly operation = 'BatchWriteItem';
}

/** Writes many items, in batches. */
export async function writeItems({ client, tableName }: Table, items: readonly Item[]): Promise<void> {
  for (let start = 0; start < items.length; start += 25) {
    const requests = items.slice(start, start + 25).map((item) => ({ PutRequest: { Item: marshall(item) } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: requests } }));
  }
}

/** A table that runs `work` before the first command of a kind, for example between a read and its write. */
export function doFirst(table: Table, commandName: string, work: () => Promise<unknown>): Table {
  let isDone = false;
  const client = {
    async send(command: Command<object, unknown>) {
      if (!isDone && `${command.operation}Command` === commandName) {
        isDone = true;
        await work();
      }
      return table.client.send(command);
    },
  };
  return { ...table, client: client as unknown as Table['client'] };
}

/** A table that loses the answer to every write, so that the client sends it again and hears only the second answer. */
export function resendWrites(table: Table): Table {
  const client = {
    async send(command: Command<object, unknown>) {
      if (!(command instanceof GetItemCommand || command instanceof QueryCommand))
        await table.client.send(command);
      return table.client.send(command);
    },
  };
  return { ...table, client: client as unknown as Table['client'] };
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
