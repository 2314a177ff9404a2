import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { PutItemCommand } from '../../functions/aws/dynamodb.ts';
import { timestamp } from '../../functions/generation/time.ts';
import { createModelCache, type FoundModel } from '../../functions/store/model-cache.ts';
import { at } from '../generation/examples.ts';
import { clockAt, useTables } from './table-world.ts';

vi.setConfig({ testTimeout: 30_000 });

const { createWorld } = useTables();

const known: FoundModel = {
  kind: 'model',
  modelKind: 'realtime',
  schema: { parameters: [{ id: 'prompt', type: 'text', required: true, default: '', min: 0.5 }] },
  prices: [{ inputs: {}, price: 0.03, priceMethod: 'cpr' }],
  approximateCostUsd: 0.03,
};

it('keeps a model for its time', async () => {
  const { table, item } = await createWorld();
  const { clock, pass } = clockAt(at(0));
  const cache = createModelCache(table, { keepMs: 600_000, clockSkewMs: 5_000, clock });

  const before = await cache.get('wiro/flux');
  await cache.put('wiro/flux', known);
  pass(600_000);
  const within = await cache.get('wiro/flux');
  const other = await cache.get('wiro/flux-2');
  pass(1);
  const after = await cache.get('wiro/flux');

  expect([before, within, other, after]).toEqual([undefined, known, undefined, undefined]);
  // A week after second 0, for DynamoDB's housekeeping.
  expect((await item('model#wiro/flux', 'schema'))?.expiresAtSeconds).toBe(1_767_873_600);
});

describe('what a function remembers', () => {
  const other = { kind: 'model', modelKind: 'plain', schema: { parameters: [] }, prices: [] } as const;

  /** Two functions. The first has read what the second has replaced since. */
  async function twoFunctions() {
    const { table } = await createWorld();
    const { clock, pass } = clockAt(at(0));
    const open = () => createModelCache(table, { keepMs: 600_000, clockSkewMs: 5_000, clock });
    const [cache, second] = [open(), open()];
    await second.put('wiro/flux', known);
    await cache.get('wiro/flux');
    await second.put('wiro/flux', other);
    return { cache, pass };
  }

  it('serves as long as what the table keeps', async () => {
    const { cache, pass } = await twoFunctions();

    pass(600_000);
    const within = await cache.get('wiro/flux');
    pass(1);
    const after = await cache.get('wiro/flux');

    expect([within, after]).toEqual([known, undefined]);
  });

  it.each([
    ['serves a request that was accepted long before', -5_001, known],
    ['does not serve a request that may have been accepted after', -5_000, other],
  ])('%s', async (_, acceptedMs, expected) => {
    const { cache } = await twoFunctions();
    const acceptedAt = timestamp(Date.parse(at(0)) + acceptedMs);

    expect(await cache.get('wiro/flux', acceptedAt)).toEqual(expected);
    // What was read instead is remembered.
    expect(await cache.get('wiro/flux')).toEqual(expected);
  });

  it('does not serve what a slow read brought, if the request may have been accepted meanwhile', async () => {
    const { table } = await createWorld();
    const { clock, pass } = clockAt(at(0));
    const second = createModelCache(table, { keepMs: 600_000, clockSkewMs: 5_000, clock });
    await second.put('wiro/flux', known);
    const send: typeof table.client.send = async (command, ...rest) => {
      const answer = await table.client.send(command, ...rest);
      pass(7_000);
      await second.put('wiro/flux', other);
      return answer;
    };
    const slow = { ...table, client: { ...table.client, send } as typeof table.client };
    const cache = createModelCache(slow, { keepMs: 600_000, clockSkewMs: 5_000, clock });

    expect(await cache.get('wiro/flux')).toEqual(known);
    expect(await cache.get('wiro/flux', at(1))).toEqual(other);
  });

  it('is not more than fifty models', async () => {
    const { table } = await createWorld();
    const cache = createModelCache(table, { keepMs: 600_000, clockSkewMs: 5_000 });
    const second = createModelCache(table, { keepMs: 600_000, clockSkewMs: 5_000 });
    for (let index = 0; index <= 50; index += 1) await cache.put(`wiro/${index}`, known);
    for (const index of [0, 1]) await second.put(`wiro/${index}`, other);

    expect([await cache.get('wiro/1'), await cache.get('wiro/0')]).toEqual([known, other]);
  });
});

it('replaces a kept model', async () => {
  const { table } = await createWorld();
  const cache = createModelCache(table, { keepMs: 600_000, clockSkewMs: 5_000 });
  await cache.put('wiro/flux', known);

  const other = { kind: 'model', modelKind: 'plain', schema: { parameters: [] }, prices: [] } as const;
  await cache.put('wiro/flux', other);

  expect(await cache.get('wiro/flux')).toEqual(other);
});

it.each([
  ['kind', '{"kind":"model","schema":{"parameters":[]},"prices":[]}'],
  ['prices', '{"kind":"model","schema":{"parameters":[]},"modelKind":"plain"}'],
])('answers nothing where an earlier release kept a model without its %s', async (_, body) => {
  const { table } = await createWorld();
  const cache = createModelCache(table, { keepMs: 600_000, clockSkewMs: 5_000, clock: clockAt(at(0)).clock });
  await table.client.send(
    new PutItemCommand({
      TableName: table.tableName,
      Item: marshall({
        pk: 'model#wiro/flux',
        sk: 'schema',
        version: 1,
        readAt: at(0),
        body,
        expiresAtSeconds: 1_767_873_600,
      }),
    }),
  );

  expect(await cache.get('wiro/flux')).toBeUndefined();
});

it('keeps that Wiro has no prices', async () => {
  const { table } = await createWorld();
  const cache = createModelCache(table, { keepMs: 600_000, clockSkewMs: 5_000 });
  await cache.put('wiro/flux', { kind: 'model', modelKind: 'plain', schema: { parameters: [] } });

  expect(await cache.get('wiro/flux')).toMatchObject({ prices: [] });
});
