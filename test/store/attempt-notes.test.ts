import { describe, expect, it } from 'vitest';
import { type AttemptNotes, createAttemptNotesStore } from '../../functions/store/attempt-notes.ts';
import { at, EXAMPLES } from '../generation/examples.ts';
import { doFirst, TABLES, useTables } from './table-world.ts';

const { id } = EXAMPLES.queued;

describe.each(TABLES)('notes of an attempt, in %s', (kind) => {
  const tables = useTables(kind);
  const death = (holder: string) => (notes: AttemptNotes) =>
    notes.deaths?.holder === holder
      ? undefined
      : {
          deaths: {
            count: (notes.deaths?.count ?? 0) + 1,
            during: 'collecting' as const,
            holder,
            progress: 0,
          },
        };

  it('are empty at first, belong to one attempt, and are read as written', async () => {
    const { table } = await tables.createWorld();
    const notes = createAttemptNotesStore(table);

    const before = await notes.read(id, 1);
    const written = await notes.change(id, 1, () => ({ taskError: { since: at(0), text: 'No GPU' } }));

    expect(before).toEqual({});
    expect(written).toEqual({ taskError: { since: at(0), text: 'No GPU' } });
    expect([await notes.read(id, 1), await notes.read(id, 2)]).toEqual([written, {}]);
  });

  it('keep what a change does not name, and lose what it removes', async () => {
    const { table } = await tables.createWorld();
    const notes = createAttemptNotesStore(table);
    await notes.change(id, 1, () => ({ taskError: { since: at(0) } }));
    await notes.change(id, 1, death('a'));

    await notes.change(id, 1, () => ({ taskError: null }));

    expect(await notes.read(id, 1)).toEqual({
      deaths: { count: 1, during: 'collecting', holder: 'a', progress: 0 },
    });
  });

  it('count two concurrent events twice, and a repeated event once', async () => {
    const { table } = await tables.createWorld();
    const notes = createAttemptNotesStore(table);
    const overtaken = createAttemptNotesStore(
      doFirst(table, 'UpdateItemCommand', () => notes.change(id, 1, death('a'))),
    );

    const other = await overtaken.change(id, 1, death('b'));
    const again = await notes.change(id, 1, death('b'));

    expect([other.deaths?.count, again.deaths?.count]).toEqual([2, 2]);
  });
});
