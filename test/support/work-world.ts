import { accept } from '../../functions/generation/transitions/accept.ts';
import { claimToSubmit, mark, startRunning } from '../../functions/generation/transitions/submit.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createAttemptNotesStore } from '../../functions/store/attempt-notes.ts';
import { createEarlierReads } from '../../functions/store/earlier-reads.ts';
import { createGate } from '../../functions/store/gate.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { at } from '../generation/examples.ts';
import { whenSubmitting } from '../generation/when-held.ts';
import { createMemoryTable, type Item } from '../store/memory-table.ts';

export const ID = 'abcdefghijklmnopqrstuvwxyz';
// Renewals are timers of the real clock. This interval lets none fire during a test.
const durations = { ...DURATIONS, leaseRenewal: 2_000_000_000 };

/** The real store and gate over a table in memory, a clock that the test moves, and what was started and announced. */
export function workWorld() {
  const items = new Map<string, Item>();
  let seconds = 0;
  const clock = () => new Date(at(seconds));
  const table = createMemoryTable(undefined, items);
  const generations = createGenerationStore(table, { clock });
  const notes = createAttemptNotesStore(table);
  const gate = createGate({ ...table, waiting: generations.waiting, durations, clock });
  const moment = () => ({ now: clock().toISOString(), durations });
  const submitted: string[] = [];
  const announced: string[] = [];
  const acceptOne = async (id: string) => {
    const names = { id, deployment: 'shop', origin: 'api', model: 'wiro/flux', requestHash: 'hash' } as const;
    await generations.accept(accept(names, moment()), {
      model: 'wiro/flux',
      parameters: {},
      inputs: {},
      labels: {},
    });
  };
  return {
    items,
    table,
    generations,
    notes,
    gate,
    submitted,
    announced,
    accept: acceptOne,
    /** The generation of the test. */
    state: async () => {
      const generation = await generations.get(ID);
      if (generation === undefined) throw new Error('It is gone');
      return generation;
    },
    /** Moves the clock forward by some seconds. */
    pass: (more: number) => {
      seconds += more;
    },
    /** Accepts a generation whose task runs, and which holds a slot. */
    run: async (id: string, taskId: string) => {
      await acceptOne(id);
      const queued = await generations.get(id);
      if (queued === undefined || !(await gate.take(queued))) throw new Error(`No slot for ${id}`);
      const run = { startedAt: moment().now, reusedUploads: false, searches: 0 };
      for (const step of [
        (current: typeof queued) => claimToSubmit(current, 'first', moment()),
        (current: typeof queued) =>
          whenSubmitting(current, 'first', (held) => mark(held, { reusedUploads: false }, moment())),
        (current: typeof queued) => startRunning(current, run, 1, { id: taskId }, moment()),
      ])
        await generations.update(id, step);
      await gate.noteRunEnd({ id, revision: 4 });
    },
    shared: {
      generations,
      notes,
      earlierReads: createEarlierReads(table),
      gate,
      durations,
      clock,
      remainingMs: () => 900_000,
      collectNext: () => undefined,
      standing: { find: async () => undefined, note: async () => undefined },
      createHolder: () => `holder-${seconds}`,
      forgetParameters: () => undefined,
      callbackSecrets: async () => ['secret'],
      announce: async (id: string) => void announced.push(id),
      submit: async (id: string) => void submitted.push(id),
    },
  };
}
