import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hasEnded } from '../../functions/generation/generation.ts';
import { accept } from '../../functions/generation/transitions/accept.ts';
import { noteLook } from '../../functions/generation/transitions/look.ts';
import { requestCancel } from '../../functions/generation/transitions/request-cancel.ts';
import { log } from '../../functions/runtime/log.ts';
import type { UploadKey, UploadStore } from '../../functions/store/upload-store.ts';
import type { SubmitDeps } from '../../functions/submit/submit-deps.ts';
import { submitGeneration } from '../../functions/submit/submit-generation.ts';
import type { RunOutcome } from '../../functions/wiro/types.ts';
import { ID, workWorld } from '../support/work-world.ts';
import { SUBMIT_DEFAULTS } from './submit-defaults.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});
afterEach(() => {
  vi.useRealTimers();
});

const DAY = 86_400;
const never = () => new Promise<never>(() => undefined);

/** Finished uploads by content. */
function uploadsInMemory(): UploadStore {
  const done = new Map<string, { url: string; by: string }>();
  const nameOf = ({ sha256 }: UploadKey) => sha256;
  return {
    contentOf: async ({ key }) => `sha-of-${key}`,
    noteContent: async () => undefined,
    claim: async (key) => {
      const upload = done.get(nameOf(key));
      return upload ? { kind: 'uploaded', ...upload } : { kind: 'ours' };
    },
    done: async (key, url, by) => void done.set(nameOf(key), { url, by }),
    release: async () => undefined,
  };
}

/** A generation with inputs, submitted by one function after the other. Each is killed after 5 minutes. */
async function bringing({
  inputs = 1,
  uploads,
  run = async () => ({ kind: 'ran', taskId: 'task-1' }),
  tasks = () => Promise.reject(new Error('not asked for')),
}: {
  inputs?: number;
  /** Whether the nth submission gets as far as uploading its mth file. */
  uploads: (nth: number, file: number) => boolean;
  run?: () => Promise<RunOutcome>;
  tasks?: SubmitDeps['wiro']['tasks'];
}) {
  const world = workWorld();
  const names = {
    id: ID,
    deployment: 'shop',
    origin: 'api',
    model: 'wiro/flux',
    requestHash: 'hash',
  } as const;
  const moment = () => ({ now: world.shared.clock().toISOString(), durations: world.shared.durations });
  await world.generations.accept(accept(names, moment()), {
    model: 'wiro/flux',
    parameters: {},
    inputs: {
      inputImage: Array.from({ length: inputs }, (_, index) => ({
        kind: 'object',
        text: `s3://inputs/${index}.png`,
        bucket: 'inputs',
        key: `${index}.png`,
        etag: 'etag',
        sizeBytes: 3,
      })),
    },
    labels: {},
  });
  let submissions = 0;
  let files = 0;
  let seconds = 0;
  const pass = (more: number) => {
    seconds += more;
    world.pass(more);
  };
  const deps: SubmitDeps = {
    ...world.shared,
    ...SUBMIT_DEFAULTS,
    createHolder: () => `holder-${submissions}`,
    inputs: { open: async () => Readable.from([Buffer.from('png')]) } as SubmitDeps['inputs'],
    uploads: uploadsInMemory(),
    wiro: {
      run,
      tasks,
      task: never,
      model: async () => undefined,
      upload: async ({ name }) => {
        files += 1;
        return uploads(submissions, files) ? { id: name, name, url: `https://cdn.wiro.ai/${name}` } : never();
      },
    },
  };
  const { state } = world;
  return {
    ...world,
    deps,
    state,
    moment,
    submissions: () => submissions,
    seconds: () => seconds,
    async work(until: number) {
      while (seconds < until) {
        const generation = await state();
        if (hasEnded(generation) || generation.status === 'running') return;
        if (generation.dueAt === undefined || generation.dueAt > moment().now) {
          pass(60);
          continue;
        }
        await world.generations.update(ID, (current) => noteLook(current, moment()));
        submissions += 1;
        files = 0;
        let isOver = false;
        void submitGeneration(deps, ID).then(() => {
          isOver = true;
        });
        for (let turns = 0; turns < 50 && !isOver; turns += 1)
          await new Promise((resolve) => setImmediate(resolve));
        pass(isOver ? 1 : 300);
      }
    },
  };
}

describe('bringing inputs that kills its function', () => {
  it('ends after five times without one more upload: nothing is run or charged', async () => {
    const { work, state, submissions, gate, announced } = await bringing({ uploads: () => false });

    await work(30 * DAY);

    expect(await state()).toMatchObject({
      status: 'failed',
      error: {
        code: 'function_killed',
        retryable: true,
        message: expect.stringContaining('nothing is charged'),
      },
    });
    expect(submissions()).toBe(6);
    expect([await gate.holders(), announced]).toEqual([[], [ID]]);
  });

  it('goes on while every function uploads one more file', async () => {
    const { work, state, submissions } = await bringing({ inputs: 20, uploads: (_, file) => file === 1 });

    await work(30 * DAY);

    expect(await state()).toMatchObject({ status: 'running', task: { id: 'task-1' } });
    expect(submissions()).toBeGreaterThan(10);
  });

  it('is cancelled on request instead', async () => {
    const { work, state, generations, moment } = await bringing({ uploads: () => false });
    await work(1_500);
    await generations.update(ID, (current) => requestCancel(current, moment()));

    await work(DAY);

    expect(await state()).toMatchObject({ status: 'cancelled' });
  });
});

describe('a search that kills its function', () => {
  it('ends with the patience of the lost Run, as unknown and not as killed', async () => {
    const { work, state, seconds, submissions } = await bringing({
      inputs: 0,
      uploads: () => true,
      run: async () => ({ kind: 'unknown', message: 'reset' }),
      tasks: never,
    });

    await work(30 * DAY);

    expect(await state()).toMatchObject({ status: 'failed', error: { code: 'submission_unknown' } });
    expect(submissions()).toBeGreaterThan(6);
    expect([seconds() >= 6 * 3_600, seconds() < 7 * 3_600]).toEqual([true, true]);
  });
});

it('bringing inputs stops in time if it takes longer than a function may run, and is tried again', async () => {
  const { deps, state } = await bringing({ uploads: () => false });
  vi.useFakeTimers({ now: deps.clock() });
  const durations = { ...deps.durations, leaseRenewal: 20_000 };

  const submitting = submitGeneration(
    {
      ...deps,
      durations,
      clock: () => new Date(),
      monotonic: () => performance.now(),
      remainingMs: () => 300_000,
    },
    ID,
  );
  await vi.advanceTimersByTimeAsync(240_000);

  expect(await submitting).toEqual({ kind: 'later' });
  expect(await state()).toMatchObject({
    status: 'queued',
    trouble: {
      code: 'upstream_unavailable',
      message: expect.stringContaining('longer than a function may run'),
    },
  });
});
