import { describe, expect, it } from 'vitest';
import { readMaximumGenerationsPerDay } from '../../functions/settings.ts';
import { createDailyLimit } from '../../functions/store/daily-limit.ts';
import { clockAt, loseAnswers, useTables } from './table-world.ts';

const { createWorld } = useTables();

async function limitWorld(limit: number, start = '2026-03-31T21:00:00.000Z') {
  const { table, connect, item } = await createWorld();
  const { clock, pass } = clockAt(start);
  return {
    pass,
    daily: createDailyLimit(table, { limit, clock }),
    /** Every answer of a write is lost once. */
    dailyWithLostAnswers: () => {
      const client = connect();
      let updates = 0;
      loseAnswers(client, (operation) => operation === 'UpdateItem' && ++updates % 2 === 1);
      return createDailyLimit({ ...table, client }, { limit, clock });
    },
    itemOf: (day: string) => item(`day#${day}`, 'accepted'),
  };
}

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

describe('a limit of ten a day', () => {
  it('takes exactly ten of fifty at once', async () => {
    const { daily, itemOf } = await limitWorld(10);

    const taken = await Promise.all(Array.from({ length: 50 }, () => daily.take(1)));

    expect(taken.filter(({ kind }) => kind === 'taken')).toHaveLength(10);
    expect(taken.filter(({ kind }) => kind === 'full')).toEqual(Array.from({ length: 40 }, () => FULL));
    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 10, version: 1 });
  });

  it('opens again with the next day in UTC', async () => {
    const { daily, pass } = await limitWorld(10);
    await daily.take(10);

    pass(3 * 3_600_000 - 1);
    const late = await daily.take(1);
    pass(1);
    const next = await daily.take(1);

    expect([late, next]).toEqual([FULL, { kind: 'taken', day: '2026-04-01' }]);
  });

  it('takes all of several or none, and says how many are left', async () => {
    const { daily } = await limitWorld(10);
    await daily.take(4);

    const tooMany = await daily.take(7);
    const fitting = await daily.take(6);

    expect([tooMany, fitting.kind]).toEqual([{ ...FULL, left: 6 }, 'taken']);
  });

  it('counts several under one name once, however often, however full', async () => {
    const { daily, itemOf } = await limitWorld(10);
    await Promise.all([daily.take(8, 'file-1'), daily.take(8, 'file-1'), daily.take(8, 'file-1')]);
    await daily.take(2);

    const again = await daily.take(8, 'file-1');
    const other = await daily.take(8, 'file-2');

    expect([again.kind, other.kind]).toEqual(['taken', 'full']);
    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 10 });
  });

  it('has room again for what was given back', async () => {
    const { daily } = await limitWorld(10);
    await daily.take(9);
    const last = await daily.take(1);

    if (last.kind === 'taken') await daily.giveBack(last);

    expect([(await daily.take(1)).kind, (await daily.take(1)).kind]).toEqual(['taken', 'full']);
  });

  it('gives back to the day that it was taken from', async () => {
    const { daily, pass, itemOf } = await limitWorld(10);
    const taken = await daily.take(1);
    pass(6 * 3_600_000);
    await daily.take(2);

    if (taken.kind === 'taken') await daily.giveBack(taken);

    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 0 });
    expect(await itemOf('2026-04-01')).toMatchObject({ accepted: 2 });
  });

  it('is never passed when answers are lost: what has a name and what is given back is counted once', async () => {
    const { dailyWithLostAnswers, itemOf } = await limitWorld(10);

    const named = await dailyWithLostAnswers().take(4, 'file-1');
    const afterNamed = await itemOf('2026-03-31');
    const plain = await dailyWithLostAnswers().take(1);
    const afterPlain = await itemOf('2026-03-31');
    if (plain.kind === 'taken') await dailyWithLostAnswers().giveBack(plain);

    expect([named.kind, afterNamed?.accepted]).toEqual(['taken', 4]);
    // To the safe side: one that was sent twice counts twice.
    expect([plain.kind, afterPlain?.accepted]).toEqual(['taken', 6]);
    expect(await itemOf('2026-03-31')).toMatchObject({ accepted: 5 });
  });

  it('leaves items that DynamoDB removes once nobody asks for their day', async () => {
    const { daily, itemOf } = await limitWorld(10);

    await daily.take(1);

    const { expiresAtSeconds } = (await itemOf('2026-03-31')) ?? {};
    expect(new Date(Number(expiresAtSeconds) * 1_000).toISOString()).toBe('2026-04-03T00:00:00.000Z');
  });
});
