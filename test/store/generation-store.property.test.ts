import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Generation, hasEnded } from '../../functions/generation/generation.ts';
import type { Moment } from '../../functions/generation/time.ts';
import { renew } from '../../functions/generation/transitions/claim.ts';
import { claimToCollect, lookLater, rerun } from '../../functions/generation/transitions/collect.ts';
import { fail, succeed } from '../../functions/generation/transitions/end.ts';
import { noteLook, strikeOff } from '../../functions/generation/transitions/look.ts';
import { noteCallback } from '../../functions/generation/transitions/note-callback.ts';
import {
  claimToSubmit,
  mark,
  noteSearch,
  requeue,
  startRunning,
  unmark,
} from '../../functions/generation/transitions/submit.ts';
import { createGenerationStore, type GenerationStore } from '../../functions/store/generation-store.ts';
import { EXAMPLES, moment } from '../generation/examples.ts';
import { assertLegal } from '../generation/legal.ts';
import { whenCollecting, whenHeld, whenSubmitting } from '../generation/when-held.ts';
import { createMemoryTable } from './memory-table.ts';
import { useTables } from './table-world.ts';

vi.setConfig({ testTimeout: 60_000 });

const { id } = EXAMPLES.queued;
const fresh = { ...EXAMPLES.queued, revision: 1 };
const request = { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} };
const setback = { code: 'upstream_unavailable', message: 'Wiro is away.' } as const;
const error = { code: 'model_failed', message: 'The model failed.', retryable: true } as const;

type Decide = (generation: Generation, holder: string, now: Moment) => Generation | undefined;

/** Transitions that need a claim. Any caller may make the others. */
const HELD: Record<string, Decide> = {
  renew: (g, holder, now) => whenHeld(g, holder, (held) => renew(held, now)),
  mark: (g, holder, now) => whenSubmitting(g, holder, (held) => mark(held, { reusedUploads: true }, now)),
  search: (g, holder, now) => whenSubmitting(g, holder, (held) => noteSearch(held, true, now)),
  unmark: (g, holder, now) => whenSubmitting(g, holder, (held) => unmark(held, now)),
  requeue: (g, holder, now) => whenSubmitting(g, holder, (held) => requeue(held, setback, now)),
  stillRunning: (g, holder, now) =>
    whenCollecting(g, holder, (held) => lookLater(held, { callbackKnown: undefined }, now)),
  rerun: (g, holder, now) => whenCollecting(g, holder, (held) => rerun(held, error, now)),
  succeed: (g, holder, now) => whenCollecting(g, holder, (held) => succeed(held, { costUsd: 0.04 }, now)),
  fail: (g, holder, now) => whenHeld(g, holder, (held) => fail(held, error, {}, now)),
};
const FREE: Record<string, Decide> = {
  claimToSubmit: (g, holder, now) => claimToSubmit(g, holder, now),
  claimToCollect: (g, holder, now) => claimToCollect(g, holder, now),
  record: (g, _, now) =>
    g.status === 'submitting' && g.run
      ? startRunning(g, g.run, g.attempt, { id: `task-${g.attempt}` }, now)
      : undefined,
  callBack: (g, _, now) => noteCallback(g, g.attempt, undefined, now),
  look: (g, _, now) => noteLook(g, now),
  tell: (g) =>
    strikeOff(
      g,
      g.announcements.map(({ eventId }) => eventId),
    ),
};
const ALL: Record<string, Decide> = { ...HELD, ...FREE };

const step = fc.record({
  what: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom('claimToSubmit', 'mark', 'record', 'claimToCollect') },
    { weight: 1, arbitrary: fc.constantFrom(...Object.keys(ALL)) },
  ),
  wait: fc.constantFrom(0, 0, 0, 1, 10, 65, 100),
  /** Starts from the generation that the holder saw last. The other holder may have changed it since. */
  isKnown: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
const twoHolders = fc.tuple(
  fc.array(step, { minLength: 10, maxLength: 25, size: 'max' }),
  fc.array(step, { minLength: 10, maxLength: 25, size: 'max' }),
);

interface Write {
  readonly what: string;
  readonly holder: string;
  readonly generation: Generation;
}

/** Runs the steps of two holders side by side, on one clock that both move. Returns what each has written. */
async function race(
  stores: readonly [GenerationStore, GenerationStore],
  given: readonly (readonly Step[])[],
): Promise<readonly Write[]> {
  let seconds = 0;
  const writes: Write[] = [];
  await Promise.all(
    given.map(async (steps, index) => {
      const holder = `holder-${index}`;
      let seen: Generation | undefined;
      for (const { what, wait, isKnown } of steps) {
        seconds += wait;
        const updated = await stores[index === 0 ? 0 : 1].update((isKnown && seen) || id, (current) =>
          ALL[what]?.(current, holder, moment(seconds)),
        );
        if (updated.kind !== 'missing') seen = updated.generation;
        if (updated.kind === 'written') writes.push({ what, holder, generation: updated.generation });
      }
    }),
  );
  return writes;
}

const holderOf = (generation: Generation) => ('claim' in generation ? generation.claim.holder : undefined);

/** Expects that the writes, in the order of their revisions, are one legal history without a gap. */
function assertOneHistory(writes: readonly Write[], standing: Generation | undefined): void {
  const inOrder = writes.toSorted((a, b) => a.generation.revision - b.generation.revision);
  let before: Generation = fresh;
  for (const { what, holder, generation } of inOrder) {
    // Two holders with the same decision, such as the same look, both report it as written.
    if (generation.revision === before.revision) {
      assert(what in FREE, `${what} was written twice as revision ${generation.revision}`);
      continue;
    }
    assert.equal(generation.revision, before.revision + 1);
    const { revision: _, updatedAt: __, ...rest } = generation;
    const { revision: ___, updatedAt: ____, ...earlier } = before;
    assertLegal(earlier as Generation, rest as Generation);
    if (what in HELD) assert.equal(holderOf(before), holder, `${what} without holding it`);
    before = generation;
  }
  assert.deepEqual(standing, before);
  if (standing !== undefined && hasEnded(standing)) assert(!('claim' in standing));
}

describe('two holders at once', () => {
  const { createWorld } = useTables();

  it('write one legal history, and only while they hold it, on a real server', async () => {
    await fc.assert(
      fc.asyncProperty(twoHolders, async (given) => {
        const { table } = await createWorld();
        const stores = [createGenerationStore(table), createGenerationStore(table)] as const;
        await stores[0].accept(fresh, request);

        assertOneHistory(await race(stores, given), await stores[0].get(id));
      }),
      { numRuns: 8, seed: 11, endOnFailure: true },
    );
  });

  it('write one legal history, and only while they hold it, in any interleaving of their requests', async () => {
    let writes = 0;
    await fc.assert(
      fc.asyncProperty(twoHolders, fc.scheduler(), async (given, scheduler) => {
        const items = new Map();
        const first = createGenerationStore(createMemoryTable(undefined, items));
        await first.accept(fresh, request);
        const store = () =>
          createGenerationStore(
            createMemoryTable((operation) => scheduler.schedule(Promise.resolve(), operation), items),
          );

        const racing = race([store(), store()], given);
        await scheduler.waitFor(racing);

        const written = await racing;
        writes += written.length;
        assertOneHistory(written, await first.get(id));
      }),
      { numRuns: 150, seed: 12 },
    );
    expect(writes).toBeGreaterThan(500);
  });
});
