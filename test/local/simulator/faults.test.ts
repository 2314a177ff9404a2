import { describe, expect, it } from 'vitest';
import type { AnswerFault, RecordFault, TaskFault } from '../../../local/simulator/fault-rules.ts';
import { eventually, startReceiver, startWorld } from './world.ts';

const RUN = 'Run/wiro/text-to-image';
const JSON_TYPE = { 'content-type': 'application/json' };

describe('a response with a fault', () => {
  const kinds: [AnswerFault, { status?: number; body?: RegExp; throws?: true }][] = [
    [{ kind: 'reset' }, { throws: true }],
    [{ kind: 'truncated' }, { throws: true }],
    [
      { kind: 'status', status: 500 },
      { status: 500, body: /^500$/ },
    ],
    [
      { kind: 'status', status: 429, body: '{}' },
      { status: 429, body: /^\{\}$/ },
    ],
    [{ kind: 'html' }, { status: 200, body: /^<html>/ }],
    [
      { kind: 'html', status: 502 },
      { status: 502, body: /^<html>/ },
    ],
    [{ kind: 'garbage' }, { status: 200, body: /^\{"result":true,"errors":\[\],"ta$/ }],
    [{ kind: 'noTaskId' }, { status: 200, body: /^\{"result":true,"errors":\[\]\}$/ }],
    [
      { kind: 'error' },
      { status: 200, body: /^\{"result":false,"errors":\[\{"code":0,"message":"Server error"\}\]\}$/ },
    ],
    [
      { kind: 'error', bare: true, message: 'Oops' },
      { status: 200, body: /^\{"result":false,"errors":\["Oops"\]\}$/ },
    ],
  ];
  const cases = kinds.flatMap(([fault, seen]) =>
    (['done', 'never'] as const).map((work) => ({
      fault: { ...fault, work },
      seen,
      tasks: work === 'done' ? 1 : 0,
    })),
  );

  it.each(cases)('leaves $tasks tasks: $fault', async ({ fault, seen, tasks }) => {
    const { simulator, post } = await startWorld();
    simulator.faults.add({ operation: 'Run', times: 1, fault });

    const answer = await post(RUN, '{"prompt":"x"}', JSON_TYPE)
      .then(async (response) => ({ status: response.status, body: await response.text() }))
      .catch(() => ({ throws: true }));

    expect(answer).toEqual(
      seen.throws ? { throws: true } : { status: seen.status, body: expect.stringMatching(seen.body ?? /./) },
    );
    expect(simulator.tasks()).toHaveLength(tasks);
  });

  it.each([
    ['done', 1, 200],
    ['late', 1, 200],
    ['never', 0, 503],
  ] as const)('is slow, with the work %s', async (work, tasks, status) => {
    const { simulator, post } = await startWorld();
    simulator.faults.add({ operation: 'Run', fault: { kind: 'slow', delayMs: 2_000, work } });

    const response = await post(RUN, '{"prompt":"x"}', JSON_TYPE);

    expect([response.status, simulator.tasks().length]).toEqual([status, tasks]);
  });

  it('never comes, and the caller times out', async () => {
    const { simulator } = await startWorld({ keyOnly: true });
    simulator.faults.add({ operation: 'Run', fault: { kind: 'silent' } });
    const giveUp = new AbortController();
    const waiting = fetch(`${simulator.apiUrl}/${RUN}`, {
      method: 'POST',
      headers: { 'x-api-key': simulator.apiKey },
      body: '{"prompt":"x"}',
      signal: giveUp.signal,
    }).catch(() => 'given up');

    await eventually(() => simulator.tasks().length === 1);
    giveUp.abort();

    expect(await waiting).toBe('given up');
  });

  it('creates a task later', async () => {
    const { simulator, post } = await startWorld();
    simulator.faults.add({
      operation: 'Run',
      times: 1,
      fault: { kind: 'reset', work: 'late', lateMs: 5_000 },
    });

    await post(RUN, '{"prompt":"x"}', JSON_TYPE).catch(() => {});
    const before = simulator.tasks().length;
    await eventually(() => simulator.tasks().length === 1);

    expect(before).toBe(0);
  });

  it('resets an upload before or after it is stored', async () => {
    const { simulator, upload } = await startWorld();
    simulator.faults.add(
      { operation: 'File/Upload', times: 1, fault: { kind: 'reset', work: 'never' } },
      { operation: 'File/Upload', times: 1, fault: { kind: 'reset' } },
    );
    const attempt = () =>
      upload(new Uint8Array(2_000_000))
        .then(() => 'kept')
        .catch(() => 'lost');

    const first = await attempt();
    const keptAfterFirst = simulator.uploads().length;
    const outcomes = [first, await attempt(), await attempt()];

    expect(outcomes).toEqual(['lost', 'lost', 'kept']);
    expect([keptAfterFirst, simulator.uploads().length]).toEqual([0, 2]);
  });

  it.each(['Task/Cancel', 'Task/Kill'] as const)(
    'reports success of %s, which does nothing',
    async (operation) => {
      const { simulator, run, call, taskWhen } = await startWorld();
      const status = operation === 'Task/Cancel' ? 'task_queue' : 'task_start';
      simulator.faults.add(
        { operation: 'task', fault: { kind: 'stuck', status } },
        { operation, fault: { kind: 'ignored' } },
      );
      const taskid = await run();
      await taskWhen(taskid, (task) => task.status === status);

      const answer = await call(operation, { taskid });

      expect(answer.result).toBe(true);
      expect(simulator.tasks()[0]?.status).toBe(status);
    },
  );
});

describe('a task with a fault', () => {
  it.each<[TaskFault, object, number]>([
    [
      { kind: 'fails' },
      { status: 'task_postprocess_end', pexit: '1', debugerror: 'CUDA out of memory', outputs: [] },
      0,
    ],
    [{ kind: 'fails', exitCode: '137', message: 'Killed' }, { pexit: '137', debugerror: 'Killed' }, 0],
    [
      { kind: 'error', requeuedAfterMs: 100, thenFails: 'No GPU' },
      { status: 'task_postprocess_end', pexit: '1', debugerror: 'No GPU', outputs: [] },
      0,
    ],
    [
      { kind: 'error', requeuedAfterMs: 100 },
      { status: 'task_postprocess_end', pexit: '0', debugerror: '' },
      0.04,
    ],
    [{ kind: 'cancelled' }, { status: 'task_cancel', pexit: '0', outputs: [], totalcost: '0' }, 0],
    [
      { kind: 'cancelled', likeSample: true },
      { status: 'task_cancel', pexit: '0', outputs: [{ name: '0.png' }], totalcost: '0.040000000000' },
      0,
    ],
    [{ kind: 'outputsLate', reads: 99 }, { status: 'task_postprocess_end', pexit: '0', outputs: [] }, 0.04],
    [{ kind: 'lasts', durationMs: 9_000 }, { elapsedseconds: '9.0000', pexit: '0' }, 0.04],
  ])('ends as expected: %j', async (fault, record, chargedUsd) => {
    const { simulator, run, ended, detail } = await startWorld();
    simulator.faults.add({ operation: 'task', fault });

    const id = await run();
    await ended(id);

    expect(await detail(id)).toMatchObject(record);
    expect(simulator.chargedUsd()).toBe(chargedUsd);
  });

  it('shows its outputs only after several reads', async () => {
    const { simulator, run, ended, detail } = await startWorld();
    simulator.faults.add({ operation: 'task', fault: { kind: 'outputsLate', reads: 2 } });
    const id = await run();
    await ended(id);

    const counts = [(await detail(id)).outputs, (await detail(id)).outputs, (await detail(id)).outputs];

    expect(counts.map(({ length }) => length)).toEqual([0, 0, 1]);
  });

  it('ignores Kill, and never ends', async () => {
    const { simulator, run, call, taskWhen } = await startWorld();
    simulator.faults.add({ operation: 'task', fault: { kind: 'stuck', ignoresKill: true } });
    const taskid = await run();
    await taskWhen(taskid, ({ status }) => status === 'task_start');

    const answer = await call('Task/Kill', { taskid });

    expect(answer).toMatchObject({ result: true, tasklist: [{ status: 'task_start' }] });
    expect(simulator.tasks()[0]?.isOver).toBe(false);
  });

  it.each([
    [undefined, true, 'task_cancel'],
    ['refused', false, 'task_error'],
    ['ignored', true, 'task_error'],
  ] as const)('stays at task_error until killed; Kill %s', async (kill, result, status) => {
    const { simulator, run, call, detail, taskWhen } = await startWorld();
    simulator.faults.add({
      operation: 'task',
      fault: { kind: 'error', message: 'No GPU', ...(kill && { kill }) },
    });
    const taskid = await run();
    await taskWhen(taskid, ({ status }) => status === 'task_error');
    const before = [
      simulator.tasks()[0]?.isOver,
      await detail(taskid),
      await call('Task/Cancel', { taskid }),
    ];

    const answer = await call('Task/Kill', { taskid });

    expect(before).toMatchObject([false, { debugerror: 'No GPU', pexit: '' }, { result: false }]);
    expect(answer.result).toBe(result);
    expect((await detail(taskid)).status).toBe(status);
    expect(simulator.chargedUsd()).toBe(0);
  });

  it('hides statuses', async () => {
    const { simulator, run, detail, taskWhen } = await startWorld();
    simulator.faults.add({ operation: 'task', fault: { kind: 'skipsStatuses' } });
    simulator.set({ taskDurationMs: 100_000 });

    const id = await run();
    await taskWhen(id, ({ statuses }) => statuses.includes('task_start'));

    expect((await detail(id)).status).toBe('task_queue');
  });
});

describe('a record with a fault', () => {
  const record = (fault: Omit<RecordFault, 'kind'>): RecordFault => ({ kind: 'record', ...fault });

  it.each([
    [
      record({ numbers: true }),
      { totalcost: 0.04, pexit: 0, createtime: expect.any(Number), size: expect.any(Number) },
    ],
    [record({ parametersAsString: true }), { parameters: '{"prompt":"A hill"}' }],
    [record({ categoriesAsArray: true }), { categories: ['tool', 'text-to-image'] }],
    [record({ withoutCallbackUrl: true }), { callbackurl: undefined }],
    [record({ logLength: 3 }), { debugoutput: 'xxx' }],
    [record({ withoutOutputs: true }), { outputs: undefined }],
  ])('has another shape: %j', async (fault, shape) => {
    const { simulator, run, ended, detail, call } = await startWorld();
    const id = await run({ callbackUrl: 'http://127.0.0.1:1/' });
    await ended(id);
    simulator.faults.add({ operation: 'Task/Detail', fault }, { operation: 'Task/List', fault });

    const rows = [await detail(id), (await call('Task/List')).tasklist?.[0]];

    for (const row of rows)
      expect({ callbackurl: undefined, outputs: undefined, ...row }).toMatchObject(shape);
  });

  it('is missing, or too old to contain the task', async () => {
    const { simulator, run, call } = await startWorld();
    const taskid = await run();
    simulator.faults.add(
      { operation: 'Task/List', fault: record({ lagMs: 360_000_000 }) },
      { operation: 'Task/Detail', fault: record({ missing: true }) },
    );

    const answers = [await call('Task/List'), await call('Task/Detail', { taskid })];

    expect(answers).toMatchObject([
      { result: true, total: '0', tasklist: [] },
      { result: false, errors: [{ code: 1 }] },
    ]);
  });
});

describe('a rule', () => {
  it('applies to matching uses, in order, and as many times as it allows', async () => {
    const { simulator, call } = await startWorld();
    const { url } = await startReceiver();
    const error = (message: string): AnswerFault => ({ kind: 'error', message, work: 'never' });
    simulator.faults.add(
      { operation: 'Run', times: 1, fault: error('once') },
      { operation: 'Run', match: { nth: [1, 3] }, fault: error('nth') },
      { operation: 'Run', match: { callbackUrlIncludes: '/mine' }, fault: error('callback') },
      { operation: 'Run', match: { model: 'wiro/collage' }, fault: error('model') },
    );
    const run = async (body: object = {}, model = 'wiro/text-to-image') => {
      const { errors } = await call(`Run/${model}`, { prompt: 'x', ...body });
      return errors[0]?.message;
    };

    const messages = [
      await run(),
      await run(),
      await run({ callbackUrl: `${url}/mine` }),
      await run(),
      await run(),
      await run({}, 'wiro/collage'),
    ];

    expect(messages).toEqual(['once', 'nth', 'callback', 'nth', undefined, 'model']);
  });

  it('applies to a share of matching uses, the same for the same seed', async () => {
    const strikes = async () => {
      const { simulator, call } = await startWorld();
      simulator.faults.add({
        operation: 'Tool/List',
        match: { share: 0.5, seed: 7 },
        fault: { kind: 'noTaskId' },
      });
      const answers = [];
      for (let count = 0; count < 20; count += 1) answers.push((await call('Tool/List')).tool === undefined);
      return answers;
    };

    const [first, second] = [await strikes(), await strikes()];

    expect(first).toEqual(second);
    expect(new Set(first)).toEqual(new Set([true, false]));
  });
});
