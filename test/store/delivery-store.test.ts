import { describe, expect, it } from 'vitest';
import { createDeliveryStore } from '../../functions/store/delivery-store.ts';
import { TABLES, useTables } from './table-world.ts';

const at = (minute: number, ms = 0) => new Date(Date.UTC(2026, 2, 31, 12, minute, 0, ms));
const CONTENT = ['photos', 'uploads/a/b.png', 9, 'CRC32:abc='];

describe.each(TABLES)('notes of events, in a table of %s:', (kind) => {
  const { createWorld } = useTables(kind);

  async function deliveries() {
    const { table } = await createWorld();
    const options = { deployment: 'shop', sameDropMs: 300_000, clock: () => at(0) };
    return createDeliveryStore(table, options);
  }

  it('say how often an event was delivered, its drop, and its outcome', async () => {
    const store = await deliveries();

    expect(await store.begin('one')).toEqual({ tries: 1 });
    await store.join('one', 'v1');
    await store.settle('one', 'accepting');

    expect(await store.begin('one')).toEqual({ tries: 2, sameAs: 'v1', outcome: 'accepting' });
    expect(await store.begin('two')).toEqual({ tries: 1 });
    expect(await store.find('one')).toEqual({ tries: 2, sameAs: 'v1', outcome: 'accepting' });
    expect(await store.find('three')).toEqual({ tries: 0 });
  });

  it('keep the first outcome of accepting and rejecting', async () => {
    const store = await deliveries();

    expect(await store.settle('one', 'accepting')).toBe('accepting');
    expect(await store.settle('one', 'rejected')).toBe('accepting');
    expect(await store.settle('one', 'accepting')).toBe('accepting');
    expect(await store.settle('one', 'accepted')).toBe('accepted');
    expect(await store.settle('one', 'accepting')).toBe('accepted');
    expect(await store.settle('two', 'rejected')).toBe('rejected');
    expect(await store.settle('two', 'accepted')).toBe('rejected');
    expect(await store.settle('two', 'rejected')).toBe('rejected');
  });

  it('join puts of the same bytes within the window to one drop, and no other puts', async () => {
    const store = await deliveries();
    const drop = (put: string, when: Date, content = CONTENT) => store.drop(content, { put, at: when });

    expect(await drop('v2', at(10))).toEqual({ kind: 'drop', put: 'v2' });
    expect(await drop('v2', at(10))).toEqual({ kind: 'drop', put: 'v2' });
    expect(await drop('v3', at(15))).toEqual({ kind: 'drop', put: 'v2' });
    expect(await drop('v1', at(5))).toEqual({ kind: 'drop', put: 'v2' });
    expect(await drop('other', at(10), ['photos', 'uploads/a/c.png', 9, 'CRC32:abc='])).toEqual({
      kind: 'drop',
      put: 'other',
    });
    // The window starts with the drop, not with its last repetition.
    expect(await drop('v4', at(15, 1))).toEqual({ kind: 'drop', put: 'v4' });
  });

  it('call a put replaced if its bytes were put again much later, and that put is handled already', async () => {
    const store = await deliveries();
    await store.drop(CONTENT, { put: 'v2', at: at(20) });

    expect(await store.drop(CONTENT, { put: 'v1', at: at(10) })).toEqual({ kind: 'replaced' });
  });

  it('let one put replace another that came to nothing, once', async () => {
    const store = await deliveries();
    await store.drop(CONTENT, { put: 'v1', at: at(0) });
    const instead = (put: string) => store.drop(CONTENT, { put, at: at(1), insteadOf: 'v1' });

    expect(await instead('v2')).toEqual({ kind: 'drop', put: 'v2' });
    expect(await instead('v3')).toEqual({ kind: 'drop', put: 'v2' });
  });

  it('let one of several concurrent puts stand for the drop', async () => {
    const store = await deliveries();

    const found = await Promise.all(
      ['v1', 'v2', 'v3'].map((put, index) => store.drop(CONTENT, { put, at: at(index) })),
    );

    expect(new Set(found.map((one) => one.kind === 'drop' && one.put)).size).toBe(1);
  });
});
