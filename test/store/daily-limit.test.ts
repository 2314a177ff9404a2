import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { type Command, PutItemCommand } from '../../functions/aws/dynamodb.ts';
import { readMaximumConcurrency, readMaximumGenerationsPerDay } from '../../functions/settings.ts';
import { createDailyLimit } from '../../functions/store/daily-limit.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { clockAt, doFirst, useTables } from './table-world.ts';

const { createWorld } = useTables();

async function limitWorld(limit: number, start = '2026-03-31T21:00:00.000Z') {
  const { table, connect, item } = await createWorld();
  const { clock, pass } = clockAt(start);
  return {
    pass,
    table,
    daily: createDailyLimit(table, { limit, clock }),
    dailyOver: (other: Table) => createDailyLimit(other, { limit, clock }),
    /** Every answer of a write is lost once. */
    dailyWithLostAnswers: () => {
      let updates = 0;
      const client = connect((operation) => operation === 'UpdateItem' && ++updates % 2 === 1);
      return createDailyLimit({ ...table, client }, { limit, clock });
    },
    itemOf: (day: string) => item(`day#${day}`, 'accepted'),
    nameOf: (day: string, name: string) => item(`day#${day}`, `once#${name}`),
  };
}

/** A function that is killed before or after one of its requests. */
function dieAt(table: Table, when: 'before' | 'after', last: number): Table {
  let sent = 0;
  const client = {
    async send(command: Command<object, unknown>) {
      sent += 1;
      if (sent > last || (sent === last && when === 'before')) throw new Error('it died');
      const answer = await table.client.send(command);
      if (sent === last) throw new Error('it died');
      return answer;
    },
  };
  return { ...table, client: client as unknown as Table['client'] };
}

const marksOf = (item: Record<string, unknown> | undefined) =>
  Object.keys(item ?? {}).filter((name) => name.startsWith('name#'));

const FULL = { kind: 'full', limit: 10, left: 0, opensAt: '2026-04-01T00:00:00.000Z' };

describe('the setting', () => {
  const read = (text?: string) => readMaximumGenerationsPerDay({ MAXIMUM_GENERATIONS_PER_DAY: text });

  it('is a whole number from 1, or not set', () => {
    expect([read('1'), read('25000'), read(''), read()]).toEqual([1, 25_000, undefined, undefined]);
  });

  it.each(['0', '-1', '1.5', '1e3', 'ten', ' 10', '10000000000'])('is refused as %j', (text) => {
    expect(() => read(text)).toThrow(/MAXIMUM_GENERATIONS_PER_DAY is ".*": it must be a whole number from 1/);
  });
});

it('tasks at once are 1,000 at most', () => {
  const read = (text: string) => readMaximumConcurrency({ MAXIMUM_CONCURRENCY: text });

  expect([read('1'), read('1000')]).toEqual([1, 1_000]);
  expect(() => read('1001')).toThrow(
    'MAXIMUM_CONCURRENCY is "1001": it must be a whole number from 1 to 1000',
  );
});

describe('a limit of ten a day', () => {
  it('counts exactly ten of fifty at once', async () => {
    const { daily, itemOf } = await limitWorld(10);

    const counted = await Promise.all(Array.from({ length: 50 }, () => daily.count(1)));

    expect(counted.filter(({ kind }) => kind === 'counted')).toHaveLength(10);
    expect(counted.filter(({ kind }) => kind === 'full')).toEqual(Array.from({ length: 40 }, () => FULL));
    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 10, version: 1 });
  });

  it('opens again with the next day in UTC', async () => {
    const { daily, pass } = await limitWorld(10);
    await daily.count(10);

    pass(3 * 3_600_000 - 1);
    const late = await daily.count(1);
    pass(1);
    const next = await daily.count(1);

    expect([late, next]).toEqual([FULL, { kind: 'counted', day: '2026-04-01' }]);
  });

  it('counts all generations of a group or none, and returns how many are left', async () => {
    const { daily } = await limitWorld(10);
    await daily.count(4);

    const tooMany = await daily.count(7);
    const fitting = await daily.count(6);

    expect([tooMany, fitting.kind]).toEqual([{ ...FULL, left: 6 }, 'counted']);
  });

  it.each([undefined, 'file-1'])('refuses a group above it as the first of a day, too (%s)', async (name) => {
    const { daily, itemOf } = await limitWorld(10);

    const first = await daily.count(11, name);

    expect(first).toEqual({ ...FULL, left: 10 });
    expect(await itemOf('2026-03-31')).toBeUndefined();
  });

  it('counts a named group once, however often it is asked and however full the day is', async () => {
    const { daily, itemOf } = await limitWorld(10);
    await Promise.all([daily.count(8, 'file-1'), daily.count(8, 'file-1'), daily.count(8, 'file-1')]);
    await daily.count(2);

    const again = await daily.count(8, 'file-1');
    const other = await daily.count(8, 'file-2');

    expect([again.kind, other.kind]).toEqual(['counted', 'full']);
    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 10 });
  });

  it('keeps every name in an item of its own, so that the item of the day stays as small as it is', async () => {
    const { daily, itemOf, nameOf } = await limitWorld(1_000);

    for (let n = 0; n < 30; n += 1) await daily.count(2, `file-${n}`);
    const last = await daily.count(1);
    if (last.kind === 'counted') await daily.giveBack(last);

    expect(await itemOf('2026-03-31')).toEqual({
      pk: 'day#2026-03-31',
      sk: 'accepted',
      version: 1,
      accepted: 60,
      expiresAtSeconds: Date.UTC(2026, 3, 3) / 1_000,
    });
    expect(await nameOf('2026-03-31', 'file-29')).toMatchObject({
      version: 1,
      expiresAtSeconds: Date.UTC(2026, 3, 3) / 1_000,
    });
  });

  it('counts a name once if another call counts it between the look and the write', async () => {
    const { table, daily, dailyOver, itemOf } = await limitWorld(20);

    const late = await dailyOver(doFirst(table, 'UpdateItemCommand', () => daily.count(8, 'file-1'))).count(
      8,
      'file-1',
    );

    expect(late.kind).toBe('counted');
    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 8 });
    expect(marksOf(await itemOf('2026-03-31'))).toEqual([]);
  });

  it('does not refuse a name that another call has counted since the first look', async () => {
    const { table, daily, dailyOver } = await limitWorld(10);

    const late = await dailyOver(doFirst(table, 'UpdateItemCommand', () => daily.count(8, 'file-1'))).count(
      8,
      'file-1',
    );

    expect(late.kind).toBe('counted');
  });

  it.each(['before', 'after'] as const)(
    'counts a name once when a process dies %s any of its requests and the file is delivered again',
    async (when) => {
      for (let last = 1; last <= 4; last += 1) {
        const { table, daily, dailyOver, itemOf } = await limitWorld(10);
        const dying = dailyOver(dieAt(table, when, last));

        await expect(dying.count(4, 'file-1')).rejects.toThrow('it died');
        await daily.count(4, 'file-1');
        await daily.count(4, 'file-1');

        expect({ last, item: await itemOf('2026-03-31') }).toMatchObject({ last, item: { accepted: 4 } });
      }
    },
  );

  it('clears marks of killed functions before there are many', async () => {
    const { table, daily, dailyOver, itemOf } = await limitWorld(1_000);
    for (let n = 0; n < 21; n += 1) {
      const dying = dailyOver(dieAt(table, 'after', 2));
      await expect(dying.count(2, `dead-${n}`)).rejects.toThrow('it died');
    }

    await daily.count(2, 'alive');
    await daily.count(2, 'dead-7');

    expect(marksOf(await itemOf('2026-03-31'))).toEqual([]);
    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 44 });
  });

  it('respects names that an earlier release has counted on that day', async () => {
    const { table, daily, itemOf } = await limitWorld(10);
    const Item = { pk: 'day#2026-03-31', sk: 'accepted', version: 1, accepted: 4, once: new Set(['file-1']) };
    await table.client.send(new PutItemCommand({ TableName: table.tableName, Item: marshall(Item) }));

    expect((await daily.count(4, 'file-1')).kind).toBe('counted');
    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 4 });
  });

  it('has room again after a count is given back', async () => {
    const { daily } = await limitWorld(10);
    await daily.count(9);
    const last = await daily.count(1);

    if (last.kind === 'counted') await daily.giveBack(last);

    expect([(await daily.count(1)).kind, (await daily.count(1)).kind]).toEqual(['counted', 'full']);
  });

  it('gives a count back to its own day', async () => {
    const { daily, pass, itemOf } = await limitWorld(10);
    const counted = await daily.count(1);
    pass(6 * 3_600_000);
    await daily.count(2);

    if (counted.kind === 'counted') await daily.giveBack(counted);

    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 0 });
    expect(await itemOf('2026-04-01')).toMatchObject({ accepted: 2 });
  });

  it('is never exceeded when answers are lost: named groups and returned counts count once', async () => {
    const { dailyWithLostAnswers, itemOf } = await limitWorld(10);

    const named = await dailyWithLostAnswers().count(4, 'file-1');
    const afterNamed = await itemOf('2026-03-31');
    const plain = await dailyWithLostAnswers().count(1);
    const afterPlain = await itemOf('2026-03-31');
    if (plain.kind === 'counted') await dailyWithLostAnswers().giveBack(plain);

    expect([named.kind, afterNamed?.accepted]).toEqual(['counted', 4]);
    // On the safe side: a count without a name that is sent twice counts twice.
    expect([plain.kind, afterPlain?.accepted]).toEqual(['counted', 6]);
    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 5 });
  });

  it('lets DynamoDB remove items once their day is over', async () => {
    const { daily, itemOf } = await limitWorld(10);

    await daily.count(1);

    const { expiresAtSeconds } = (await itemOf('2026-03-31')) ?? {};
    expect(new Date(Number(expiresAtSeconds) * 1_000).toISOString()).toBe('2026-04-03T00:00:00.000Z');
  });
});
