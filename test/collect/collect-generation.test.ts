import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { CollectDeps } from '../../functions/collect/collect-deps.ts';
import { collectGeneration } from '../../functions/collect/collect-generation.ts';
import { startRetry } from '../../functions/generation/retry.ts';
import { timestamp } from '../../functions/generation/time.ts';
import { requestCancel } from '../../functions/generation/transitions/request-cancel.ts';
import { claimToSubmit } from '../../functions/generation/transitions/submit.ts';
import { OutputRefusedError } from '../../functions/outputs/errors.ts';
import { log } from '../../functions/runtime/log.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { Task } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';
import { ID, workWorld } from '../support/work-world.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const HOUR = 3_600;
const NEXT = 'next'.padEnd(26, 'x');
const ended: Task = {
  id: 'task-1',
  status: 'task_postprocess_end',
  end: 'succeeded',
  costUsd: 0.04,
  outputs: [{ kind: 'file', name: 'one.png', url: 'https://cdn.wiro.ai/one.png' }],
} as unknown as Task;

/** A generation whose task has ended, and a copier with a given result. */
async function collecting({
  task = async () => ended,
  copy = () => Promise.reject(new Error('S3 is away')),
}: {
  task?: CollectDeps['wiro']['task'];
  copy?: () => Promise<never>;
} = {}) {
  const world = workWorld();
  await world.run(ID, 'task-1');
  const deps: CollectDeps = {
    ...world.shared,
    wiro: { task, cancel: () => Promise.reject(), kill: () => Promise.reject() },
    collectAgain: async () => undefined,
    outputBucket: 'outputs',
    outputPrefix: 'outputs/',
    copier: { copy },
    putBytes: () => Promise.reject(new Error('S3 is away')),
  };
  return {
    ...world,
    deps,
    collect: () => collectGeneration(deps, ID),
    state: () => world.generations.get(ID),
    /** Puts another generation in line, behind a limit that the first fills. */
    queueUp: async () => {
      await world.gate.noteRefusal({ id: 'other', revision: 1 }, 1);
      world.pass(10);
      await world.accept(NEXT);
      const next = await world.generations.get(NEXT);
      if (next === undefined) throw new Error('It was not accepted');
      await world.gate.joinLine(next);
    },
  };
}

describe('collecting, when a service of our own fails', () => {
  it('is put off with the cause, and tried again later', async () => {
    const { collect, state, announced } = await collecting();

    await collect();

    expect(await state()).toMatchObject({
      status: 'running',
      trouble: { code: 'internal_error' },
      dueAt: expect.any(String),
    });
    expect(announced).toEqual([]);
  });

  it('fails after six hours with an error that invites a retry, and announces that', async () => {
    const { collect, state, pass, announced } = await collecting();
    await collect();
    pass(6 * HOUR - 1);
    await collect();
    const before = await state();
    pass(1);

    await collect();

    expect(before?.status).toBe('running');
    expect(await state()).toMatchObject({
      status: 'failed',
      task: { id: 'task-1' },
      error: {
        code: 'internal_error',
        message:
          'This deployment could not reach one of its own AWS services (its log names the service). Task task-1 may be paid for. A retry asks about it again and collects it without paying again.',
        retryable: true,
      },
    });
    expect(announced).toEqual([ID]);
  });

  it('fails 15 minutes after a request to cancel if Wiro does not know the task, and is never cancelled', async () => {
    let task: Task | undefined;
    const world = await collecting({ task: async () => task });
    const { generations, collect, state, pass } = world;
    const moment = () => ({ now: timestamp(world.shared.clock()), durations: DURATIONS });
    await collect();
    pass(HOUR);
    await generations.update(ID, (current) => requestCancel(current, moment()));

    await collect();
    const asked = await state();
    pass(899);
    await collect();
    const waiting = await state();
    pass(1);
    await collect();
    const failed = await state();

    expect([asked?.status, waiting?.status]).toEqual(['running', 'running']);
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'task_not_found', retryable: true } });
    // The task comes back, and a plain retry collects it.
    task = ended;
    const retried = await generations.update(ID, (current) => startRetry(current, false, moment()));
    expect(retried).toMatchObject({
      kind: 'written',
      generation: { status: 'running', task: { id: 'task-1' } },
    });
  });

  it('loses nothing if the record of a task is too large: a retry reads it again', async () => {
    const { collect, state, pass } = await collecting({
      task: () =>
        Promise.reject(new WiroError('tooLarge', 'the needed part of its answer exceeds 8388608 bytes')),
    });
    await collect();
    pass(HOUR / 2);

    await collect();

    const failed = await state();
    expect(failed).toMatchObject({
      status: 'failed',
      task: { id: 'task-1' },
      error: {
        code: 'task_unreadable',
        message: expect.stringMatching(/without paying again/),
        retryable: true,
      },
    });
    const moment = { now: at(HOUR), durations: DURATIONS };
    expect(failed && startRetry(failed, false, moment)).toMatchObject({
      status: 'running',
      task: { id: 'task-1' },
    });
  });

  it('asks a task to stop even if its record is too large: a request to cancel does not wait for its end', async () => {
    const asked: string[] = [];
    const { collect, deps, generations, state } = await collecting({
      task: () => Promise.reject(new WiroError('tooLarge', 'too large')),
    });
    Object.assign(deps.wiro, {
      cancel: async (taskId: string) => {
        asked.push(taskId);
        return { kind: 'stopped' };
      },
    });
    await collect();
    expect(asked).toEqual([]);
    const moment = { now: deps.clock().toISOString(), durations: DURATIONS };
    await generations.update(ID, (current) => requestCancel(current, moment));

    await collect();

    expect(asked).toEqual(['task-1']);
    expect(await state()).toMatchObject({
      status: 'running',
      trouble: { code: 'task_unreadable', message: expect.stringMatching(/may be paid for, or still run/) },
    });
  });

  it('starts its patience anew after a setback of another kind', async () => {
    let isAway = true;
    const { collect, state, pass } = await collecting({
      task: async () => {
        if (isAway) return undefined;
        return ended;
      },
    });
    await collect();
    pass(6 * HOUR - 1);
    isAway = false;
    await collect();
    pass(HOUR);

    await collect();

    expect(await state()).toMatchObject({ status: 'running', trouble: { code: 'internal_error' } });
  });
});

describe('the slot of a task that has ended', () => {
  it('is free before anything is copied, and no generation in line is given it', async () => {
    const { deps, gate, queueUp, submitted } = await collecting();
    await queueUp();
    const during: { holders?: readonly string[]; submitted?: string[] } = {};
    const copy = async (): Promise<never> => {
      during.holders = await gate.holders();
      during.submitted = [...submitted];
      throw new Error('S3 is away');
    };

    await collectGeneration({ ...deps, copier: { copy } }, ID);

    expect(during).toEqual({ holders: [], submitted: [ID] });
    // The first submission to come serves the next generation in line, which holds no slot until then.
    expect(await gate.admit(4)).toEqual([NEXT]);
  });

  it('starts no submission if no generation waits', async () => {
    const { collect, gate, submitted } = await collecting();

    await collect();

    expect([await gate.holders(), submitted]).toEqual([[], []]);
  });

  it('is kept while the task runs', async () => {
    const { collect, gate, queueUp, submitted } = await collecting({
      task: async () => ({ ...ended, end: 'unfinished' }) as unknown as Task,
    });
    await queueUp();

    await collect();

    expect([await gate.holders(), submitted]).toEqual([[ID], []]);
  });

  it('that cannot be freed now does not hold up the outputs', async () => {
    const { deps, gate, generations } = await collecting();
    const broken = { ...gate, free: () => Promise.reject(new Error('throttled')) };
    const empty = async () => ({ ...ended, outputs: [] }) as Task;

    for (let reads = 0; reads < 3; reads += 1)
      await collectGeneration({ ...deps, gate: broken, wiro: { ...deps.wiro, task: empty } }, ID);

    expect((await generations.get(ID))?.status).toBe('succeeded');
  });
});

describe('a collector that froze before it freed the slot', () => {
  it('leaves a retry the slot that the retry has taken since', async () => {
    const { deps, gate, generations, pass } = await collecting();
    const moment = () => ({ now: deps.clock().toISOString(), durations: deps.durations });
    const failedTask = { ...ended, end: 'failed', costUsd: 0, errorText: 'no' } as Task;
    const thawed = Promise.withResolvers<Task>();
    const asked = Promise.withResolvers<void>();
    const frozen = collectGeneration(
      {
        ...deps,
        createHolder: () => 'frozen',
        wiro: {
          ...deps.wiro,
          task: () => {
            asked.resolve();
            return thawed.promise;
          },
        },
      },
      ID,
    );
    await asked.promise;
    pass(66);
    await collectGeneration(
      { ...deps, createHolder: () => 'successor', wiro: { ...deps.wiro, task: async () => failedTask } },
      ID,
    );
    const freed = await gate.holders();
    await generations.update(ID, (current) => startRetry(current, false, moment()));
    const submitting = await generations.update(ID, (current) => claimToSubmit(current, 'third', moment()));
    if (submitting.kind !== 'written') throw new Error('It was not claimed');
    await gate.take(submitting.generation);

    thawed.resolve(failedTask);
    await frozen;

    expect([freed, await gate.holders()]).toEqual([[], [ID]]);
  });
});

describe('a holder that froze while it copied', () => {
  it('changes nothing of what its successor has recorded', async () => {
    const { deps, generations, pass } = await collecting();
    const thawed = Promise.withResolvers<void>();
    const copyingBegan = Promise.withResolvers<void>();
    const frozen = collectGeneration(
      {
        ...deps,
        createHolder: () => 'frozen',
        copier: {
          copy: async () => {
            copyingBegan.resolve();
            await thawed.promise;
            throw new OutputRefusedError('Cannot fetch what an output redirects to: it is elsewhere');
          },
        },
      },
      ID,
    );
    await copyingBegan.promise;
    pass(66);
    const copied = { contentType: 'image/png', sizeBytes: 3, sha256: 'b'.repeat(64) };
    await collectGeneration(
      {
        ...deps,
        createHolder: () => 'successor',
        copier: { copy: async ({ bucket, key }) => ({ bucket, key, ...copied }) },
      },
      ID,
    );
    const recorded = await generations.whole(ID);

    thawed.resolve();
    await frozen;

    expect(recorded).toMatchObject({ generation: { status: 'succeeded' }, outputs: [copied] });
    expect(await generations.whole(ID)).toEqual(recorded);
  });
});
