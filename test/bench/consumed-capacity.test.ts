import { describe, expect, it } from 'vitest';
import { type Item, readUnits, sizeOf, writeUnits } from '../../bench/consumed-capacity.ts';

const text = (length: number) => ({ S: 'x'.repeat(length) });
const key: Item = { pk: { S: 'p' }, sk: { S: 's' } };

describe('what DynamoDB bills', () => {
  it('depends on the bytes of names and values', () => {
    expect(sizeOf({ ab: { S: 'é' } })).toBe(4);
    expect(sizeOf({ n: { N: '1234' } })).toBe(4);
    expect(sizeOf({ yes: { BOOL: true }, no: { NULL: true } })).toBe(7);
    expect(sizeOf({ set: { SS: ['ab', 'c'] } })).toBe(6);
    expect(sizeOf({ list: { L: [{ S: 'ab' }] } })).toBe(10);
    expect(sizeOf({ map: { M: { k: { S: 'ab' } } } })).toBe(10);
  });

  it('is one unit per started KB of the larger item, before or after a write', () => {
    const large: Item = { ...key, body: text(2_000) };

    expect(writeUnits(undefined, key)).toBe(1);
    expect(writeUnits(undefined, large)).toBe(2);
    expect(writeUnits(large, key)).toBe(2);
    expect(writeUnits(large, undefined)).toBe(2);
  });

  it('is one unit more per index that an item enters or leaves, and two per index whose key changes', () => {
    const due = (at: string): Item => ({ ...key, dueShard: { S: '0' }, dueAt: { S: at } });

    expect(writeUnits(undefined, due('1'))).toBe(2);
    expect(writeUnits(due('1'), due('1'))).toBe(1);
    expect(writeUnits(due('1'), due('2'))).toBe(3);
    expect(writeUnits(due('1'), key)).toBe(2);
  });

  it('is one unit more for an index only if a projected attribute changes', () => {
    const listed = (status: string, looks: string): Item => ({
      ...key,
      historyMonth: { S: '2026-11' },
      historyKey: { S: 'k' },
      status: { S: status },
      looks: { N: looks },
    });

    expect(writeUnits(listed('queued', '0'), listed('running', '0'))).toBe(2);
    expect(writeUnits(listed('queued', '0'), listed('queued', '1'))).toBe(1);
  });

  it('is one unit per 4 KB for a consistent read, otherwise half of one, also if nothing is found', () => {
    expect(readUnits([], true)).toBe(1);
    expect(readUnits([key], false)).toBe(0.5);
    expect(readUnits([{ ...key, body: text(4_096) }], true)).toBe(2);
    expect(readUnits([{ body: text(2_000) }, { body: text(2_000) }], true)).toBe(1);
  });
});
