import { afterEach, describe, expect, it, vi } from 'vitest';
import { HASTY, type PlannedFault, startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem({
  durations: { ...HASTY, outputPatience: 1_500, searchLimit: 1_500, deadline: 12_000 },
});
const { simulator } = system;

afterEach(() => simulator.faults.clear());

async function submitted(...faults: readonly PlannedFault[]): Promise<string> {
  const { idempotencyKey, id } = system.plan(...faults);
  await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' }, idempotencyKey });
  return id;
}

const retry = (id: string, body?: unknown) =>
  system.call(
    'POST',
    `/generations/${id}/retry`,
    ...(body === undefined ? [] : [typeof body === 'string' ? body : JSON.stringify(body)]),
  );
/** The end of an attempt, which is told like any other. */
async function endOf(id: string, attempt: number) {
  await system.reached(id, (record) => record.attempt === attempt && record.endedAt !== undefined);
  return system.ended(id);
}
const chargesOf = (id: string) => system.tasksOf(id).map(({ costUsd }) => costUsd);

describe('a retry', () => {
  it('of a task that failed runs anew, and keeps the history', async () => {
    const id = await submitted({
      operation: 'task',
      times: 1,
      fault: { kind: 'fails', message: 'No memory' },
    });
    const failed = await system.ended(id);

    const answer = await retry(id);
    const record = await endOf(id, 2);

    expect([failed.status, answer.status, answer.body]).toMatchObject(['failed', 202, { id, attempt: 2 }]);
    const [first, second] = system.tasksOf(id);
    expect(record).toMatchObject({
      status: 'succeeded',
      attempt: 2,
      taskId: second?.id,
      pastAttempts: [
        {
          attempt: 1,
          taskId: first?.id,
          code: 'model_failed',
          message: expect.stringMatching(/^The model failed: No memory\. /),
        },
      ],
      outputs: [{ key: expect.stringContaining(`${id}/2/`) }],
    });
    expect(record).not.toHaveProperty('error');
    expect(chargesOf(id)).toEqual([0, 0.04]);
    expect(system.eventsOf(id).map(({ detail }) => [detail.status, detail.attempt])).toEqual([
      ['running', 1],
      ['failed', 1],
      ['running', 2],
      ['succeeded', 2],
    ]);
  });

  it('of outputs that were not to be had collects them from the task that was paid for', async () => {
    const id = await submitted();
    // Its CDN, which does not know whose outputs it serves.
    simulator.faults.add({ operation: 'cdn', fault: { kind: 'status', status: 404 } });
    expect(await system.ended(id)).toMatchObject({ status: 'failed', error: { code: 'output_unavailable' } });
    simulator.faults.clear();

    const answer = await retry(id);
    const record = await endOf(id, 2);

    expect(answer.status).toBe(202);
    expect(record).toMatchObject({
      status: 'succeeded',
      costUsd: 0.04,
      outputs: [{ sizeBytes: expect.any(Number) }],
    });
    expect(chargesOf(id)).toEqual([0.04]);
    const [output] = record.outputs;
    expect((await system.object(output?.key ?? '', output?.bucket))?.sha256).toBe(output?.sha256);
  });

  it('of one that was cancelled in line runs it', async () => {
    simulator.set({ concurrencyLimit: 1 });
    const first = await submitted({ operation: 'task', fault: { kind: 'stuck' } });
    await system.reached(first, ({ status }) => status === 'running');
    const id = await submitted();
    await system.call('POST', `/generations/${id}/cancel`);
    expect(await system.ended(id)).toMatchObject({ status: 'cancelled' });
    await system.call('POST', `/generations/${first}/cancel`);
    simulator.set({ concurrencyLimit: null });

    await retry(id);

    expect(await endOf(id, 2)).toMatchObject({ status: 'succeeded', pastAttempts: [{ code: 'cancelled' }] });
    expect(chargesOf(id)).toEqual([0.04]);
  });

  it('of one whose task nobody could look for must be forced', async () => {
    const id = await submitted(
      { operation: 'Run', times: 1, fault: { kind: 'reset' } },
      { operation: 'callback', times: 1, fault: { kind: 'lost' } },
    );
    const rows = simulator.faults.add(
      { operation: 'Task/List', fault: { kind: 'record', withoutCallbackUrl: true } },
      { operation: 'Task/Detail', fault: { kind: 'record', withoutCallbackUrl: true } },
    );
    expect(await system.ended(id)).toMatchObject({ status: 'failed', error: { code: 'submission_unknown' } });
    simulator.faults.clear(...rows);

    const unforced = await retry(id);
    const forced = await retry(id, { force: true });

    expect(unforced).toMatchObject({
      status: 409,
      body: {
        error: { code: 'not_retryable', field: 'force', message: expect.stringContaining('"force": true') },
      },
    });
    expect(forced.status).toBe(202);
    expect(await endOf(id, 2)).toMatchObject({ status: 'succeeded' });
    // This is the one way to be charged twice, and a person asked for it.
    expect(chargesOf(id)).toEqual([0.04, 0.04]);
  });

  it('by two at once starts one attempt', async () => {
    const id = await submitted({ operation: 'task', times: 1, fault: { kind: 'fails' } });
    await system.ended(id);

    const answers = await Promise.all([retry(id), retry(id), retry(id)]);

    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409, 409]);
    expect(await endOf(id, 2)).toMatchObject({ status: 'succeeded', attempt: 2 });
    expect(system.tasksOf(id)).toHaveLength(2);
  });

  it('is refused for what runs, what succeeded and what nobody knows, and changes nothing', async () => {
    const id = await submitted({ operation: 'task', fault: { kind: 'lasts', durationMs: 300_000 } });
    await system.reached(id, ({ status }) => status === 'running');
    const running = await retry(id);
    const done = await system.ended(id);
    const succeeded = await retry(id);
    const unknown = await retry(id.replaceAll(/[a-y]/g, 'z'));

    expect([running, succeeded, unknown]).toMatchObject([
      { status: 409, body: { error: { code: 'not_retryable', message: /once it has ended/ } } },
      { status: 409, body: { error: { code: 'not_retryable', message: /request a new one/ } } },
      { status: 404, body: { error: { code: 'not_found' } } },
    ]);
    expect({ ...(await system.read(id)), outputs: [] }).toEqual({ ...done, outputs: [] });
  });

  it.each(['{"force": "yes"}', '[]', '"force"', '{'])(
    'with %s is refused, and says what to send',
    async (body) => {
      const id = await submitted({ operation: 'task', times: 1, fault: { kind: 'fails' } });
      await system.ended(id);

      const answer = await retry(id, body);

      expect(answer).toMatchObject({
        status: 400,
        body: { error: { code: expect.stringMatching(/^invalid_/) } },
      });
      expect((await system.read(id)).attempt).toBe(1);
    },
  );
});
