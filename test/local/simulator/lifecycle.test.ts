import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { eventually, STORY_MAKER, startReceiver, startWorld } from './world.ts';

const ALL_STATUSES = [
  'task_queue',
  'task_accept',
  'task_preprocess_start',
  'task_preprocess_end',
  'task_assign',
  'task_start',
  'task_output',
  'task_output_full',
  'task_end',
  'task_postprocess_start',
  'task_postprocess_end',
];

describe('a task', () => {
  it('passes through every status, ends with its outputs, and is charged', async () => {
    const { simulator, run, ended, detail } = await startWorld({ balanceUsd: 10 });

    const id = await run({ samples: 2, prompt: 'A hill' });
    const { statuses } = await ended(id);
    const record = await detail(id);

    expect(statuses).toEqual(ALL_STATUSES);
    expect(record).toMatchObject({
      id,
      status: 'task_postprocess_end',
      pexit: '0',
      totalcost: '0.040000000000',
      elapsedseconds: '4.0000',
      canceltime: '0',
      categories: '["tool","text-to-image"]',
      parameters: { prompt: 'A hill', samples: 2 },
      modelslugowner: 'wiro',
      modelslugproject: 'text-to-image',
    });
    expect(record.outputs.map(({ name }) => name)).toEqual(['0.png', '1.png']);
    expect(record.size).toBe(String(record.outputs.reduce((sum, { size }) => sum + Number(size), 0)));
    expect(simulator.chargedUsd()).toBeCloseTo(0.04);
    expect(simulator.state().settings.balanceUsd).toBeCloseTo(9.96);
  });

  it('can be read by id and by token', async () => {
    const { call } = await startWorld();
    const { taskid, socketaccesstoken } = await call('Run/wiro/text-to-image', { prompt: 'x' });

    const byToken = await call('Task/Detail', { tasktoken: socketaccesstoken });

    expect(byToken.tasklist?.[0]?.id).toBe(taskid);
  });

  it('creates the same outputs for the same request', async () => {
    const { run, ended } = await startWorld();
    const outputOf = async (prompt: string) => {
      const { outputUrls } = await ended(await run({ prompt }));
      return Buffer.from(await (await fetch(outputUrls[0] ?? '')).arrayBuffer()).toString('hex');
    };

    const [first, again, other] = [await outputOf('a'), await outputOf('a'), await outputOf('b')];

    expect(first).toBe(again);
    expect(first).not.toBe(other);
  });

  it('returns text if its model does', async () => {
    const { run, ended, detail } = await startWorld();

    const id = await run({ prompt: 'Why?' }, 'wiro/language-model');
    await ended(id);
    const { outputs, debugoutput } = await detail(id);

    expect(outputs).toMatchObject([
      { contenttype: 'raw', content: { prompt: 'Why?', answer: [expect.any(String), expect.any(String)] } },
    ]);
    expect(debugoutput).toContain('You asked: "Why?"');
  });

  it('fails without a charge if an input cannot be downloaded', async () => {
    const { simulator, run, ended, detail } = await startWorld();

    const id = await run({ inputImageUrl: `${simulator.url}/nothing.png?signature=secret` }, STORY_MAKER);
    await ended(id);

    expect(await detail(id)).toMatchObject({
      status: 'task_postprocess_end',
      pexit: '1',
      totalcost: '0',
      outputs: [],
      debugerror: `Cannot download ${simulator.url}/nothing.png: it answers 404`,
    });
    expect(simulator.chargedUsd()).toBe(0);
  });

  it('fails if its upload has expired', async () => {
    const { simulator, upload, run, ended } = await startWorld();
    const { url } = await upload(Uint8Array.of(1));
    await ended(await run({ inputImageUrl: url }, STORY_MAKER));

    await simulator.expireUploads();
    const { status, errorText } = await ended(await run({ inputImageUrl: url }, STORY_MAKER));

    expect([status, errorText]).toEqual(['task_postprocess_end', `Cannot download ${url}: it answers 404`]);
  });

  it('downloads an input from another server', async () => {
    const { run, ended } = await startWorld();
    const elsewhere = await startWorld();
    const { url } = await elsewhere.upload(Uint8Array.of(1));

    const { exitCode } = await ended(await run({ inputImageUrl: url }, STORY_MAKER));

    expect(exitCode).toBe('0');
  });

  it('waits in the queue while the workers are busy, and runs in order', async () => {
    const { simulator, run, taskWhen, ended, call } = await startWorld({ workers: 1 });
    simulator.faults.add({ operation: 'task', times: 1, fault: { kind: 'stuck' } });
    const stuck = await run();
    const second = await run();
    const third = await run();
    await taskWhen(stuck, ({ status }) => status === 'task_start');

    const waiting = simulator.tasks().map(({ status }) => status);
    await call('Task/Kill', { taskid: stuck });
    const ends = [await ended(second), await ended(third)].map(({ endedAt = 0 }) => endedAt);

    expect(waiting).toEqual(['task_start', 'task_queue', 'task_queue']);
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
  });
});

describe('Cancel and Kill', () => {
  it('cancel a queued task without a callback, and refuse one that is over', async () => {
    const { simulator, run, call } = await startWorld({ workers: 0 });
    const receiver = await startReceiver();
    const id = await run({ callbackUrl: receiver.url });

    const answer = await call('Task/Cancel', { taskid: id });
    const again = await call('Task/Cancel', { taskid: id });

    expect(answer).toMatchObject({ result: true, tasklist: [{ id, status: 'task_cancel', totalcost: '0' }] });
    expect(again).toEqual({
      result: false,
      errors: [{ code: 1, message: 'Task is not in a cancellable state.' }],
    });
    expect(simulator.callbacks()).toEqual([]);
  });

  it('kill a running task without a charge, and with a callback', async () => {
    const { simulator, run, call, taskWhen } = await startWorld();
    const receiver = await startReceiver();
    simulator.faults.add({ operation: 'task', fault: { kind: 'stuck' } });
    const id = await run({ callbackUrl: receiver.url });
    const { token } = await taskWhen(id, ({ status }) => status === 'task_start');

    const cancel = await call('Task/Cancel', { tasktoken: token });
    const kill = await call('Task/Kill', { socketaccesstoken: token });
    await eventually(() => simulator.callbacks().length === 1);

    expect(receiver.received).toHaveLength(1);
    expect(cancel.result).toBe(false);
    expect(kill).toMatchObject({ result: true, tasklist: [{ id, status: 'task_cancel' }] });
    expect(simulator.chargedUsd()).toBe(0);
    expect(simulator.callbacks()).toMatchObject([{ taskId: id, outcome: 'delivered', attempt: 1 }]);
  });

  it('do nothing between acceptance and the assignment of a GPU', async () => {
    const { simulator, run, call, taskWhen } = await startWorld();
    simulator.faults.add({ operation: 'task', fault: { kind: 'stuck', status: 'task_accept' } });
    const id = await run();
    await taskWhen(id, ({ status }) => status === 'task_accept');

    const answers = [await call('Task/Cancel', { taskid: id }), await call('Task/Kill', { taskid: id })];

    expect(answers.map(({ result }) => result)).toEqual([false, false]);
  });
});

describe('InputOutputDelete', () => {
  it('removes the files of a finished task, and is safe to repeat', async () => {
    const { upload, run, call, ended } = await startWorld();
    const input = await upload(Uint8Array.of(1));
    const id = await run({ inputImageUrl: input.url }, STORY_MAKER);
    const { token, outputUrls } = await ended(id);
    const files = [input.url, outputUrls[0] ?? ''];
    const before = await Promise.all(files.map(async (url) => (await fetch(url)).status));

    const answers = [
      await call('Task/InputOutputDelete', { tasktoken: token }),
      await call('Task/InputOutputDelete', { tasktoken: token }),
    ];

    const after = await Promise.all(files.map(async (url) => (await fetch(url)).status));
    expect([before, after]).toEqual([
      [200, 200],
      [404, 404],
    ]);
    expect(answers.map(({ result }) => result)).toEqual([true, true]);
  });
});

describe('the socket', () => {
  it('sends a listener all later messages', async () => {
    const { simulator, call } = await startWorld({ workers: 1 });
    simulator.faults.add({ operation: 'task', times: 1, fault: { kind: 'stuck' } });
    const stuck = await call('Run/wiro/text-to-image', { prompt: 'x' });
    const waiting = await call('Run/wiro/text-to-image', { prompt: 'x' });
    const socket = new WebSocket(simulator.socketUrl);
    const messages: { type: string; tasktoken: string; message: unknown }[] = [];
    socket.on('message', (data) => messages.push(JSON.parse(String(data))));
    await once(socket, 'open');
    socket.send('nonsense');
    socket.send(JSON.stringify({ type: 'task_info', tasktoken: waiting.socketaccesstoken }));
    // The pong shows that the registration, sent before the ping, has been processed.
    socket.ping();
    await once(socket, 'pong');

    await eventually(() => simulator.tasks()[0]?.status === 'task_start');
    await call('Task/Kill', { taskid: stuck.taskid });
    await eventually(() => messages.at(-1)?.type === 'task_postprocess_end');
    socket.close();

    const types = messages.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
    expect(types).toEqual(ALL_STATUSES.slice(1));
    expect(messages[0]).toEqual({
      type: 'task_accept',
      id: waiting.taskid,
      tasktoken: waiting.socketaccesstoken,
      message: null,
      result: true,
    });
    const outputs = messages.filter(({ type }) => type === 'task_output').map(({ message }) => message);
    expect(outputs[0]).toEqual(expect.any(String));
    expect(outputs.at(-1)).toMatchObject({ type: 'progressGenerate', percentage: '100', stepCurrent: '20' });
    expect(messages.at(-1)?.message).toMatchObject([{ name: '0.png', contenttype: 'image/png' }]);
  });

  it('is dropped or refused by a fault rule', async () => {
    const { simulator, call } = await startWorld();
    simulator.faults.add(
      { operation: 'socket', times: 1, fault: { kind: 'refused' } },
      { operation: 'socket', fault: { kind: 'drops', afterMessages: 1 } },
    );
    const refused = new WebSocket(simulator.socketUrl);
    const [error] = await once(refused, 'error');
    const dropped = new WebSocket(simulator.socketUrl);
    await once(dropped, 'open');
    simulator.set({ taskDurationMs: 100_000 });
    const { socketaccesstoken } = await call('Run/wiro/text-to-image', { prompt: 'x' });
    const messages: unknown[] = [];
    dropped.on('message', (data) => messages.push(data));

    dropped.send(JSON.stringify({ type: 'task_info', tasktoken: socketaccesstoken }));
    await once(dropped, 'close');

    expect(String(error)).toContain('503');
    expect(messages).toHaveLength(1);
  });
});

describe('stop', () => {
  it('closes everything at once, even during work', async () => {
    const { simulator, call, run } = await startWorld({ durationDivisor: 1, taskDurationMs: 600_000 });
    const { socketaccesstoken } = await call('Run/wiro/text-to-image', { prompt: 'x' });
    await run();
    simulator.faults.add({ operation: 'Task/Detail', fault: { kind: 'silent' } });
    const silent = call('Task/Detail', { tasktoken: socketaccesstoken }).catch(() => 'reset');
    const socket = new WebSocket(simulator.socketUrl);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    await eventually(() => simulator.requests()['Task/Detail'] === 1);

    await simulator.stop();

    await closed;
    expect(await silent).toBe('reset');
  });
});
