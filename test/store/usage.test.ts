import { describe, expect, it } from 'vitest';
import type { Command } from '../../functions/aws/dynamodb.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { createUsageCounter } from '../../functions/store/usage-counter.ts';
import type { CountedEnd } from '../../functions/store/usage-item.ts';
import { createUsageReader } from '../../functions/store/usage-reader.ts';
import { createMemoryTable, type Item } from './memory-table.ts';
import { clockAt, doFirst, resendWrites, TABLES, useTables } from './table-world.ts';

const DAY = '2026-03-31';
const ID = 'a'.repeat(26);

const end = (given: Partial<CountedEnd> = {}): CountedEnd => ({
  id: ID,
  attempt: 1,
  endedAt: `${DAY}T21:00:00.000Z`,
  model: 'wiro/flux',
  labels: {},
  counts: { status: 'succeeded', costMicroUsd: 40_000, isCostUnknown: false },
  ...given,
});
const idOf = (n: number) =>
  String(n)
    .replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '')
    .padStart(26, 'z');

/** One row of one success at $0.04. */
const ONE = {
  day: DAY,
  model: 'wiro/flux',
  labels: {},
  succeeded: 1,
  failed: 0,
  cancelled: 0,
  costMicroUsd: 40_000,
  costUnknown: 0,
};

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

function usageWorld(labelNames: readonly string[] = []) {
  const items = new Map<string, Item>();
  const table = createMemoryTable(undefined, items);
  const { clock, pass } = clockAt(`${DAY}T21:00:01.000Z`);
  const counterOver = (other: Table) => createUsageCounter(other, { labelNames, clock });
  return {
    items,
    table,
    pass,
    counterOver,
    counter: counterOver(table),
    rows: async (from = DAY, to = from) => (await createUsageReader(table).page({ from, to })).rows,
    marks: () =>
      [...items.values()].flatMap((item) => Object.keys(item).filter((name) => name.startsWith('end#'))),
  };
}

describe.each(TABLES)('in %s, ends', (kind) => {
  const { createWorld } = useTables(kind);

  it('are counted by the day of the end in UTC, by model, and by labels', async () => {
    const { table } = await createWorld();
    const { count } = createUsageCounter(table, { labelNames: ['team', 'app'] });
    const counts = { status: 'failed', costMicroUsd: 0, isCostUnknown: true } as const;

    await count(end());
    await count(end({ id: idOf(1), labels: { team: 'red', order: '17' } }));
    await count(end({ id: idOf(2), counts }));
    await count(
      end({ id: idOf(2), attempt: 2, counts: { ...counts, status: 'cancelled', isCostUnknown: false } }),
    );
    await count(end({ id: idOf(3), model: 'google/veo3.1', endedAt: '2026-04-01T00:00:00.000Z' }));

    const reader = createUsageReader(table);
    const { rows, next } = await reader.page({ from: DAY, to: '2026-04-01' });
    expect(rows).toEqual([
      { ...ONE, failed: 1, cancelled: 1, costUnknown: 1 },
      { ...ONE, labels: { team: 'red' } },
      { ...ONE, day: '2026-04-01', model: 'google/veo3.1' },
    ]);
    expect(next).toBeUndefined();
  });

  it('are counted once, however often they are announced', async () => {
    const { table, item } = await createWorld();
    const { count } = createUsageCounter(table, { labelNames: [] });

    await Promise.all([count(end()), count(end()), count(end())]);
    await count(end());

    expect(await item(`usage#${DAY}`, 'row#wiro/flux')).toEqual({
      pk: `usage#${DAY}`,
      sk: 'row#wiro/flux',
      version: 1,
      model: 'wiro/flux',
      labels: {},
      succeeded: 1,
      costMicroUsd: 40_000,
      costUnknown: 0,
      expiresAtSeconds: Date.UTC(2027, 4, 5) / 1_000,
    });
    expect(await item(`generation#${ID}`, 'counted#1')).toEqual({
      pk: `generation#${ID}`,
      sk: 'counted#1',
      version: 1,
      token: expect.stringMatching(/^\d+ succeeded 40000 0 [0-9a-f]{8}$/),
      expiresAtSeconds: Date.UTC(2027, 4, 5) / 1_000,
    });
  });

  it('are counted once if the answer to every write is lost', async () => {
    const { table } = await createWorld();

    await createUsageCounter(resendWrites(table), { labelNames: ['team'] }).count(
      end({ labels: { team: 'red' } }),
    );

    const { rows } = await createUsageReader(table).page({ from: DAY, to: DAY });
    expect(rows).toEqual([{ ...ONE, labels: { team: 'red' } }]);
  });
});

describe('an end', () => {
  it.each(['before', 'after'] as const)(
    'is counted once if its function dies %s any request and it is announced again',
    async (when) => {
      for (let last = 1; last <= 6; last += 1) {
        const { table, counter, counterOver, pass, rows, marks } = usageWorld(['team']);
        const labelled = end({ labels: { team: 'red' } });

        await expect(counterOver(dieAt(table, when, last)).count(labelled)).rejects.toThrow('it died');
        const between = await rows();
        await counter.count(labelled);

        expect({ last, rows: await rows() }).toEqual({ last, rows: [{ ...ONE, labels: { team: 'red' } }] });
        expect(between.length === 0 || between[0]?.succeeded === 1).toBe(true);
        // A mark that is left behind goes with a later end.
        pass(60_001);
        await counter.count({ ...labelled, id: idOf(2) });
        expect(await rows()).toMatchObject([{ succeeded: 2, costMicroUsd: 80_000 }]);
        expect(marks()).toEqual([]);
      }
    },
  );

  it('is shown once at every moment while two functions count it, in whatever order', async () => {
    const orders = ordersOf([5, 5]);
    for (const order of orders) {
      const run = await countTogether(order);
      // Never twice, and never again absent.
      expect(run.shown.join('')).toMatch(/^0*1+$/);
      expect(await run.rows()).toEqual([ONE]);
      expect(run.marks()).toEqual([]);
    }
    expect(orders).toHaveLength(252);
  });

  it('is shown once at every moment if one of the two is killed, after whatever request', async () => {
    for (const sent of [0, 1, 2, 3, 4, 5])
      for (const order of ordersOf([5, sent])) {
        const run = await countTogether(order, { killed: 1 });
        expect(run.shown.join('')).toMatch(/^0*1+$/);
        expect(await run.rows()).toEqual([ONE]);
        if (run.marks().length === 0) continue;
        run.pass(60_001);
        await run.counter.count(end({ id: idOf(2) }));
        expect(run.marks()).toEqual([]);
        expect(await run.rows()).toEqual([{ ...ONE, succeeded: 2, costMicroUsd: 80_000 }]);
      }
  });

  it('is counted in one row if the deployment changes its labels while it is announced', async () => {
    const { table, counter, counterOver, pass, rows, marks } = usageWorld();
    const labelled = end({ labels: { team: 'red' } });
    await expect(counterOver(dieAt(table, 'after', 2)).count(labelled)).rejects.toThrow('it died');

    await createUsageCounter(table, { labelNames: ['team'] }).count(labelled);
    const shown = await rows();
    pass(60_001);
    await counter.count(end({ id: idOf(2) }));

    expect(shown).toEqual([{ ...ONE, labels: { team: 'red' } }]);
    expect(await rows()).toEqual([ONE, { ...ONE, labels: { team: 'red' } }]);
    expect(marks()).toEqual([]);
  });

  it('does not disturb the marks of others that are being counted', async () => {
    const { table, counter, counterOver, rows, marks } = usageWorld();
    let during: readonly string[] = [];
    const slow = doFirst(table, 'PutItemCommand', async () => {
      await counter.count(end({ id: idOf(2) }));
      during = marks();
    });

    await counterOver(slow).count(end());

    expect(during).toEqual([`end#${ID}#1`]);
    expect([await rows(), marks()]).toEqual([[{ ...ONE, succeeded: 2, costMicroUsd: 80_000 }], []]);
  });
});

describe('labels', () => {
  it('have rows of their own for a hundred values a day and model; others share one', async () => {
    const { counter, rows, items } = usageWorld(['team']);
    const of = (n: number, day = DAY) =>
      end({ id: idOf(n), labels: { team: `team-${n % 105}` }, endedAt: `${day}T10:00:00.000Z` });

    for (let n = 0; n < 210; n += 1) await counter.count(of(n));
    await counter.count(of(210, '2026-04-01'));

    const found = await rows();
    const other = found.find(({ labels }) => labels.team === '(other)');
    expect([found.length, other?.succeeded]).toEqual([101, 10]);
    expect(found.filter((row) => row !== other).every(({ succeeded }) => succeeded === 2)).toBe(true);
    expect(await rows('2026-04-01')).toMatchObject([{ labels: { team: 'team-0' } }]);
    expect(items.get(`usage#${DAY} labels#wiro/flux`)?.rows).toHaveLength(100);
  });

  it('of more than 64 characters are shortened, whatever they are made of', async () => {
    const { counter, rows } = usageWorld(['team']);

    await counter.count(end({ labels: { team: `${'x'.repeat(62)}😀${'y'.repeat(100)}` } }));
    await counter.count(end({ id: idOf(1), labels: { team: `${'x'.repeat(62)}😀${'z'.repeat(100)}` } }));

    expect(await rows()).toEqual([
      { ...ONE, succeeded: 2, costMicroUsd: 80_000, labels: { team: `${'x'.repeat(62)}\uFFFD…` } },
    ]);
  });

  it('keep a row within one write unit', async () => {
    const { counter, items } = usageWorld(['team-'.repeat(10), 'app', 'customer']);
    const labels = { ['team-'.repeat(10)]: 'x'.repeat(256), app: 'y'.repeat(256), customer: 'z'.repeat(256) };

    await counter.count(end({ labels, model: `${'o'.repeat(60)}/${'p'.repeat(60)}` }));

    const row = [...items.values()].find(({ sk }) => String(sk).startsWith('row#'));
    expect(JSON.stringify(row).length).toBeLessThan(800);
  });
});

describe('a page', () => {
  const days = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 86_400_000).toISOString().slice(0, 10);

  it('reads a hundred days at most, and the next one goes on', async () => {
    const { table, counter } = usageWorld();
    for (const n of [0, 99, 100, 250])
      await counter.count(end({ id: idOf(n), endedAt: `${days(n)}T10:00:00.000Z` }));
    const reader = createUsageReader(table);

    const first = await reader.page({ from: days(0), to: days(250) });
    const second = await reader.page({ from: days(0), to: days(250), after: first.next ?? '' });
    const third = await reader.page({ from: days(0), to: days(250), after: second.next ?? '' });

    expect([first.rows, second.rows, third.rows].map((rows) => rows.map(({ day }) => day))).toEqual([
      [days(0), days(99)],
      [days(100)],
      [days(250)],
    ]);
    expect([first.next, second.next, third.next]).toEqual([days(100), days(200), undefined]);
  });

  it('holds a thousand rows at most, and the next one goes on within the day', async () => {
    const { table, counter } = usageWorld();
    for (let n = 0; n < 1_003; n += 1)
      await counter.count(end({ id: idOf(n), model: `wiro/m${String(n).padStart(4, '0')}` }));
    const reader = createUsageReader(table);

    const first = await reader.page({ from: DAY, to: DAY });
    const second = await reader.page({ from: DAY, to: DAY, after: first.next ?? '' });

    expect([first.rows.length, first.next]).toEqual([1_000, `${DAY}#wiro/m0999`]);
    expect(second.rows.map(({ model }) => model)).toEqual(['wiro/m1000', 'wiro/m1001', 'wiro/m1002']);
    expect(second.next).toBeUndefined();
  });

  it('starts at the first day if its position is before that', async () => {
    const { table, counter } = usageWorld();
    await counter.count(end());

    const { rows } = await createUsageReader(table).page({
      from: '2026-04-01',
      to: '2026-04-01',
      after: DAY,
    });

    expect(rows).toEqual([]);
  });
});

/** Every order in which functions send their requests. Each entry says which function sends the next one. */
function ordersOf(left: readonly number[]): readonly (readonly number[])[] {
  if (left.every((count) => count === 0)) return [[]];
  return left.flatMap((count, who) => {
    if (count === 0) return [];
    return ordersOf(left.with(who, count - 1)).map((rest) => [who, ...rest]);
  });
}

/** Counts one end from two functions that send their requests in a given order. One is killed when its turns are over. */
async function countTogether(order: readonly number[], { killed }: { readonly killed?: number } = {}) {
  const world = usageWorld();
  const waiting = new Map<number, () => void>();
  const works = [0, 1].map((who) => {
    const turn = () => new Promise<void>((resolve) => waiting.set(who, resolve));
    return world.counterOver(createMemoryTable(turn, world.items)).count(end());
  });
  const shown: number[] = [];
  /** @returns Whether a request was sent. */
  const send = async (who: number) => {
    const go = waiting.get(who);
    waiting.delete(who);
    go?.();
    // What follows in the function needs no timer, so it is done with what is pending now.
    await new Promise((resolve) => setImmediate(resolve));
    const [row] = await world.rows();
    shown.push(row?.succeeded ?? 0);
    return go !== undefined;
  };
  for (const who of order) await send(who);
  for (const [who, work] of works.entries()) {
    if (who === killed) continue;
    while (await send(who));
    await work;
  }
  return { ...world, shown };
}
