import { createHmac } from 'node:crypto';
import { describe, it, vi } from 'vitest';
import type { AnswerFault } from '../../local/simulator/fault-rules.ts';
import { eventually } from '../support/eventually.ts';
import { runElsewhere } from '../support/run-elsewhere.ts';
import { HASTY, type PlannedFault, startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000, maxConcurrency: 40 });

const system = await startSystem({ maximumEnvironments: 3, durations: HASTY });
const { environment } = system;

async function submitted(...faults: readonly PlannedFault[]): Promise<string> {
  const { idempotencyKey, id } = system.plan(...faults);
  await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' }, idempotencyKey });
  return id;
}

const chargesOf = (id: string) => system.tasksOf(id).map(({ costUsd }) => costUsd);

describe('a Run whose answer goes wrong still ends in one task and one charge:', () => {
  const ANSWERS: readonly (readonly [string, AnswerFault])[] = [
    ['reset', { kind: 'reset' }],
    ['silence', { kind: 'silent' }],
    ['500', { kind: 'status', status: 500 }],
    ['503 with a page', { kind: 'html', status: 503 }],
    ["200 with a proxy's page", { kind: 'html' }],
    ['half a JSON text', { kind: 'garbage' }],
    ['a body that breaks off', { kind: 'truncated' }],
    ['no task id', { kind: 'noTaskId' }],
    ['"Server error" with code 0', { kind: 'error' }],
    ['a bare error', { kind: 'error', message: 'Oops', bare: true }],
  ];
  const cases = ANSWERS.flatMap(([answer, fault]) => [
    [`${answer}, with a task behind it`, { ...fault, work: 'done' }] as const,
    [`${answer}, without one`, { ...fault, work: 'never' }] as const,
  ]);

  it.concurrent.for([
    ...cases,
    ['reset, and the task comes later', { kind: 'reset', work: 'late', lateMs: 20_000 }] as const,
  ])('%s', async ([, fault], { expect }) => {
    const id = await submitted({ operation: 'Run', times: 1, fault });

    const record = await system.ended(id);

    expect(record).toMatchObject({ status: 'succeeded', attempt: 1, costUsd: 0.04 });
    expect(chargesOf(id)).toEqual([0.04]);
    expect(system.tasksOf(id)[0]?.id).toBe(record.taskId);
    expect(system.eventsOf(id).map(({ detail }) => detail.status)).toEqual(['running', 'succeeded']);
  });

  it.concurrent('three times without a task, and then with one whose callback is lost', async ({
    expect,
  }) => {
    const id = await submitted(
      { operation: 'Run', times: 3, fault: { kind: 'reset', work: 'never' } },
      { operation: 'Run', times: 1, fault: { kind: 'silent', work: 'done' } },
      { operation: 'callback', fault: { kind: 'lost' } },
    );

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded' });
    expect(chargesOf(id)).toEqual([0.04]);
  });

  it.concurrent('beside the task of a stranger, without callback URL, and with logs of any length', async ({
    expect,
  }) => {
    system.simulator.faults.add({
      operation: 'Task/List',
      times: 3,
      fault: { kind: 'record', logLength: 200_000 },
    });
    const id = await submitted(
      { operation: 'Run', times: 1, fault: { kind: 'reset', work: 'done' } },
      { operation: 'callback', fault: { kind: 'lost' } },
      { operation: 'Task/Detail', fault: { kind: 'record', logLength: 6_000_000 } },
    );
    const stranger = await runElsewhere(system.simulator, {}, 'wiro/no-parameters');

    const record = await system.ended(id);

    expect(record).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect([chargesOf(id), record.taskId === stranger]).toEqual([[0.04], false]);
  });

  it.concurrent('and a callback that names the task of another generation', async ({ expect }) => {
    const other = await submitted();
    await system.ended(other);
    const id = await submitted({ operation: 'Run', times: 1, fault: { kind: 'silent', work: 'never' } });
    await eventually('the mark', async () => (await system.item(id))?.run !== undefined);
    const path = `local/${id}/1`;
    const secret = await system.parameter('callback-secret');
    const signature = createHmac('sha256', secret).update(path).digest('hex');

    const { status } = await fetch(`${environment.endpoints.callback}/${path}/${signature}`, {
      method: 'POST',
      body: JSON.stringify({ taskid: system.tasksOf(other)[0]?.id }),
    });
    const record = await system.ended(id);

    expect([status, record.status, chargesOf(id)]).toEqual([200, 'succeeded', [0.04]]);
    expect(record.taskId).toBe(system.tasksOf(id)[0]?.id);
  });
});

describe('a Run that was certainly not run is repeated:', () => {
  it.concurrent.for<[string, AnswerFault]>([
    ['429', { kind: 'status', status: 429, work: 'never' }],
    ['429 with Retry-After', { kind: 'status', status: 429, work: 'never', retryAfter: '1' }],
    ['401, which passes', { kind: 'status', status: 401, work: 'never' }],
  ])('%s', async ([, fault], { expect }) => {
    const id = await submitted({ operation: 'Run', times: 2, fault });

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(chargesOf(id)).toEqual([0.04]);
  });
});

describe('a Run that Wiro refuses fails at once, and nothing is charged:', () => {
  it.concurrent.for<[string, AnswerFault, object]>([
    [
      'insufficient balance',
      { kind: 'error', code: 97, message: 'Insufficient balance.' },
      { code: 'insufficient_balance', message: /add funds/, retryable: true },
    ],
    [
      'a parameter out of range',
      { kind: 'error', message: 'Request parameter [width] must be between 256 and 1536' },
      {
        code: 'invalid_parameter',
        message: /between 256 and 1536/,
        field: 'parameters.width',
        retryable: false,
      },
    ],
    [
      'a model that is gone',
      { kind: 'error', code: 1, message: 'slug-owner-project-not-exist' },
      { code: 'model_not_found', message: /may not use it/, retryable: false },
    ],
    [
      'a code that nobody has described',
      { kind: 'error', code: 12, message: 'No.' },
      { code: 'upstream_refused', message: /No\./, retryable: false },
    ],
  ])('%s', async ([, fault, error], { expect }) => {
    const id = await submitted({ operation: 'Run', fault: { ...fault, work: 'never' } });

    const record = await system.ended(id);

    const { message, ...rest } = error as { message: RegExp };
    expect(record.error).toEqual({ ...rest, message: expect.stringMatching(message) });
    expect(record).toMatchObject({ status: 'failed', outputs: [] });
    expect(system.tasksOf(id)).toEqual([]);
    expect(system.eventsOf(id).map((event) => event['detail-type'])).toEqual(['Generation Failed']);
    expect(await system.item(id)).not.toHaveProperty('dueAt');
  });
});
