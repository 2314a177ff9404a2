import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CollectDeps } from '../../functions/collect/collect-deps.ts';
import { collectGeneration } from '../../functions/collect/collect-generation.ts';
import { hasEnded } from '../../functions/generation/generation.ts';
import { startRetry } from '../../functions/generation/retry.ts';
import { noteLook } from '../../functions/generation/transitions/look.ts';
import type { CopiedOutput, OutputToCopy } from '../../functions/outputs/types.ts';
import { log } from '../../functions/runtime/log.ts';
import type { Task } from '../../functions/wiro/types.ts';
import { ID, workWorld } from '../support/work-world.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});
afterEach(() => {
  vi.useRealTimers();
});

const DAY = 86_400;
const never = () => new Promise<never>(() => undefined);

const files = (count: number): Task => ({
  id: 'task-1',
  status: 'task_postprocess_end',
  end: 'succeeded',
  costUsd: 0.04,
  outputs: Array.from({ length: count }, (_, index) => ({
    kind: 'file',
    name: `${index}.mp4`,
    url: `https://cdn.wiro.ai/${index}.mp4`,
    sizeBytes: 3,
  })),
});
const copyOf = ({ bucket, key }: OutputToCopy): CopiedOutput => ({
  bucket,
  key,
  contentType: 'video/mp4',
  sizeBytes: 3,
  sha256: 'a'.repeat(64),
});
const indexOf = (key: string): number => Number(/\/(\d+)-[^/]*$/.exec(key)?.[1]);

/** A generation, collected by one function after the other. Each is killed after 15 minutes. */
async function collecting({
  outputs = 1,
  copies,
  task = async () => files(outputs),
}: {
  outputs?: number;
  /** The outputs that the nth collector copies before it hangs. */
  copies: (nth: number) => readonly number[];
  task?: () => Promise<Task>;
}) {
  const world = workWorld();
  await world.run(ID, 'task-1');
  const stored = new Map<string, CopiedOutput>();
  const fetched: string[] = [];
  let collectors = 0;
  let seconds = 0;
  const pass = (more: number) => {
    seconds += more;
    world.pass(more);
  };
  const deps: CollectDeps = {
    ...world.shared,
    createHolder: () => `holder-${collectors}`,
    wiro: { task, cancel: () => Promise.reject(), kill: () => Promise.reject() },
    collectAgain: async () => undefined,
    outputBucket: 'outputs',
    outputPrefix: 'outputs/',
    standing: { find: async ({ key }) => stored.get(key), note: async () => undefined },
    copier: {
      copy: async (output) => {
        fetched.push(output.key);
        if (!copies(collectors).includes(indexOf(output.key))) return await never();
        stored.set(output.key, copyOf(output));
        return copyOf(output);
      },
    },
    putBytes: () => Promise.reject(new Error('not asked for')),
  };
  const { state } = world;
  const moment = () => ({ now: world.shared.clock().toISOString(), durations: world.shared.durations });
  return {
    ...world,
    deps,
    state,
    moment,
    fetched,
    collectors: () => collectors,
    seconds: () => seconds,
    pass,
    async work(until: number) {
      while (seconds < until) {
        const generation = await state();
        if (hasEnded(generation)) return;
        if (generation.dueAt === undefined || generation.dueAt > moment().now) {
          pass(60);
          continue;
        }
        await world.generations.update(ID, (current) => noteLook(current, moment()));
        collectors += 1;
        let isOver = false;
        void collectGeneration(deps, ID).then(() => {
          isOver = true;
        });
        for (let turns = 0; turns < 20 && !isOver; turns += 1)
          await new Promise((resolve) => setImmediate(resolve));
        pass(isOver ? 1 : 900);
      }
    },
  };
}

describe('collecting that kills its function', () => {
  it('ends after five times without one more output: copies and task are kept', async () => {
    const { work, state, moment, collectors, generations, gate, announced } = await collecting({
      outputs: 3,
      copies: () => [0],
    });

    await work(30 * DAY);
    const ended = await state();

    expect(ended).toMatchObject({
      status: 'failed',
      task: { id: 'task-1' },
      taskEnd: 'succeeded',
      error: { code: 'function_killed', retryable: true, message: expect.stringContaining('pays nothing') },
    });
    // The second finds the copy that the first made. It and four more die without another. The last only looks.
    expect(collectors()).toBe(7);
    expect((await generations.whole(ID))?.outputs).toMatchObject([{ name: '0.mp4', sizeBytes: 3 }]);
    expect([await gate.holders(), announced]).toEqual([[], [ID]]);
    expect(startRetry(ended, false, moment())).toMatchObject({ status: 'running', task: { id: 'task-1' } });
  });

  it('goes on while every function copies one more output, and fetches none twice', async () => {
    const { work, state, fetched, collectors } = await collecting({
      outputs: 12,
      copies: (nth) => Array.from({ length: nth }, (_, index) => index),
    });

    await work(30 * DAY);

    expect(await state()).toMatchObject({ status: 'succeeded' });
    expect(collectors()).toBeGreaterThan(6);
    const done = fetched.filter((key, index) => fetched.indexOf(key) === index);
    expect(done).toHaveLength(12);
    expect(fetched.filter((key) => indexOf(key) === 0)).toHaveLength(1);
  });

  it('ends also if asking Wiro is what kills it', async () => {
    const { work, state, collectors } = await collecting({ copies: () => [], task: never });

    await work(30 * DAY);

    expect(await state()).toMatchObject({ status: 'failed', error: { code: 'function_killed' } });
    expect(collectors()).toBeLessThanOrEqual(7);
  });

  it('starts its count anew once a function has survived', async () => {
    let isAway = false;
    const { work, state, collectors, notes } = await collecting({
      copies: () => [],
      task: async () => {
        if (isAway) throw new Error('SSM is away');
        return files(1);
      },
    });
    await work(3_700);
    const before = (await notes.read(ID, 1)).deaths?.count;
    isAway = true;
    await work(5_000);
    const between = collectors();
    isAway = false;
    await work(9_000);

    expect(before).toBeGreaterThanOrEqual(3);
    expect(between).toBeGreaterThan(4);
    expect((await state()).status).toBe('collecting');
  });
});

describe('collecting that takes longer than a function may run', () => {
  it('stops a minute before the end, keeps the copies, and says so', async () => {
    const { deps, state, announced } = await collecting({ outputs: 3, copies: () => [0, 2] });
    vi.useFakeTimers({ now: deps.clock() });

    const durations = { ...deps.durations, leaseRenewal: 20_000 };
    const collected = collectGeneration({ ...deps, durations, clock: () => new Date() }, ID);
    await vi.advanceTimersByTimeAsync(840_000);
    await collected;

    expect(await state()).toMatchObject({
      status: 'running',
      trouble: { code: 'output_unavailable', message: expect.stringContaining('2 of 3 are copied') },
    });
    expect(announced).toEqual([]);
  });
});
