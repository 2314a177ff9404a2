import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConfirmNamedDeps, confirmNamed } from '../../functions/api/confirm-named.ts';
import { callbackUrl } from '../../functions/generation/callback-url.ts';
import { hasEnded } from '../../functions/generation/generation.ts';
import { startRetry } from '../../functions/generation/retry.ts';
import { proofOf } from '../../functions/generation/task-hint.ts';
import { noteCallback } from '../../functions/generation/transitions/note-callback.ts';
import { log } from '../../functions/runtime/log.ts';
import { createTaskHints } from '../../functions/store/task-hints.ts';
import type { SubmitDeps } from '../../functions/submit/submit-deps.ts';
import { submitGeneration } from '../../functions/submit/submit-generation.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { RunOutcome, Task } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';
import { ID, workWorld } from '../support/work-world.ts';
import { SUBMIT_DEFAULTS } from './submit-defaults.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const HOUR = 3_600;
const URL = callbackUrl(
  'https://callback.example',
  { deployment: 'shop', generationId: ID, attempt: 1 },
  'secret',
);
const paid: Task = {
  id: 'paid',
  status: 'task_postprocess_end',
  end: 'succeeded',
  createdAtSeconds: Date.parse(at(1)) / 1_000,
  callbackUrl: URL,
  outputs: [],
};

/** A generation for which a signed callback names a task. Wiro's record of the task is too large until `mend`. */
async function hinted({
  isListed = false,
  run = 'ran',
}: {
  isListed?: boolean;
  run?: 'ran' | 'unknown';
} = {}) {
  const world = workWorld();
  await world.accept(ID);
  const { generations, shared } = world;
  const health = { isLarge: true };
  const runs: string[] = [];
  const wiro: SubmitDeps['wiro'] = {
    task: async () => {
      if (health.isLarge) throw new WiroError('tooLarge', 'its answer exceeds 8 MB');
      return paid;
    },
    run: async ({ callbackUrl: url }): Promise<RunOutcome> => {
      runs.push(url);
      return run === 'ran' ? { kind: 'ran', taskId: 'second' } : { kind: 'unknown', message: 'a reset' };
    },
    tasks: async ({ start }) =>
      isListed && start === 0 ? { tasks: [paid], rows: 1 } : { tasks: [], rows: 0 },
    model: async () => undefined,
    upload: () => Promise.reject(new Error('not asked for')),
  };
  const deps: SubmitDeps = {
    ...shared,
    ...SUBMIT_DEFAULTS,
    wiro,
  };
  const moment = () => ({ now: shared.clock().toISOString(), durations: shared.durations });
  const { state } = world;
  let seconds = 0;
  return {
    ...world,
    health,
    runs,
    state,
    seconds: () => seconds,
    callBack: async () => {
      const proof = proofOf(URL.slice(URL.lastIndexOf('/') + 1));
      await createTaskHints(world.table).keep(ID, {
        attempt: 1,
        taskId: 'paid',
        seenAt: moment().now,
        proof,
      });
      await generations.update(ID, (current) => noteCallback(current, 1, 'paid', moment()));
    },
    /** Looks every minute, as `reconcile` does, until the generation runs, has ended, or these seconds have passed. */
    async work(until = 24 * HOUR) {
      for (; seconds < until; seconds += 60, world.pass(60)) {
        const { status, dueAt = '' } = await state();
        if (hasEnded(await state()) || status === 'running') return;
        if (dueAt <= moment().now) await submitGeneration(deps, ID);
      }
    },
    async retry(force = false) {
      const named = await confirmNamed({ ...shared, wiro } as ConfirmNamedDeps, ID, force);
      await generations.update(ID, (current) => startRetry(current, force, moment(), named));
    },
  };
}

describe('a task that a signed callback named and whose record stays too large', () => {
  it('ends the generation within the patience that collecting has, without a Run, and the error names the task', async () => {
    const { callBack, work, state, seconds, runs, gate, announced } = await hinted();
    await callBack();

    await work();

    expect(await state()).toMatchObject({
      status: 'failed',
      error: {
        code: 'task_unreadable',
        message: expect.stringContaining('record of task paid, which a signed callback named'),
        retryable: true,
      },
    });
    expect([seconds() >= HOUR / 2, seconds() < HOUR]).toEqual([true, true]);
    expect([runs, await gate.holders(), announced]).toEqual([[], [], [ID]]);
  });

  it('is collected by a retry once it can be read; before, a plain retry never runs again', async () => {
    const { callBack, work, state, retry, health, runs } = await hinted();
    await callBack();
    await work();

    await expect(retry()).rejects.toThrow(
      /record at Wiro is too large to be read: this retry started nothing and costs nothing\. .*force/,
    );
    health.isLarge = false;
    await retry();

    expect(await state()).toMatchObject({ status: 'running', attempt: 2, task: { id: 'paid' } });
    expect(runs).toEqual([]);
  });

  it('runs anew only with force, even if the callback came to a release that kept no hint', async () => {
    const { callBack, work, state, retry, items } = await hinted();
    await callBack();
    await work();
    for (const key of items.keys()) if (key.includes('hint#')) items.delete(key);

    await expect(retry()).rejects.toThrow(/not known.*force/);
    await retry(true);

    expect(await state()).toMatchObject({ status: 'queued', attempt: 2 });
  });

  it('is adopted if the list shows that it is the task of the lost Run', async () => {
    const { callBack, work, state, seconds } = await hinted({ isListed: true, run: 'unknown' });
    await work(120);
    await callBack();

    await work();

    expect(await state()).toMatchObject({ status: 'running', attempt: 1, task: { id: 'paid' } });
    expect(seconds()).toBeLessThan(400);
  });

  it('ends a search for a lost Run, too, half an hour after the callback', async () => {
    const { callBack, work, state, seconds, runs, retry, health } = await hinted({ run: 'unknown' });
    await work(120);
    await callBack();

    await work();

    expect(await state()).toMatchObject({
      status: 'failed',
      error: { code: 'task_unreadable', retryable: true },
    });
    expect([seconds() >= HOUR / 2, seconds() < HOUR, runs.length]).toEqual([true, true, 1]);
    health.isLarge = false;
    await retry();
    expect(await state()).toMatchObject({ status: 'running', attempt: 2, task: { id: 'paid' } });
  });
});
