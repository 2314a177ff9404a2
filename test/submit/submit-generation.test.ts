import { beforeEach, describe, expect, it, vi } from 'vitest';
import { NotConfiguredError } from '../../functions/aws/not-configured.ts';
import { log } from '../../functions/runtime/log.ts';
import { createRoom } from '../../functions/submit/room.ts';
import type { SubmitDeps } from '../../functions/submit/submit-deps.ts';
import { submitGeneration } from '../../functions/submit/submit-generation.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { RunOutcome } from '../../functions/wiro/types.ts';
import { at, EXAMPLES } from '../generation/examples.ts';
import { ID, workWorld } from '../support/work-world.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const HOUR = 3_600;

/** An accepted generation, and parameters that cannot be read until `mend`. */
async function submitting() {
  const world = workWorld();
  await world.accept(ID);
  const runs: string[] = [];
  const health = { parameters: false };
  const deps: SubmitDeps = {
    ...world.shared,
    wiro: {
      run: async ({ callbackUrl }): Promise<RunOutcome> => {
        runs.push(callbackUrl);
        return { kind: 'ran', taskId: 'task-1' };
      },
      task: () => Promise.reject(new Error('not asked for')),
      tasks: () => Promise.reject(new Error('not asked for')),
      model: () => Promise.reject(new Error('not asked for')),
      upload: () => Promise.reject(new Error('not asked for')),
    },
    inputs: {} as SubmitDeps['inputs'],
    uploads: {} as SubmitDeps['uploads'],
    memory: createRoom(1_000_000),
    knownModel: async () => undefined,
    parameters: async () => {
      if (!health.parameters) throw new Error('SSM is away');
      return {
        apiKey: 'key',
        callbackSecrets: ['secret'],
        callbackBaseUrl: 'https://callback.example',
        callbackFunction: 'callback',
      };
    },
    collect: async () => undefined,
    monotonic: () => 0,
  };
  return {
    ...world,
    runs,
    health,
    deps,
    submit: () => submitGeneration(deps, ID),
    state: () => world.generations.get(ID),
  };
}

describe('a submission, when a service of our own fails before the mark', () => {
  it('goes back to the queue, holds nothing, and runs once the service works', async () => {
    const { submit, state, gate, pass, health, runs } = await submitting();

    const end = await submit();
    const between = await state();
    pass(10);
    health.parameters = true;
    await submit();

    expect(end).toEqual({ kind: 'later' });
    expect(between).toMatchObject({ status: 'queued', waiting: false, trouble: { code: 'internal_error' } });
    expect(between).not.toHaveProperty('claim');
    expect(await state()).toMatchObject({ status: 'running', task: { id: 'task-1' } });
    expect([runs.length, await gate.holders()]).toEqual([1, [ID]]);
  });

  it('logs each time what failed, how often it was tried, and when it is tried next', async () => {
    const { submit, pass } = await submitting();

    await submit();
    pass(5);
    await submit();

    const setbacks = vi.mocked(log.warn).mock.calls.filter(([message]) => message.startsWith('Submitting'));
    expect(setbacks).toEqual([
      [
        'Submitting is tried again later',
        { generationId: ID, code: 'internal_error', tries: 1, nextTryAt: at(5) },
      ],
      [
        'Submitting is tried again later',
        { generationId: ID, code: 'internal_error', tries: 2, nextTryAt: at(15) },
      ],
    ]);
  });

  it('waits for the secrets of a deployment without any, and names the remedy', async () => {
    const { deps, state } = await submitting();
    const missing = 'the parameter /wiro/a/api-key is not there: run "npm run setup"';
    const parameters = () => Promise.reject(new NotConfiguredError(missing));

    await submitGeneration({ ...deps, parameters }, ID);

    expect(await state()).toMatchObject({
      status: 'queued',
      trouble: { code: 'not_configured', message: `This deployment lacks its secrets: ${missing}.` },
    });
    expect(vi.mocked(log.error).mock.calls).toEqual([
      [
        'This deployment lacks its secrets',
        { generationId: ID, why: missing, alarm: 'not_configured' },
        { FruitlessLooks: 1 },
      ],
    ]);
  });

  it('fails after six hours: nothing was run, and the error invites a retry', async () => {
    const { submit, state, gate, pass, runs, announced } = await submitting();
    await submit();
    pass(6 * HOUR - 1);
    await submit();
    const before = await state();
    pass(1);

    await submit();

    expect(before?.status).toBe('queued');
    expect(await state()).toMatchObject({
      status: 'failed',
      error: { code: 'internal_error', retryable: true },
    });
    expect([runs, await gate.holders(), announced]).toEqual([[], [], [ID]]);
  });

  it('keeps its claim if the mark may stand: the lease runs out, and a search comes first', async () => {
    const { deps, state, gate, health } = await submitting();
    health.parameters = true;
    const run = () => Promise.reject(new Error('an unexpected failure'));

    await submitGeneration({ ...deps, wiro: { ...deps.wiro, run } }, ID);

    expect(await state()).toMatchObject({ status: 'submitting', run: { searches: 0 }, claim: {} });
    expect(await gate.holders()).toEqual([ID]);
  });
});

describe('an upload that Wiro refuses because of a low balance', () => {
  it('fails at once as a Run does, holds nothing, and is tried again only by a retry', async () => {
    const { deps, state, generations, gate, announced, health, runs } = await submitting();
    health.parameters = true;
    const uploads: string[] = [];
    const input = {
      kind: 'object',
      text: 's3://in/a.png',
      bucket: 'in',
      key: 'a.png',
      etag: '1',
      sizeBytes: 3,
    };
    const store: Partial<SubmitDeps['uploads']> = {
      contentOf: async () => 'sha',
      claim: async () => ({ kind: 'ours' }),
      release: async () => undefined,
    };

    await submitGeneration(
      {
        ...deps,
        generations: {
          ...generations,
          request: async (generation) => ({
            ...(await generations.request(generation)),
            inputs: { image: [{ ...input, kind: 'object' }] },
          }),
        },
        inputs: { open: () => Promise.reject(new Error('not asked for')) },
        uploads: store as SubmitDeps['uploads'],
        wiro: {
          ...deps.wiro,
          upload: async ({ name }) => {
            uploads.push(name);
            throw new WiroError('insufficientBalance', 'it says: no balance', { code: 97 });
          },
        },
      },
      ID,
    );

    expect(await state()).toMatchObject({
      status: 'failed',
      error: { code: 'insufficient_balance', retryable: true },
    });
    expect([uploads, runs, announced, await gate.holders()]).toEqual([['sha.png'], [], [ID], []]);
  });
});

it('a submission of a model that the deployment does not run ends before the mark, uncharged', async () => {
  const { deps, state, runs, health, gate } = await submitting();
  health.parameters = true;

  const end = await submitGeneration(
    { ...deps, knownModel: async () => ({ kind: 'unsupportedModel', modelKind: 'realtime' }) },
    ID,
  );

  expect(end).toEqual({ kind: 'noTask' });
  const generation = await state();
  expect(generation).toMatchObject({
    status: 'failed',
    error: {
      code: 'model_not_supported',
      retryable: false,
      message: expect.stringContaining('Nothing was run'),
    },
  });
  expect(generation).not.toHaveProperty('run');
  expect([runs, await gate.holders()]).toEqual([[], []]);
});

describe('a submission of a generation that has ended', () => {
  it.each([
    ['succeeded', EXAMPLES.succeeded],
    ['cancelled', EXAMPLES.cancelled],
  ])('frees its slot, if it holds one: %s', async (_, ended) => {
    const { deps, gate } = await submitting();
    const free = vi.spyOn(gate, 'free');
    const generations: SubmitDeps['generations'] = {
      ...deps.generations,
      update: async () => ({ kind: 'refused', generation: ended }),
    };
    const submit = () => submitGeneration({ ...deps, gate, generations }, ended.id);

    const withoutSlot = await submit();
    const written = free.mock.calls.length;
    await gate.take({ ...ended, revision: 1 });
    const withSlot = await submit();

    expect([withoutSlot, withSlot]).toEqual([{ kind: 'noTask' }, { kind: 'noTask' }]);
    expect([written, await gate.holders()]).toEqual([0, []]);
  });
});

it('a submission asks for its model as it was when the request was accepted, or later', async () => {
  const { deps, health } = await submitting();
  health.parameters = true;
  const knownModel = vi.fn<SubmitDeps['knownModel']>(async () => undefined);

  await submitGeneration({ ...deps, knownModel }, ID);

  const { model, createdAt } = (await deps.generations.get(ID)) ?? {};
  expect(knownModel.mock.calls).toEqual([[model, { acceptedAt: createdAt }]]);
});
