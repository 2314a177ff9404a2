import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type PlannedFault, startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem({ durations: { stopLimit: 1_500 } });
const { simulator } = system;

afterEach(() => simulator.set({ concurrencyLimit: null, taskDurationMs: 4_000 }));

async function submitted(...faults: readonly PlannedFault[]): Promise<string> {
  const { idempotencyKey, id } = system.plan(...faults);
  await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' }, idempotencyKey });
  return id;
}

const cancel = (id: string) => system.call('POST', `/generations/${id}/cancel`);
const running = (id: string) => system.reached(id, ({ status }) => status === 'running');
const toldOf = (id: string) => system.eventsOf(id).map(({ detail }) => detail.status);

describe('a generation that is cancelled', () => {
  it('while it waits behind the limit never runs, and the others do', async () => {
    simulator.set({ concurrencyLimit: 1 });
    const first = await submitted({ operation: 'task', fault: { kind: 'stuck' } });
    await running(first);
    const second = await submitted();
    const third = await submitted();
    await eventually('two in line', async () =>
      (await Promise.all([second, third].map(system.item))).every((item) => item?.waiting === true),
    );

    const answer = await cancel(second);
    await cancel(first);

    // It may be trying whether the limit has grown just now: then it is cancelled a moment later.
    expect(answer).toMatchObject({
      status: 202,
      body: { id: second, cancelRequestedAt: expect.any(String) },
    });
    expect(await system.ended(third)).toMatchObject({ status: 'succeeded' });
    expect(await system.ended(second)).toMatchObject({ status: 'cancelled', outputs: [] });
    expect([system.tasksOf(second), toldOf(second)]).toEqual([[], ['cancelled']]);
    expect(await system.item(second)).not.toHaveProperty('dueAt');
  });

  it('while its task is queued at Wiro is cancelled there, without a charge', async () => {
    const id = await submitted({ operation: 'task', fault: { kind: 'stuck', status: 'task_queue' } });
    await running(id);

    const answer = await cancel(id);

    expect(answer).toMatchObject({ status: 202, body: { cancelRequestedAt: expect.any(String) } });
    expect(await system.ended(id)).toMatchObject({ status: 'cancelled', outputs: [] });
    expect(system.tasksOf(id)).toMatchObject([{ status: 'task_cancel', costUsd: 0 }]);
    expect(toldOf(id)).toEqual(['running', 'cancelled']);
  });

  it('while its task runs has it killed, without a charge', async () => {
    const id = await submitted({ operation: 'task', fault: { kind: 'stuck' } });
    await running(id);
    await eventually('a task that runs', () => system.tasksOf(id)[0]?.status === 'task_start');

    await cancel(id);

    expect(await system.ended(id)).toMatchObject({ status: 'cancelled', outputs: [] });
    expect(system.tasksOf(id)).toMatchObject([{ status: 'task_cancel', costUsd: 0 }]);
  });

  it('while its task cannot be stopped is as its task ends: the outputs are kept', async () => {
    simulator.set({ taskDurationMs: 60_000 });
    const id = await submitted({ operation: 'task', fault: { kind: 'ignoresKill' } });
    await running(id);
    await eventually('a task that runs', () => system.tasksOf(id)[0]?.statuses.includes('task_start'));

    await cancel(id);

    expect(await system.ended(id)).toMatchObject({
      status: 'succeeded',
      cancelRequestedAt: expect.any(String),
      outputs: [{ contentType: 'image/png' }],
    });
  });

  it('and whose task Wiro neither cancels nor kills nor ends fails in the end, and says so', async () => {
    const id = await submitted({
      operation: 'task',
      fault: { kind: 'stuck', status: 'task_preprocess_start' },
    });
    await running(id);

    await cancel(id);

    const { taskId, ...record } = await system.ended(id);
    expect(record).toMatchObject({
      status: 'failed',
      error: { code: 'cancel_unconfirmed', message: expect.stringContaining(`task ${taskId}`) },
    });
  });

  it('twice is cancelled once', async () => {
    const id = await submitted({ operation: 'task', fault: { kind: 'stuck' } });
    await running(id);

    const answers = await Promise.all([cancel(id), cancel(id), cancel(id)]);
    await system.ended(id);

    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(toldOf(id)).toEqual(['running', 'cancelled']);
  });

  it('after its end stays as it is', async () => {
    const id = await submitted();
    const { outputs: _, ...before } = await system.ended(id);

    const { status, body } = await cancel(id);

    expect([status, body]).toEqual([202, { ...before, outputs: [expect.anything()] }]);
  });
});

describe('past its deadline', async () => {
  const late = await startSystem({ durations: { deadline: 1_000, stopLimit: 1_500 } });

  it('a task is stopped, and its generation fails', async () => {
    const { idempotencyKey, id } = late.plan({ operation: 'task', fault: { kind: 'stuck' } });
    await late.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'x' }, idempotencyKey });

    expect(await late.ended(id)).toMatchObject({
      status: 'failed',
      outputs: [],
      error: { code: 'deadline_exceeded', retryable: true },
    });
    expect(late.tasksOf(id)).toMatchObject([{ status: 'task_cancel', costUsd: 0 }]);
  });
});
