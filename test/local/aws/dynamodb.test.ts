import { connect } from 'node:net';
import {
  type AttributeValue,
  BatchGetItemCommand,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../../local/aws/credentials.ts';
import { startDynamoDb } from '../../../local/aws/dynamodb.ts';
import { createTable } from '../../../local/aws/dynamodb-table.ts';
import { outcome, temporaryDirectory } from './s3-world.ts';

const TableName = 'generations';
const Key = { pk: { S: 'gate' }, sk: { S: 'gate' } };

async function dynamoDbWorld(options: { readonly dataDir?: string; readonly hasTable?: false } = {}) {
  const dynamoDb = await startDynamoDb(options);
  const client = new DynamoDBClient({
    endpoint: dynamoDb.endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
  });
  let stopping: Promise<void> | undefined;
  const stop = () => {
    client.destroy();
    stopping ??= dynamoDb.stop();
    return stopping;
  };
  onTestFinished(stop);
  if (options.hasTable ?? true) await createTable(client, TableName);
  return {
    client,
    endpoint: dynamoDb.endpoint,
    stop,
    put: (Item: Record<string, AttributeValue>) => client.send(new PutItemCommand({ TableName, Item })),
    update: (input: Partial<UpdateItemCommandInput>) =>
      client.send(new UpdateItemCommand({ TableName, Key, ReturnValues: 'ALL_NEW', ...input })),
    query: (input: Partial<QueryCommandInput>) => client.send(new QueryCommand({ TableName, ...input })),
    get: async () => (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item,
  };
}

const dueItem = (id: string, dueAt: string) => ({
  pk: { S: id },
  sk: { S: 'state' },
  dueShard: { S: '0' },
  dueAt: { S: dueAt },
  model: { S: 'flux' },
});

const allDue = {
  IndexName: 'due',
  KeyConditionExpression: 'dueShard = :shard',
  ExpressionAttributeValues: { ':shard': { S: '0' } },
};

describe('the table', () => {
  it('has the stack’s keys and indexes, and is created only once', async () => {
    const { client } = await dynamoDbWorld();

    await Promise.all([createTable(client, TableName), createTable(client, TableName)]);

    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    expect(Table?.BillingModeSummary?.BillingMode).toBe('PAY_PER_REQUEST');
    expect(Table?.KeySchema).toEqual([
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ]);
    const indexes = Table?.GlobalSecondaryIndexes?.map(({ IndexName, Projection }) => [
      IndexName,
      Projection,
    ]);
    expect(Object.fromEntries(indexes ?? [])).toMatchObject({
      due: { ProjectionType: 'KEYS_ONLY' },
      waiting: { ProjectionType: 'KEYS_ONLY' },
      history: { ProjectionType: 'INCLUDE', NonKeyAttributes: expect.arrayContaining(['status', 'costUsd']) },
    });
  });

  it('is refused if an older version created it with other indexes', async () => {
    const { client } = await dynamoDbWorld({ hasTable: false });
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      }),
    );

    await expect(createTable(client, TableName)).rejects.toThrow(
      'Cannot use the table "generations": an older version created it with other indexes. Remove the data directory.',
    );
  });

  it('survives a restart if it has a directory', async () => {
    const dataDir = await temporaryDirectory();
    const before = await dynamoDbWorld({ dataDir });
    await before.put({ ...Key, n: { N: '1' } });
    await before.stop();

    const after = await dynamoDbWorld({ dataDir });

    expect(await after.get()).toEqual({ ...Key, n: { N: '1' } });
  });
});

describe('conditions', () => {
  it('let only one of many writers create an item', async () => {
    const { client } = await dynamoDbWorld();

    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        outcome(
          client.send(
            new PutItemCommand({
              TableName,
              Item: { ...Key, n: { N: String(n) } },
              ConditionExpression: 'attribute_not_exists(pk)',
            }),
          ),
        ),
      ),
    );

    expect(results.filter((result) => result === 'ConditionalCheckFailedException')).toHaveLength(19);
  });

  it('compare the size of a set with another attribute, so that only as many writers as slots succeed', async () => {
    const { update, get } = await dynamoDbWorld();
    await update({
      UpdateExpression: 'SET #limit = :limit',
      ExpressionAttributeNames: { '#limit': 'limit' },
      ExpressionAttributeValues: { ':limit': { N: '3' } },
    });

    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        outcome(
          update({
            UpdateExpression: 'ADD #slots :ids',
            ConditionExpression:
              'contains(#slots, :id) OR attribute_not_exists(#slots) OR size(#slots) < #limit',
            ExpressionAttributeNames: { '#slots': 'slots', '#limit': 'limit' },
            ExpressionAttributeValues: { ':ids': { SS: [`g${n}`] }, ':id': { S: `g${n}` } },
          }),
        ),
      ),
    );

    expect(results.filter((result) => typeof result !== 'string')).toHaveLength(3);
    expect((await get())?.slots?.SS).toHaveLength(3);
  });

  it('find a member of a set, and fail for a missing attribute', async () => {
    const { update } = await dynamoDbWorld();
    await update({
      UpdateExpression: 'ADD slots :ids',
      ExpressionAttributeValues: { ':ids': { SS: ['g1'] } },
    });
    const holds = async (ConditionExpression: string, value: AttributeValue) =>
      typeof (await outcome(
        update({
          UpdateExpression: 'SET seen = :value',
          ConditionExpression,
          ExpressionAttributeValues: { ':value': value },
        }),
      )) !== 'string';

    expect(await holds('contains(slots, :value)', { S: 'g1' })).toBe(true);
    expect(await holds('contains(slots, :value)', { S: 'g' })).toBe(false);
    expect(await holds('contains(nothing, :value)', { S: 'g1' })).toBe(false);
    expect(await holds('nothing <= :value', { S: 'z' })).toBe(false);
    expect(await holds('size(nothing) < :value', { N: '9' })).toBe(false);
    expect(await holds('NOT nothing <= :value', { S: 'z' })).toBe(true);
  });
});

describe('what dynalite would ignore', () => {
  it.each([
    ['ReturnValuesOnConditionCheckFailure', { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const }],
    ['ReturnItemCollectionMetrics', { ReturnItemCollectionMetrics: 'SIZE' as const }],
  ])('is refused with 501, and nothing is stored: %s', async (name, more) => {
    const { client, get } = await dynamoDbWorld();

    const refused = client.send(new PutItemCommand({ TableName, Item: Key, ...more }));

    await expect(refused).rejects.toMatchObject({
      name: 'NotImplemented',
      message: expect.stringContaining(name) as string,
      $metadata: { httpStatusCode: 501 },
    });
    expect(await get()).toBeUndefined();
  });

  it('is refused for a table and for transactions', async () => {
    const { client } = await dynamoDbWorld();
    const keys = {
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' as const }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' as const }],
      BillingMode: 'PAY_PER_REQUEST' as const,
    };
    const create = (more: object) =>
      outcome(client.send(new CreateTableCommand({ TableName: 'other', ...keys, ...more })));

    expect([
      await create({ StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } }),
      await create({ Tags: [{ Key: 'a', Value: 'b' }] }),
      await create({ DeletionProtectionEnabled: true }),
      await outcome(
        client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName, Item: Key } }] })),
      ),
    ]).toEqual(['NotImplemented', 'NotImplemented', 'NotImplemented', 'NotImplemented']);
  });
});

describe('updates', () => {
  it('add to and delete from a set idempotently, and remove an empty set', async () => {
    const { update } = await dynamoDbWorld();
    const change = async (UpdateExpression: string, ...ids: string[]) => {
      const { Attributes } = await update({
        UpdateExpression,
        ExpressionAttributeValues: { ':ids': { SS: ids } },
      });
      return Attributes?.slots?.SS?.toSorted();
    };

    expect(await change('DELETE slots :ids', 'a')).toBeUndefined();
    expect(await change('ADD slots :ids', 'a', 'b')).toEqual(['a', 'b']);
    expect(await change('ADD slots :ids', 'b', 'c')).toEqual(['a', 'b', 'c']);
    expect(await change('DELETE slots :ids', 'b', 'x')).toEqual(['a', 'c']);
    expect(await change('DELETE slots :ids', 'a', 'c')).toBeUndefined();
  });

  it('may set, remove, add and delete at once, based on the previous item', async () => {
    const { update } = await dynamoDbWorld();
    await update({
      UpdateExpression: 'SET a = :one, b = :one ADD taken :ids, freed :ids',
      ExpressionAttributeValues: { ':one': { N: '1' }, ':ids': { SS: ['x', 'y'] } },
    });

    const { Attributes } = await update({
      UpdateExpression:
        'SET a = b + :one, c = if_not_exists(c, :one) REMOVE b ADD taken :id DELETE freed :id',
      ExpressionAttributeValues: { ':one': { N: '1' }, ':id': { SS: ['x'] } },
    });

    expect(Attributes).toEqual({
      ...Key,
      a: { N: '2' },
      c: { N: '1' },
      taken: { SS: ['x', 'y'] },
      freed: { SS: ['y'] },
    });
  });

  it.each([
    ['a value that no expression uses', 'SET a = :used', { ':used': { S: '' }, ':other': { S: '' } }],
    ['a reserved word', 'SET status = :used', { ':used': { S: '' } }],
    ['an empty set', 'SET a = :used', { ':used': { SS: [] } }],
    ['a number as the key of an index', 'SET dueAt = :used', { ':used': { N: '1' } }],
    ['an item over 400 KB', 'SET a = :used', { ':used': { S: 'x'.repeat(400 * 1024) } }],
  ])('refuse %s', async (_, UpdateExpression, ExpressionAttributeValues) => {
    const { update } = await dynamoDbWorld();

    expect(await outcome(update({ UpdateExpression, ExpressionAttributeValues }))).toBe(
      'ValidationException',
    );
  });
});

describe('queries of an index', () => {
  it('run in both directions, page by page, and return each item once', async () => {
    const { put, query } = await dynamoDbWorld();
    const times = ['2026-01-02T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-01-10T00:00:00.000Z'];
    for (let n = 0; n < 9; n += 1) await put(dueItem(`g${n}`, times[n % 3] ?? ''));
    const readAll = async (input: Partial<QueryCommandInput>) => {
      const items: (string | undefined)[][] = [];
      let last: QueryCommandInput['ExclusiveStartKey'];
      do {
        const page = await query({ ...allDue, Limit: 2, ExclusiveStartKey: last, ...input });
        expect(page.Items?.length).toBeLessThanOrEqual(2);
        items.push(...(page.Items ?? []).map(({ dueAt, pk }) => [dueAt?.S, pk?.S]));
        last = page.LastEvaluatedKey;
      } while (last !== undefined);
      return items;
    };

    const ascending = await readAll({});
    const descending = await readAll({ ScanIndexForward: false });

    const inOrder = [
      times[1],
      times[1],
      times[1],
      times[0],
      times[0],
      times[0],
      times[2],
      times[2],
      times[2],
    ];
    expect(ascending.map(([dueAt]) => dueAt)).toEqual(inOrder);
    expect(descending).toEqual(ascending.toReversed());
    expect(new Set(ascending.map(([, id]) => id)).size).toBe(9);
  });

  it('find the keys of items due up to and including a time', async () => {
    const { put, query } = await dynamoDbWorld();
    for (const day of ['01', '02', '03']) await put(dueItem(`g${day}`, `2026-01-${day}`));

    const { Items } = await query({
      ...allDue,
      KeyConditionExpression: 'dueShard = :shard AND dueAt <= :now',
      ExpressionAttributeValues: { ':shard': { S: '0' }, ':now': { S: '2026-01-02' } },
    });

    expect(Items).toEqual([
      { pk: { S: 'g01' }, sk: { S: 'state' }, dueShard: { S: '0' }, dueAt: { S: '2026-01-01' } },
      { pk: { S: 'g02' }, sk: { S: 'state' }, dueShard: { S: '0' }, dueAt: { S: '2026-01-02' } },
    ]);
  });

  it('find an item only while it has the keys of the index, under its current key', async () => {
    const { put, update, query } = await dynamoDbWorld();
    const found = async () => (await query(allDue)).Items?.map(({ dueAt }) => dueAt?.S);
    await put({ ...dueItem('g1', '2026-01-01'), ...Key });

    await update({
      UpdateExpression: 'SET dueAt = :later',
      ExpressionAttributeValues: { ':later': { S: '2026-02-01' } },
    });
    const moved = await found();
    await update({ UpdateExpression: 'REMOVE dueAt, dueShard' });

    expect([moved, await found()]).toEqual([['2026-02-01'], []]);
  });

  it('refuse a consistent read, and project attributes for the history', async () => {
    const { put, query } = await dynamoDbWorld();
    const history = { historyMonth: { S: '2026-01' }, historyKey: { S: 'k' } };
    await put({ ...Key, ...history, status: { S: 'failed' }, prompt: { S: 'not for lists' } });

    const { Items } = await query({
      IndexName: 'history',
      KeyConditionExpression: 'historyMonth = :month',
      ExpressionAttributeValues: { ':month': { S: '2026-01' } },
    });

    expect(Items).toEqual([{ ...Key, ...history, status: { S: 'failed' } }]);
    expect(await outcome(query({ ...allDue, ConsistentRead: true }))).toBe('ValidationException');
  });
});

it('gets many items at once, and omits missing ones', async () => {
  const { client, put } = await dynamoDbWorld();
  const key = (n: number) => ({ pk: { S: `g${n}` }, sk: { S: 'state' } });
  for (const n of [1, 3]) await put({ ...key(n), n: { N: String(n) } });
  const get = (Keys: Record<string, AttributeValue>[]) =>
    client.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys, ConsistentRead: true } } }));

  const { Responses, UnprocessedKeys } = await get([key(1), key(2), key(3)]);

  expect(Responses?.[TableName]?.map(({ n }) => n?.N).toSorted()).toEqual(['1', '3']);
  expect(UnprocessedKeys).toEqual({});
  expect(await outcome(get([key(1), key(1)]))).toBe('ValidationException');
  expect(await outcome(get(Array.from({ length: 101 }, (_, n) => key(n))))).toBe('ValidationException');
});

describe('the service', () => {
  it('continues after clients disconnect during a request', async () => {
    const { endpoint, put, get } = await dynamoDbWorld();
    const port = Number(new URL(endpoint).port);
    const head =
      'POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: 100\r\n\r\n{"T';

    for (const text of [head.slice(0, 20), head])
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(text, () => socket.destroy()));
        socket.on('close', () => resolve());
      });

    await put(Key);
    expect(await get()).toEqual(Key);
  });

  it('stops at once during writes, and keeps confirmed writes', async () => {
    const dataDir = await temporaryDirectory();
    const before = await dynamoDbWorld({ dataDir });
    const writes = Array.from({ length: 50 }, (_, n) =>
      outcome(before.put({ pk: { S: 'all' }, sk: { S: String(n) } }).then(() => n)),
    );

    await Promise.race(writes);
    await before.stop();
    const confirmed = (await Promise.all(writes)).filter((result) => typeof result === 'number');

    const after = await dynamoDbWorld({ dataDir });
    const { Items = [] } = await after.query({
      KeyConditionExpression: 'pk = :all',
      ExpressionAttributeValues: { ':all': { S: 'all' } },
    });
    expect(confirmed.length).toBeGreaterThan(0);
    expect(Items.map(({ sk }) => Number(sk?.S))).toEqual(expect.arrayContaining(confirmed));
  });
});
