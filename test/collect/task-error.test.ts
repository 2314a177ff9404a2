import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { CollectDeps } from '../../functions/collect/collect-deps.ts';
import { collectGeneration } from '../../functions/collect/collect-generation.ts';
import { hasEnded } from '../../functions/generation/generation.ts';
import { startRetry } from '../../functions/generation/retry.ts';
import { requestCancel } from '../../functions/generation/transitions/request-cancel.ts';
import { log } from '../../functions/runtime/log.ts';
import type { StopOutcome, Task } from '../../functions/wiro/types.ts';
import { ID, workWorld } from '../support/work-world.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const MINUTE = 60;
const task = (given: Partial<Task>): Task => ({
  id: 'task-1',
  status: 'task_start',
  end: 'unfinished',
  outputs: [],
  ...given,
});
const atError = (errorText?: string) =>
  task({ status: 'task_error', isAtError: true, ...(errorText !== undefined && { errorText }) });
const killed = task({ status: 'task_cancel', end: 'cancelled' });
const succeeded = task({
  status: 'task_postprocess_end',
  end: 'succeeded',
  costUsd: 0.04,
  outputs: [{ kind: 'raw', content: 'An answer' }],
});

/**
 * A generation whose task stands as `show` says, second by second. It is collected whenever it is due.
 * @param show - Gets the second at which Kill was accepted.
 */
async function standing(
  show: (seconds: number, killedAt: number | undefined) => Task,
  { kill = 'stopped', reusedUploads = false }: { kill?: StopOutcome['kind']; reusedUploads?: boolean } = {},
) {
  const world = workWorld();
  await world.run(ID, 'task-1');
  if (reusedUploads)
    await world.generations.update(ID, (current) =>
      'task' in current && current.run ? { ...current, run: { ...current.run, reusedUploads } } : undefined,
    );
  let seconds = 0;
  let killedAt: number | undefined;
  /** The seconds at which Wiro was asked about the task, and asked to stop it. */
  const looks: number[] = [];
  const stops: number[] = [];
  const answer = (): StopOutcome =>
    kill === 'stopped' ? { kind: 'stopped' } : { kind: 'refused', message: 'not in a cancellable state' };
  const deps: CollectDeps = {
    ...world.shared,
    wiro: {
      task: async () => {
        looks.push(seconds);
        return show(seconds, killedAt);
      },
      cancel: async () => {
        stops.push(seconds);
        return { kind: 'refused', message: 'Task is not in a cancellable state.' };
      },
      kill: async () => {
        if (kill === 'stopped') killedAt ??= seconds;
        return answer();
      },
    },
    collectAgain: async () => undefined,
    outputBucket: 'outputs',
    outputPrefix: 'outputs/',
    copier: { copy: () => Promise.reject(new Error('not asked for')) },
    putBytes: async (ref, bytes, contentType) => ({
      ...ref,
      contentType,
      sizeBytes: bytes.length,
      sha256: 'abc',
    }),
  };
  const { state } = world;
  const moment = () => ({ now: world.shared.clock().toISOString(), durations: world.shared.durations });
  return {
    ...world,
    deps,
    looks,
    stops,
    state,
    moment,
    seconds: () => seconds,
    /** Looks every minute, as `reconcile` does, until the attempt has ended or these minutes have passed. */
    async work(minutes: number) {
      const { attempt } = await state();
      for (; seconds < minutes * MINUTE; seconds += 60, world.pass(60)) {
        const generation = await state();
        if (hasEnded(generation) || generation.attempt !== attempt) return;
        if ((generation.dueAt ?? '') <= moment().now) await collectGeneration(deps, ID);
      }
    },
  };
}

describe('a task at task_error', () => {
  it('has not ended: the generation is looked at with back-off, says why, and keeps its slot', async () => {
    const { work, state, looks, stops, gate } = await standing(() => atError('No worker'));

    await work(14);

    expect(await state()).toMatchObject({
      status: 'running',
      trouble: { code: 'model_failed', message: expect.stringContaining('No worker') },
    });
    expect(looks.length).toBeGreaterThan(3);
    expect(looks.length).toBeLessThan(12);
    expect([stops, await gate.holders()]).toEqual([[], [ID]]);
  });

  it('that is requeued and succeeds has succeeded, paid once', async () => {
    const { work, state, stops } = await standing((seconds) =>
      seconds < 5 * MINUTE ? atError('No worker') : seconds < 9 * MINUTE ? task({}) : succeeded,
    );

    await work(60);

    expect(await state()).toMatchObject({ status: 'succeeded', costUsd: 0.04 });
    expect(stops).toEqual([]);
  });

  it('that is requeued and fails has failed with its last text', async () => {
    const { work, state } = await standing((seconds) =>
      seconds < 5 * MINUTE
        ? atError('No worker')
        : task({ status: 'task_postprocess_end', end: 'failed', errorText: 'CUDA out of memory' }),
    );

    await work(60);

    expect(await state()).toMatchObject({
      status: 'failed',
      taskEnd: 'failed',
      error: {
        code: 'model_failed',
        message: expect.stringMatching(
          /^The model failed: CUDA out of memory\. Wiro does not charge it\. Retry it to run anew/,
        ),
      },
    });
  });

  it('that does not move for 15 minutes is stopped, and has failed with its first text', async () => {
    const { work, state, stops, seconds, gate } = await standing((now, killedAt) =>
      killedAt === undefined ? atError(now < 4 * MINUTE ? 'No worker' : 'Still none') : killed,
    );

    await work(60);

    expect(await state()).toMatchObject({
      status: 'failed',
      taskEnd: 'cancelled',
      error: {
        code: 'model_failed',
        message: expect.stringMatching(
          /^The model failed: No worker\. Wiro does not charge it\. Retry it to run anew/,
        ),
        retryable: true,
      },
    });
    expect(stops[0]).toBeGreaterThanOrEqual(15 * MINUTE);
    expect(seconds()).toBeLessThanOrEqual(25 * MINUTE);
    expect(await gate.holders()).toEqual([]);
  });

  it('that shows as failed after it was stopped has failed with its first text, too', async () => {
    const { work, state } = await standing((_, killedAt) =>
      killedAt === undefined
        ? atError('No worker')
        : task({ status: 'task_postprocess_end', end: 'failed', errorText: 'Killed' }),
    );

    await work(60);

    expect(await state()).toMatchObject({
      error: {
        message: expect.stringMatching(
          /^The model failed: No worker\. Wiro does not charge it\. Retry it to run anew/,
        ),
      },
    });
  });

  it('that was stopped runs anew with a retry: its task is not collected', async () => {
    const { work, state, moment } = await standing((_, killedAt) =>
      killedAt === undefined ? atError('No worker') : killed,
    );
    await work(60);

    const next = startRetry(await state(), false, moment());

    expect(next).toMatchObject({ status: 'queued', attempt: 2 });
    expect(next).not.toHaveProperty('task');
  });

  it('that was stopped after reused uploads runs once more with fresh ones', async () => {
    const { work, state, submitted } = await standing(
      (_, killedAt) => (killedAt === undefined ? atError('No worker') : killed),
      { reusedUploads: true },
    );

    await work(60);

    expect(await state()).toMatchObject({ status: 'queued', attempt: 2, freshUploads: true });
    expect(submitted).toContain(ID);
  });

  it('that moves in between is stopped only after another 15 minutes at an error', async () => {
    const { work, stops, notes } = await standing((seconds) =>
      seconds < 12 * MINUTE ? atError('No worker') : seconds < 25 * MINUTE ? task({}) : atError('Again'),
    );

    await work(36);
    const early = [...stops];
    await work(60);

    expect(early).toEqual([]);
    expect(stops[0]).toBeGreaterThanOrEqual(40 * MINUTE);
    expect((await notes.read(ID, 1)).taskError?.text).toBe('Again');
  });

  it('that moves after it was asked to stop goes on, and is stopped anew if it stands at an error again', async () => {
    const { work, state, stops } = await standing(
      (seconds) => (seconds < 20 * MINUTE || seconds > 60 * MINUTE ? atError('No worker') : task({})),
      { kill: 'refused' },
    );

    await work(40);
    const between = await state();
    await work(100);
    const after = await state();

    expect(between).toMatchObject({ status: 'running' });
    expect(between).not.toHaveProperty('stop');
    expect(after.status).toBe('running');
    expect(stops.filter((at) => at > 60 * MINUTE)[0]).toBeGreaterThanOrEqual(75 * MINUTE);
  });

  it('that moves after it was asked to stop, and then ends, has failed with the error that it was stopped for', async () => {
    const { work, state } = await standing((seconds, killedAt) =>
      killedAt === undefined
        ? atError('No worker')
        : seconds < killedAt + 2 * MINUTE
          ? task({ status: 'task_queue' })
          : killed,
    );

    await work(60);

    expect(await state()).toMatchObject({
      status: 'failed',
      error: {
        code: 'model_failed',
        message: expect.stringMatching(
          /^The model failed: No worker\. Wiro does not charge it\. Retry it to run anew/,
        ),
      },
    });
  });

  it('whose Kill is not confirmed fails with cancel_unconfirmed, and runs anew only with force', async () => {
    const { work, state, moment, gate } = await standing(() => atError('No worker'), { kill: 'refused' });

    await work(120);
    const ended = await state();

    expect(ended).toMatchObject({ status: 'failed', error: { code: 'cancel_unconfirmed', retryable: true } });
    expect(await gate.holders()).toEqual([]);
    expect(startRetry(ended, false, moment())).toMatchObject({ status: 'running', task: { id: 'task-1' } });
    expect(startRetry(ended, true, moment())).toMatchObject({ status: 'queued', attempt: 2 });
  });

  it('is cancelled if its user requested that, whatever its end', async () => {
    const { work, state, generations, moment } = await standing((_, killedAt) =>
      killedAt === undefined ? atError('No worker') : killed,
    );
    await work(16);
    await generations.update(ID, (current) => requestCancel(current, moment()));

    await work(60);

    expect(await state()).toMatchObject({ status: 'cancelled' });
  });

  it('is understood even if the function dies between Kill and the note of it', async () => {
    const { work, state, deps, generations, pass } = await standing((_, killedAt) =>
      killedAt === undefined ? atError('No worker') : killed,
    );
    const kill = deps.wiro.kill;
    let died = 0;
    Object.assign(deps.wiro, {
      kill: async (...task: Parameters<typeof kill>) => {
        await kill(...task);
        died += 1;
        return new Promise<never>(() => undefined);
      },
    });
    void work(30);
    await vi.waitFor(() => expect(died).toBe(1));
    pass(20 * MINUTE);

    await collectGeneration({ ...deps, createHolder: () => 'another' }, ID);

    expect(died).toBe(1);
    expect(await state()).toMatchObject({ status: 'failed', error: { code: 'model_failed' } });
    expect((await generations.get(ID))?.status).toBe('failed');
  });
});

it('a task that is cancelled at Wiro, and stood at no error, is cancelled', async () => {
  const { work, state } = await standing((seconds) => (seconds < 5 * MINUTE ? task({}) : killed));

  await work(60);

  expect(await state()).toMatchObject({ status: 'cancelled' });
});
