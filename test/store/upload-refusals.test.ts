import { describe, expect, it } from 'vitest';
import { createUploadRefusals } from '../../functions/store/upload-refusals.ts';
import { at } from '../generation/examples.ts';
import { clockAt, useTables } from './table-world.ts';

const { createWorld } = useTables();

const DAY = 86_400_000;

async function refusalsWorld() {
  const world = await createWorld();
  const { clock, pass } = clockAt(at(0));
  return {
    ...world,
    pass,
    /** Another container. */
    open: (table = world.table) => createUploadRefusals(table, { keepMs: DAY, clock }),
  };
}

describe('that uploads are refused', () => {
  it('is noted for every container for a day, and for running containers once they ask again', async () => {
    const { open, pass } = await refusalsWorld();
    const [first, second] = [open(), open()];
    const before = [await first.areNoted(), await second.areNoted()];

    await first.note();

    expect(before).toEqual([false, false]);
    expect(await first.areNoted()).toBe(true);
    expect(await second.areNoted()).toBe(false);
    expect(await second.areNoted(true)).toBe(true);
    expect(await open().areNoted()).toBe(true);
    pass(DAY - 1);
    expect(await first.areNoted()).toBe(true);
    pass(1);
    expect([await first.areNoted(), await first.areNoted(true), await open().areNoted()]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('is a first note for one of several concurrent callers, and for one more the day after', async () => {
    const { open, pass } = await refusalsWorld();

    const news = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        pass(n);
        return await open().note();
      }),
    );
    pass(DAY + 1);

    expect(news.filter(Boolean)).toHaveLength(1);
    expect(await open().note()).toBe(true);
  });

  it('is a first note even if the answer to the write was lost', async () => {
    const { open, connect, table } = await refusalsWorld();
    const client = connect((operation) => operation === 'PutItem');

    expect(await open({ ...table, client }).note()).toBe(true);
  });

  it('is an item that DynamoDB removes', async () => {
    const { open, item } = await refusalsWorld();

    await open().note();

    expect(await item('uploads', 'refused')).toMatchObject({
      version: 1,
      endsAt: at(86_400),
      expiresAtSeconds: Date.parse(at(2 * 86_400)) / 1_000,
    });
  });
});
