import { beforeEach, expect, it, vi } from 'vitest';
import type { Generation } from '../../functions/generation/generation.ts';
import { claimToCollect, collectLater } from '../../functions/generation/transitions/collect.ts';
import { claimToSubmit, mark, startRunning } from '../../functions/generation/transitions/submit.ts';
import { reconcile } from '../../functions/reconcile/reconcile.ts';
import { createStepOver } from '../../functions/reconcile/step-over.ts';
import { log } from '../../functions/runtime/log.ts';
import { createGate } from '../../functions/store/gate.ts';
import { whenCollecting, whenSubmitting } from '../generation/when-held.ts';
import { createMemoryTable } from '../store/memory-table.ts';
import { workWorld } from '../support/work-world.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

/** Two generations and one slot. The first was admitted to it. */
async function oneAdmitted() {
  const world = workWorld();
  const { generations, items, shared, pass } = world;
  const gate = createGate({
    ...createMemoryTable(undefined, items),
    waiting: generations.waiting,
    durations: shared.durations,
    maximum: 1,
    clock: shared.clock,
  });
  const accept = async (id: string): Promise<Generation> => {
    pass(1);
    await world.accept(id);
    const accepted = await generations.get(id);
    if (accepted === undefined) throw new Error(`${id} is gone`);
    return accepted;
  };
  const [first, second] = [await accept('first'), await accept('second')];
  await gate.joinLine(first);
  await gate.admit(1);
  const moment = () => ({ now: shared.clock().toISOString(), durations: shared.durations });
  return {
    ...world,
    gate,
    first,
    second,
    /** Does what a submission does. */
    run: async (generation: Generation): Promise<boolean> => {
      const { id } = generation;
      await generations.update(id, (current) => claimToSubmit(current, 'me', moment()));
      if (!(await gate.take(generation))) return false;
      const marked = await generations.update(id, (g) =>
        whenSubmitting(g, 'me', (held) => mark(held, { reusedUploads: false }, moment())),
      );
      const run = marked.kind === 'written' ? marked.generation.run : undefined;
      if (run === undefined) throw new Error(`${id} was not marked`);
      await generations.update(id, (g) => startRunning(g, run, 1, { id: `task-${id}` }, moment()));
      await gate.noteRunEnd(generation);
      return true;
    },
    reconcile: (get: (id: string) => Promise<Generation | undefined>) =>
      reconcile({
        ...shared,
        gate,
        generations: { ...generations, get },
        collect: async () => undefined,
        moment,
        remainingMs: () => 60_000,
        stepOver: createStepOver({ first: 30_000, longest: 900_000 }),
      }),
  };
}

it('reconcile takes no slot from a generation whose Run starts while it looks', async () => {
  const { gate, first, second, run, reconcile, generations } = await oneAdmitted();
  let isFirst = true;

  await reconcile(async (id) => {
    const seen = await generations.get(id);
    if (isFirst) await run(first);
    isFirst = false;
    return seen;
  });
  const isSecondLetIn = await run(second);

  expect((await generations.get('first'))?.status).toBe('running');
  expect(await gate.holders()).toEqual(['first']);
  expect(isSecondLetIn).toBe(false);
});

it('reconcile submits an admitted generation whose submission never came', async () => {
  const { gate, submitted, reconcile, generations, first, run } = await oneAdmitted();

  await reconcile(generations.get);
  const isRunning = await run(first);

  expect(submitted).toEqual(['first']);
  expect([isRunning, await gate.holders()]).toEqual([true, ['first']]);
});

it('reconcile takes the slot back from a generation whose task has ended, because its outputs may wait in line for hours', async () => {
  const { gate, first, second, run, reconcile, generations, shared } = await oneAdmitted();
  await run(first);
  const moment = { now: shared.clock().toISOString(), durations: shared.durations };
  const inLine = { code: 'output_in_line', message: 'Its outputs wait.' } as const;
  await generations.update('first', (current) => claimToCollect(current, 'me', moment));
  await generations.update('first', (current) =>
    whenCollecting(current, 'me', (held) => collectLater(held, inLine, moment)),
  );

  await reconcile(generations.get);

  expect(await gate.holders()).toEqual([]);
  expect(await run(second)).toBe(true);
});
