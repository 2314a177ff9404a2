import { beforeEach, describe, expect, it, vi } from 'vitest';
import { answerRequest, type RoutesDeps } from '../../functions/api/routes.ts';
import { receiveCallback } from '../../functions/callback/receive-callback.ts';
import { callbackUrl, parseCallbackUrl } from '../../functions/generation/callback-url.ts';
import { fail } from '../../functions/generation/transitions/end.ts';
import { claimToSubmit, mark } from '../../functions/generation/transitions/submit.ts';
import { isRecord } from '../../functions/runtime/json.ts';
import { log } from '../../functions/runtime/log.ts';
import { createCallbackNotes } from '../../functions/store/callback-notes.ts';
import { createTaskHints } from '../../functions/store/task-hints.ts';
import type { SubmitDeps } from '../../functions/submit/submit-deps.ts';
import { submitGeneration } from '../../functions/submit/submit-generation.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { Task } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';
import { whenHeld, whenSubmitting } from '../generation/when-held.ts';
import { SUBMIT_DEFAULTS } from '../submit/submit-defaults.ts';
import { ID, workWorld } from '../support/work-world.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const HOUR = 3_600;
const urlOf = (attempt: number, secret = 'secret') =>
  callbackUrl('https://callback.example', { deployment: 'shop', generationId: ID, attempt }, secret);

/** A task in Wiro's record, made by the first attempt, with that attempt's callback URL. */
const recorded = (over: Partial<Task> = {}): Task => ({
  id: 'paid',
  status: 'task_postprocess_end',
  end: 'succeeded',
  createdAtSeconds: Date.parse(at(1)) / 1_000,
  callbackUrl: urlOf(1),
  outputs: [],
  ...over,
});

/** A generation whose first Run was not answered, and that ended with `submission_unknown`. */
async function unknownWorld(tasks: Task[] = [recorded()]) {
  const world = workWorld();
  await world.accept(ID);
  const { generations } = world;
  const moment = () => ({ now: world.shared.clock().toISOString(), durations: world.shared.durations });
  /** Makes one attempt: a Run without an answer, and the end. */
  const lose = async () => {
    await generations.update(ID, (current) => claimToSubmit(current, 'h', moment()));
    await generations.update(ID, (current) =>
      whenSubmitting(current, 'h', (held) => mark(held, { reusedUploads: false }, moment())),
    );
    world.pass(7 * HOUR);
    const error = { code: 'submission_unknown', message: 'It is not known.', retryable: false } as const;
    await generations.update(ID, (current) =>
      whenHeld(current, 'h', (held) => fail(held, error, {}, moment())),
    );
  };
  await lose();

  const health = { wiro: true };
  const wiro = {
    model: async () => undefined,
    models: async () => ({ models: [] }),
    task: async (ref: object) => {
      if (!health.wiro) throw new WiroError('unreachable', 'Wiro is away');
      return tasks.find(({ id }) => 'taskId' in ref && ref.taskId === id);
    },
  };
  const collected: string[] = [];
  const routes: RoutesDeps = {
    ...world.shared,
    wiro,
    deployment: 'shop',
    inputs: { head: async () => undefined } as unknown as RoutesDeps['inputs'],
    knownModel: async () => undefined,
    missingSecrets: async () => undefined,
    ahead: async () => 0,
    history: { page: async () => ({ generations: [], readUnits: 0 }) },
    timelines: { read: async () => ({ noted: [], omitted: 0 }) },
    usage: { page: async () => ({ rows: [], readUnits: 0 }) },
    rules: { inputBucket: 'photos', furtherBuckets: [] },
    collect: async (id) => void collected.push(id),
    socketUrl: 'wss://socket.example',
    presign: async () => ({ url: '', expiresAt: at(0) }),
    presignUpload: async () => {
      throw new Error('Nothing is uploaded here');
    },
  };
  const request = async (method: 'GET' | 'POST', path: string, body = '') => {
    const answer = await answerRequest(routes, { method, path, body: Buffer.from(body) });
    return { status: answer.statusCode, body: answer.body as unknown };
  };
  return {
    ...world,
    tasks,
    moment,
    lose,
    wiro,
    health,
    collected,
    state: () => generations.get(ID),
    record: async () => (await request('GET', `/generations/${ID}`)).body,
    retry: (body = '') => request('POST', `/generations/${ID}/retry`, body),
    /** Receives a callback of this attempt that names a task. */
    callBack: async (attempt: number, taskId: string, secret = 'secret') => {
      const path = parseCallbackUrl(urlOf(attempt, secret));
      if (path === undefined) throw new Error('A signed URL can be read');
      const secrets = async () => ['secret'];
      const hints = createTaskHints(world.table);
      const callbacks = createCallbackNotes(world.table, { noteChange: () => undefined });
      const store = { callbacks, hints, moment };
      const deps = { ...world.shared, ...store, deployment: 'shop', secrets, renewedSecrets: secrets };
      const start = { startCollecting: async () => {} };
      return (await receiveCallback({ ...deps, ...start }, path, () => JSON.stringify({ taskid: taskId })))
        .kind;
    },
  };
}

const alarms = () => vi.mocked(log.error).mock.calls.map(([, facts]) => [facts?.alarm, facts?.taskId]);

describe('a signed callback that names a task after submission_unknown', () => {
  it('does not change the end, and the record says that a retry collects the task', async () => {
    const world = await unknownWorld();
    const before = await world.state();

    expect(await world.callBack(1, 'paid')).toBe('kept');

    expect(await world.state()).toEqual(before);
    const record = await world.record();
    expect(record).toMatchObject({
      status: 'failed',
      calledBackTaskId: 'paid',
      error: { code: 'submission_unknown', retryable: true },
    });
    expect(isRecord(record) && isRecord(record.error) && record.error.message).toBe(
      "It is not known. Since then a signed callback has named task paid: a retry asks Wiro about it and, if it is this generation's, collects it without paying again.",
    );
    expect(alarms()).toEqual([]);
  });

  it.each([
    ['plain', ''],
    ['forced', '{"force":true}'],
  ])('is collected by a %s retry, and does not run again', async (_, body) => {
    const world = await unknownWorld();
    await world.callBack(1, 'paid');

    const { status } = await world.retry(body);

    expect(status).toBe(202);
    expect(await world.state()).toMatchObject({ status: 'running', attempt: 2, task: { id: 'paid' } });
    expect([world.collected, world.submitted]).toEqual([[ID], []]);
    expect(await world.record()).not.toHaveProperty('calledBackTaskId');
  });

  it('is collected while it still runs, and if its record shows no callback URL', async () => {
    const { callbackUrl: _, ...task } = recorded({ status: 'task_start', end: 'unfinished' });
    const world = await unknownWorld([task]);
    await world.callBack(1, 'paid');

    await world.retry();

    expect(await world.state()).toMatchObject({ status: 'running', task: { id: 'paid' } });
  });

  it.each([
    ['there is no such task', []],
    ['it shows a foreign URL', [recorded({ callbackUrl: 'https://else.example/' })]],
    ['it shows our URL under another signature', [recorded({ callbackUrl: urlOf(1, 'another') })]],
    ['it shows the URL of another attempt', [recorded({ callbackUrl: urlOf(2) })]],
    ['it is older than the generation', [recorded({ createdAtSeconds: 1 })]],
  ])('is not believed if %s: a plain retry is refused, a forced one runs', async (_, tasks) => {
    const world = await unknownWorld(tasks);
    await world.callBack(1, 'paid');

    expect((await world.retry()).status).toBe(409);
    expect((await world.retry('{"force":true}')).status).toBe(202);
    expect(await world.state()).toMatchObject({ status: 'queued', attempt: 2 });
  });

  it('is looked up before anything runs, even with force: nothing runs while Wiro does not answer', async () => {
    const world = await unknownWorld();
    await world.callBack(1, 'paid');
    world.health.wiro = false;

    const { status, body } = await world.retry('{"force":true}');

    expect(status).toBe(503);
    expect(body).toMatchObject({ error: { code: 'upstream_unavailable', retryable: true } });
    expect(await world.state()).toMatchObject({ status: 'failed', attempt: 1 });
  });

  it('shows what became of the Run if the task failed: a plain retry runs again, because nothing was charged', async () => {
    const world = await unknownWorld([recorded({ end: 'failed' })]);
    await world.callBack(1, 'paid');

    expect((await world.retry()).status).toBe(202);
    expect(await world.state()).toMatchObject({ status: 'queued', attempt: 2 });
  });

  it('may come any number of times with different tasks: the first and the latest are kept', async () => {
    const world = await unknownWorld();
    await world.callBack(1, 'paid');
    for (let n = 0; n < 20; n += 1) await world.callBack(1, `lie-${n}`);

    const whole = await world.generations.whole(ID);
    await world.retry();

    expect(whole?.hints.map(({ taskId }) => taskId)).toEqual(['lie-19', 'paid']);
    expect(await world.state()).toMatchObject({ status: 'running', task: { id: 'paid' } });
  });

  it('with a foreign signature is not kept', async () => {
    const world = await unknownWorld();

    expect(await world.callBack(1, 'paid', 'guessed')).toBe('forged');
    expect((await world.generations.whole(ID))?.hints).toEqual([]);
  });
});

it('a named task whose record stays too large keeps a plain retry from running anew, but not a forced one', async () => {
  const world = await unknownWorld();
  await world.callBack(1, 'paid');
  vi.spyOn(world.wiro, 'task').mockRejectedValue(new WiroError('tooLarge', 'its answer exceeds 8 MB'));

  expect((await world.retry()).status).toBe(503);
  expect((await world.retry('{"force":true}')).status).toBe(202);

  expect(await world.state()).toMatchObject({ status: 'queued', attempt: 2 });
});

describe('a signed callback that names a task before the end, if Wiro does not confirm the task in time', () => {
  it('has a retry collect the task, even with force, and not run again', async () => {
    const world = await unknownWorld();
    await world.retry('{"force":true}');
    world.tasks.push(recorded({ callbackUrl: urlOf(2), id: 'second' }));
    await world.generations.update(ID, (current) => claimToSubmit(current, 'h', world.moment()));
    expect(await world.callBack(2, 'second')).toBe('noted');
    expect(await world.record()).not.toHaveProperty('calledBackTaskId');
    await world.lose();
    expect(await world.record()).toMatchObject({ status: 'failed', calledBackTaskId: 'second' });

    await world.retry('{"force":true}');

    expect(await world.state()).toMatchObject({ status: 'running', attempt: 3, task: { id: 'second' } });
    expect(alarms()).toEqual([]);
  });
});

describe('a signed callback of an attempt before the last', () => {
  it('raises an alarm once if another attempt has run since; the next retry collects the task', async () => {
    const world = await unknownWorld();
    await world.retry('{"force":true}');
    await world.lose();

    expect([await world.callBack(1, 'paid'), await world.callBack(1, 'paid')]).toEqual(['kept', 'kept']);
    expect(alarms()).toEqual([['second_task', 'paid']]);

    await world.retry();
    expect(await world.state()).toMatchObject({ status: 'running', attempt: 3, task: { id: 'paid' } });
  });

  it('saves the Run of the next attempt, if that has not run yet', async () => {
    const world = await unknownWorld();
    await world.retry('{"force":true}');
    await world.callBack(1, 'paid');
    const runs: string[] = [];
    const no = () => Promise.reject(new Error('not asked for'));
    const deps: SubmitDeps = {
      ...world.shared,
      ...SUBMIT_DEFAULTS,
      wiro: {
        ...world.wiro,
        run: async ({ callbackUrl: url }) => ({ kind: 'ran', taskId: String(runs.push(url)) }),
        tasks: no,
        model: no,
        upload: no,
      },
    };

    await submitGeneration(deps, ID);

    expect(await world.state()).toMatchObject({ status: 'running', attempt: 2, task: { id: 'paid' } });
    expect([runs, alarms()]).toEqual([[], []]);
  });

  it('names a task that is collected only once: the next retry runs', async () => {
    const world = await unknownWorld();
    await world.callBack(1, 'paid');
    await world.retry();
    const error = { code: 'model_failed', message: 'It failed.', retryable: true } as const;
    const moment = { now: at(9 * HOUR), durations: world.shared.durations };
    await world.generations.update(ID, (current) =>
      current.status === 'running'
        ? fail(
            { ...current, status: 'collecting', claim: { holder: 'h', until: at(9 * HOUR) } },
            error,
            { taskEnd: 'failed' },
            moment,
          )
        : undefined,
    );

    await world.retry();

    expect(await world.state()).toMatchObject({ status: 'queued', attempt: 3 });
  });
});
