import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { PutItemCommand } from '../../functions/aws/dynamodb.ts';
import type { Generation, Output } from '../../functions/generation/generation.ts';
import { log } from '../../functions/runtime/log.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { createHistory, type HistoryQuery } from '../../functions/store/history.ts';
import { EXAMPLES } from '../generation/examples.ts';
import { createMemoryTable, type Item } from './memory-table.ts';
import { TABLES, useTables, writeItems } from './table-world.ts';

vi.setConfig({ testTimeout: 30_000 });

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** The id of the nth generation. */
const idOf = (index: number) =>
  `${ALPHABET[index >> 10]}${ALPHABET[(index >> 5) & 31]}${ALPHABET[index & 31]}`.padStart(26, 'a');
const output = (name: string): Output => ({
  name,
  bucket: 'outputs',
  key: `outputs/${name}`,
  contentType: 'image/png',
  sizeBytes: 3,
  sha256: 'abc',
});
const ALL: Pick<HistoryQuery, 'from' | 'to' | 'limit'> = {
  from: '2025-01-01T00:00:00.000Z',
  to: '2027-01-01T00:00:00.000Z',
  limit: 100,
};

describe.each(TABLES)('the history, in a table of %s:', (kind) => {
  const { createWorld } = useTables(kind);

  async function historyWorld() {
    const world = await createWorld();
    const large = new Map<string, string>();
    const overflow = {
      write: async (name: string, text: string) => void large.set(name, text),
      read: async (name: string) => large.get(name),
    };
    const store = createGenerationStore(world.table, { overflow });
    const { page } = createHistory(world.table, overflow);
    /** Stores the nth generation, accepted at that time. */
    const add = async (
      index: number,
      createdAt: string,
      {
        as = EXAMPLES.queued,
        labels = {},
        prompt = '',
      }: { as?: Generation; labels?: Record<string, string>; prompt?: string } = {},
    ) => {
      const generation = { ...as, id: idOf(index), createdAt, revision: 1 };
      await store.accept(generation, {
        model: generation.model,
        parameters: { prompt },
        inputs: {},
        labels,
      });
      return generation;
    };
    /** Reads page by page. @returns The pages' ids. */
    const walk = async (query: Omit<HistoryQuery, 'after'>) => {
      const pages: string[][] = [];
      let after: string | undefined;
      do {
        const { generations, next } = await page({ ...query, ...(after !== undefined && { after }) });
        pages.push(generations.map(({ generation }) => generation.id));
        after = next;
      } while (after !== undefined && pages.length < 100);
      return pages;
    };
    return { ...world, store, add, page, walk, large };
  }

  it('reads newest first, over months in which nothing was accepted', async () => {
    const { add, page } = await historyWorld();
    await add(1, '2025-02-28T23:59:59.999Z');
    await add(2, '2025-12-31T23:59:59.999Z');
    await add(3, '2026-01-01T00:00:00.000Z');
    await add(4, '2026-01-01T00:00:00.000Z');

    const { generations, next } = await page(ALL);

    expect(generations.map(({ generation }) => generation.id)).toEqual([4, 3, 2, 1].map(idOf));
    expect(next).toBeUndefined();
  });

  it('pages without gap or repeat, also among those of one moment', async () => {
    const { add, walk } = await historyWorld();
    for (let index = 0; index < 7; index += 1) await add(index, '2026-01-31T12:00:00.000Z');
    await add(7, '2026-02-01T00:00:00.000Z');

    const pages = await walk({ ...ALL, limit: 3 });

    expect(pages.flat()).toEqual([7, 6, 5, 4, 3, 2, 1, 0].map(idOf));
    expect(pages.map(({ length }) => length)).toEqual([3, 3, 2]);
  });

  it('takes `from` in and leaves `to` out', async () => {
    const { add, page } = await historyWorld();
    for (const second of [0, 1, 2, 3]) await add(second, `2026-01-01T00:00:0${second}.000Z`);

    const { generations } = await page({
      ...ALL,
      from: '2026-01-01T00:00:01.000Z',
      to: '2026-01-01T00:00:03.000Z',
    });

    expect(generations.map(({ generation }) => generation.id)).toEqual([2, 1].map(idOf));
  });

  it('goes on from its place though `to` is another by now, and ends where the place is before `from`', async () => {
    const { add, page } = await historyWorld();
    for (const second of [0, 1, 2, 3]) await add(second, `2026-01-01T00:00:0${second}.000Z`);
    const { next: after = '' } = await page({ ...ALL, limit: 2 });

    const later = await page({ ...ALL, to: '2030-01-01T00:00:00.000Z', after });
    const earlier = await page({ ...ALL, to: '2026-01-01T00:00:01.000Z', after });
    const past = await page({ ...ALL, from: '2026-06-01T00:00:00.000Z', after });

    expect(later.generations.map(({ generation }) => generation.id)).toEqual([1, 0].map(idOf));
    expect(earlier.generations.map(({ generation }) => generation.id)).toEqual([idOf(0)]);
    expect(past).toMatchObject({ generations: [] });
    expect(past.next).toBeUndefined();
  });

  it('judges the item, not the index alone', async () => {
    const { add, page, store } = await historyWorld();
    await add(1, '2026-01-01T00:00:00.000Z', { as: EXAMPLES.running });
    await add(2, '2026-01-01T00:00:01.000Z', { as: EXAMPLES.succeeded });
    await store.putOutputs(idOf(2), { attempt: 1, revision: 1, outputs: [output('a'), output('b')] });

    const { generations } = await page({ ...ALL, isWanted: ({ status }) => status === 'succeeded' });

    expect(generations).toMatchObject([
      { generation: { id: idOf(2) }, firstOutput: { name: 'a' }, outputs: 2 },
    ]);
  });

  it('finds labels, those of a large request too, and tells the number of very many outputs', async () => {
    const { add, page, store, large } = await historyWorld();
    await add(1, '2026-01-01T00:00:01.000Z', { labels: { order: '17' }, prompt: 'x'.repeat(70_000) });
    await add(2, '2026-01-01T00:00:02.000Z', { labels: { order: '18' } });
    await add(3, '2026-01-01T00:00:03.000Z', { labels: { order: '17' }, as: EXAMPLES.failed });
    const outputs = Array.from({ length: 4_000 }, (_, index) => output(`${index}`.padStart(100, 'x')));
    await store.putOutputs(idOf(3), { attempt: 1, revision: 1, outputs });
    large.clear();

    const { generations } = await page({ ...ALL, isRequestWanted: ({ labels }) => labels.order === '17' });

    expect(generations.map(({ generation, outputs }) => [generation.id, outputs])).toEqual([
      [idOf(3), 4_000],
      [idOf(1), 0],
    ]);
  });

  it('leaves out what a newer release stored, and says so in the log', async () => {
    const warned = vi.spyOn(log, 'warn').mockReturnValue(undefined);
    const { add, page, table } = await historyWorld();
    await add(1, '2026-01-01T00:00:00.000Z');
    const Item = marshall({
      ...EXAMPLES.queued,
      pk: `generation#${idOf(2)}`,
      sk: 'state',
      id: idOf(2),
      version: 2,
      historyMonth: '2026-01',
      historyKey: `2026-01-01T00:00:01.000Z#${idOf(2)}`,
    });
    await table.client.send(new PutItemCommand({ TableName: table.tableName, Item }));

    const { generations } = await page(ALL);

    expect(generations.map(({ generation }) => generation.id)).toEqual([idOf(1)]);
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('newer release'), expect.anything());
    warned.mockRestore();
  });

  it('lists nothing from after the range, whatever month the position of another list is', async () => {
    const { add, page } = await historyWorld();
    await add(0, '2026-11-05T12:00:00.000Z');
    await add(1, '2026-11-20T12:00:00.000Z');

    const { generations } = await page({ ...ALL, to: '2026-11-10T00:00:00.000Z', after: '2026-11' });

    expect(generations.map(({ generation }) => generation.id)).toEqual([idOf(0)]);
  });

  it('looks through a bounded number of empty months, and goes on from there', async () => {
    const { add, page, walk } = await historyWorld();
    await add(1, '2023-05-05T00:00:00.000Z');

    const first = await page({ ...ALL, from: '2023-03-01T00:00:00.000Z' });
    const pages = await walk({ ...ALL, from: '2023-03-01T00:00:00.000Z' });

    expect(first).toMatchObject({ generations: [], next: '2023-09' });
    expect(pages.flat()).toEqual([idOf(1)]);
  });
});

describe('the read units of a page', () => {
  const { createWorld } = useTables();

  /** Written in batches: one after the other would take minutes. */
  async function filled(count: number) {
    const { table } = await createWorld();
    const items = new Map<string, Item>();
    const store = createGenerationStore(createMemoryTable(undefined, items));
    for (let index = 0; index < count; index += 1) {
      const createdAt = new Date(Date.UTC(2026, 0, 1) + index * 1_000).toISOString();
      const generation = { ...EXAMPLES.queued, id: idOf(index), createdAt, revision: 1 };
      await store.accept(generation, { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} });
    }
    await writeItems(table, [...items.values()]);
    return createHistory(table, { read: async () => undefined });
  }

  it('are the same for few and for many stored generations', async () => {
    const [few, many] = [await filled(30), await filled(300)];

    const units = await Promise.all(
      [few, many].map(async ({ page }) => (await page({ ...ALL, limit: 20 })).readUnits),
    );

    expect(units[0]).toBe(units[1]);
    expect(units[0]).toBeLessThan(25);
  });

  it('are bounded, however few a filter finds', async () => {
    const { page } = await filled(450);

    const byIndex = await page({ ...ALL, limit: 5, isRowWanted: () => false });
    const byLabel = await page({ ...ALL, limit: 5, isRequestWanted: () => false });

    expect(byIndex.readUnits).toBeLessThan(40);
    expect(byIndex.next).toBeUndefined();
    expect(byLabel.readUnits).toBeGreaterThan(390);
    expect(byLabel.readUnits).toBeLessThan(420);
    expect(byLabel).toMatchObject({ generations: [], next: expect.stringMatching(/^2026-01-01T/) });
  });
});
