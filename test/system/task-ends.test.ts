import { describe, it, vi } from 'vitest';
import type { AnswerFault, CdnFault, RecordFault, TaskFault } from '../../local/simulator/fault-rules.ts';
import { HASTY, type PlannedFault, startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000, maxConcurrency: 40 });

const system = await startSystem({ maximumEnvironments: 2, durations: { ...HASTY, outputPatience: 6_000 } });

async function submitted(...faults: readonly PlannedFault[]): Promise<string> {
  const { idempotencyKey, id } = system.plan(...faults);
  await system.submit({
    model: 'wiro/text-to-image',
    parameters: { prompt: 'A hill', samples: 2 },
    idempotencyKey,
  });
  return id;
}

const chargesOf = (id: string) => system.tasksOf(id).map(({ costUsd }) => costUsd);

describe('a task that ends badly', () => {
  it.concurrent.for<[string, TaskFault, RegExp]>([
    ['fails', { kind: 'fails', message: 'CUDA out of memory' }, /The model failed: CUDA out of memory/],
    ['fails with another exit code', { kind: 'fails', exitCode: '137' }, /The model failed/],
    [
      'stays at task_error until it is killed',
      { kind: 'error', message: 'No worker' },
      /The model failed: No worker/,
    ],
    [
      'is requeued from task_error and fails',
      { kind: 'error', requeuedAfterMs: 50_000, thenFails: 'CUDA' },
      /The model failed: CUDA/,
    ],
  ])('%s: model_failed, not charged', async ([, fault, message], { expect }) => {
    const id = await submitted({ operation: 'task', fault });

    const record = await system.ended(id);

    expect(record).toMatchObject({
      status: 'failed',
      attempt: 1,
      outputs: [],
      error: { code: 'model_failed', message: expect.stringMatching(message), retryable: true },
    });
    expect(record.costUsd ?? 0).toBe(0);
    expect(chargesOf(id)).toEqual([0]);
    expect(system.eventsOf(id).map((event) => event['detail-type'])).toEqual([
      'Generation Running',
      'Generation Failed',
    ]);
    expect(system.eventsOf(id)[1]?.detail).toMatchObject({ error: { code: 'model_failed' } });
    expect(await system.item(id)).not.toHaveProperty('dueAt');
  });

  it.concurrent.for<[string, TaskFault]>([
    ['by somebody at Wiro', { kind: 'cancelled' }],
    ['with exit code 0, a cost and outputs', { kind: 'cancelled', likeSample: true }],
  ])('is cancelled %s: cancelled', async ([, fault], { expect }) => {
    const id = await submitted({ operation: 'task', fault });

    expect(await system.ended(id)).toMatchObject({ status: 'cancelled', outputs: [] });
    expect(chargesOf(id)).toEqual([0]);
  });
});

describe('a task that ends well is collected whatever its record looks like:', () => {
  it.concurrent.for<[string, ...PlannedFault[]]>([
    ['outputs that come two looks late', { operation: 'task', fault: { kind: 'outputsLate', reads: 2 } }],
    ['requeued from task_error', { operation: 'task', fault: { kind: 'error', requeuedAfterMs: 50_000 } }],
    ['statuses that are skipped', { operation: 'task', fault: { kind: 'skipsStatuses' } }],
    ['numbers instead of strings', detail({ kind: 'record', numbers: true })],
    ['parameters as a JSON string', detail({ kind: 'record', parametersAsString: true })],
    ['outputs missing twice', detail({ kind: 'record', withoutOutputs: true }, 2)],
    ['a task that is not there, at first', detail({ kind: 'record', missing: true }, 2)],
    ['an answer from the past, at first', detail({ kind: 'record', lagMs: 3_600_000 }, 2)],
    ['no callback URL', detail({ kind: 'record', withoutCallbackUrl: true })],
    ['500, at first', detail({ kind: 'status', status: 500 }, 3)],
    ['silence, at first', detail({ kind: 'silent' }, 1)],
    ["a proxy's page, at first", detail({ kind: 'html' }, 2)],
    ['a body that breaks off, at first', detail({ kind: 'truncated' }, 2)],
  ])('%s', async ([, ...faults], { expect }) => {
    const id = await submitted(...(faults as PlannedFault[]));

    const record = await system.ended(id);

    expect(record).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(record.outputs).toHaveLength(2);
    expect(chargesOf(id)).toEqual([0.04]);
  });

  it.concurrent('no outputs at all are believed after three looks', async ({ expect }) => {
    const id = await submitted({ operation: 'task', fault: { kind: 'outputsLate', reads: 1_000 } });

    expect(await system.ended(id)).toMatchObject({ status: 'succeeded', outputs: [] });
  });
});

describe('an output is copied whole, whatever the CDN does at first:', () => {
  it.concurrent.for<[string, CdnFault, number?]>([
    ['404', { kind: 'notYet', reads: 2 }],
    ['503', { kind: 'status', status: 503 }, 3],
    ['breaks off', { kind: 'truncated' }, 2],
    ['resets', { kind: 'reset' }, 2],
    ['stalls', { kind: 'stalled' }, 1],
    ['tells no length', { kind: 'chunked' }],
    ['redirects', { kind: 'redirect' }],
    ['sends a page instead', { kind: 'page' }, 3],
    ['sends nothing instead', { kind: 'page', body: '', contentType: 'image/png' }, 1],
    ['names an encoding that is none', { kind: 'encoding', contentEncoding: 'aws-chunked' }],
    ['encodes it, and goes on doing so', { kind: 'encoding', contentEncoding: 'gzip', isTrue: true }],
  ])('%s', async ([, fault, times], { expect }) => {
    const id = await submitted({ operation: 'cdn', ...(times && { times }), fault });

    const { status, outputs } = await system.ended(id);
    const stored = await Promise.all(outputs.map(({ key, bucket }) => system.object(key, bucket)));

    expect([status, outputs.length]).toEqual(['succeeded', 2]);
    expect(stored.map((object) => object?.sha256)).toEqual(outputs.map((output) => output.sha256));
    expect(outputs[0]?.sha256).not.toBe(outputs[1]?.sha256);
    expect(chargesOf(id)).toEqual([0.04]);
  });

  it.concurrent('and is kept where its record gives another size, and says so', async ({ expect }) => {
    const id = await submitted({ operation: 'task', fault: { kind: 'wrongSize', deltaBytes: 7 } });

    const { status, outputs } = await system.ended(id);
    const told = system.eventsOf(id).at(-1)?.detail.outputs;

    expect([status, outputs.length]).toEqual(['succeeded', 2]);
    for (const { sizeBytes, differsFrom } of outputs)
      expect(differsFrom).toEqual({ sizeBytes: sizeBytes + 7 });
    expect(told).toEqual(outputs.map(({ url: _, urlExpiresAt: __, ...output }) => output));
    expect(chargesOf(id)).toEqual([0.04]);
  });

  it.concurrent('is given up after a while, and what could be had is kept', async ({ expect }) => {
    const id = await submitted({
      operation: 'cdn',
      match: { pathIncludes: '/0.png' },
      fault: { kind: 'status', status: 404 },
    });

    const record = await system.ended(id);

    expect(record).toMatchObject({
      status: 'failed',
      error: { code: 'output_unavailable', message: /^1 of 2 outputs/, retryable: true },
      outputs: [{ key: expect.stringMatching(/\/1\/1-/) }],
      costUsd: 0.04,
    });
  });

  it.concurrent.for([
    'http://169.254.169.254/latest/meta-data/',
    'http://localhost:1/output.png',
    'https://example.com/output.png',
  ])('is not fetched from elsewhere: %s', async (location, { expect }) => {
    const id = await submitted({ operation: 'cdn', fault: { kind: 'redirect', location } });

    expect(await system.ended(id)).toMatchObject({
      status: 'failed',
      outputs: [],
      error: { code: 'output_refused', retryable: true },
    });
  });
});

function detail(fault: AnswerFault | RecordFault, times?: number): PlannedFault {
  return { operation: 'Task/Detail', ...(times && { times }), fault };
}
