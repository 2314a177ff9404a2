import { describe, expect, it } from 'vitest';
import { hasEnded } from '../../functions/generation/generation.ts';
import { entriesToNote } from '../../functions/generation/timeline-entries.ts';
import { noteCallback } from '../../functions/generation/transitions/note-callback.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createCallbackNotes } from '../../functions/store/callback-notes.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { at, EXAMPLES } from '../generation/examples.ts';
import { TABLES, useTables } from './table-world.ts';

const REQUEST = { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} };
const NOW = at(10);
const moment = (now: string) => ({ now, durations: DURATIONS });
const examples = Object.entries(EXAMPLES);

describe.each(TABLES)('a callback that is noted in one write, in a table of %s', (kind) => {
  const tables = useTables(kind);

  async function notesWorld() {
    const { table, item } = await tables.createWorld();
    const store = createGenerationStore(table, { clock: () => new Date(NOW), dueShards: 8 });
    const sent: string[] = [];
    const counted: Table = {
      ...table,
      client: {
        send(command, options) {
          sent.push(command.operation);
          return table.client.send(command, options);
        },
      },
    };
    const entries: object[] = [];
    const notes = createCallbackNotes(counted, {
      dueShards: 8,
      noteChange: (before, next) => void entries.push(...entriesToNote(before, next)),
    });
    return { store, notes, sent, entries, stateOf: (id: string) => item(`generation#${id}`, 'state') };
  }

  it.each(examples.filter(([, one]) => !hasEnded(one)))(
    'leaves the item of one that is %s as reading and writing would',
    async (_, example) => {
      const [one, other] = [await notesWorld(), await notesWorld()];
      for (const { store } of [one, other]) await store.accept(example, REQUEST);
      const { id, attempt } = example;
      await other.store.update(id, (current) => noteCallback(current, attempt, 'task', moment(NOW)));

      const noted = await one.notes.note(id, attempt, 'task', moment(NOW));

      expect(await one.stateOf(id)).toEqual(await other.stateOf(id));
      expect(noted).toEqual(await one.store.get(id));
      expect(one.sent).toEqual(['UpdateItem']);
    },
  );

  it.each(examples.filter(([, one]) => hasEnded(one)))(
    'changes nothing of one that %s',
    async (_, example) => {
      const { store, notes, stateOf } = await notesWorld();
      await store.accept(example, REQUEST);
      const before = await stateOf(example.id);

      expect(await notes.note(example.id, example.attempt, 'task', moment(NOW))).toBeUndefined();
      expect(await stateOf(example.id)).toEqual(before);
    },
  );

  it('changes nothing of another attempt, or of what a newer release wrote, and makes nothing', async () => {
    const { store, notes, stateOf } = await notesWorld();
    const { running } = EXAMPLES;
    const newer = { ...running, id: 'b'.repeat(26), version: 2 } as unknown as typeof running;
    for (const one of [running, newer]) await store.accept(one, REQUEST);
    const before = await stateOf(running.id);

    expect(await notes.note(running.id, running.attempt + 1, 'task', moment(NOW))).toBeUndefined();
    expect(await notes.note(newer.id, newer.attempt, 'task', moment(NOW))).toBeUndefined();
    expect(await notes.note('c'.repeat(26), 1, 'task', moment(NOW))).toBeUndefined();

    expect(await stateOf(running.id)).toEqual(before);
    expect(await stateOf(newer.id)).not.toHaveProperty('callback');
    expect(await stateOf('c'.repeat(26))).toBeUndefined();
  });

  it('shows a repeated one to the timeline, once for a write whose answer was lost', async () => {
    const { store, notes, entries } = await notesWorld();
    const { running } = EXAMPLES;
    await store.accept(running, REQUEST);

    await notes.note(running.id, running.attempt, 'first', moment(at(11)));
    await notes.note(running.id, running.attempt, 'first', moment(at(11)));
    await notes.note(running.id, running.attempt, 'second', moment(at(12)));

    expect(entries).toEqual([{ at: at(11), attempt: 1, what: 'callback', taskId: 'first' }]);
  });

  it('is not lost by a writer that decided before it', async () => {
    const { store, notes } = await notesWorld();
    const { running } = EXAMPLES;
    const stale = await store.accept(running, REQUEST);
    await notes.note(running.id, running.attempt, 'task', moment(NOW));

    await store.update(stale, (current) => ({ ...current, looks: current.looks + 1 }));

    expect(await store.get(running.id)).toMatchObject({
      looks: running.looks + 1,
      callback: { seenAt: NOW, taskId: 'task' },
    });
  });
});
