import { describe, expect, it, vi } from 'vitest';
import { picture } from '../support/pictures.ts';
import { startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem({ inputHandover: 'presigned' });
const { environment, simulator } = system;

const MODEL = 'wiro/story-maker-multi-character-consistency';
const request = (name: string) => ({
  model: MODEL,
  parameters: { prompt: 'A hill', samples: 2 },
  inputs: { inputImage: `${name}-1.png`, inputImage2: `${name}-2.png` },
});

describe('with inputs handed over by links', () => {
  it('has Wiro fetch them itself, for a quarter of an hour, and uploads nothing', async () => {
    await system.put('linked-1.png', picture(1), 'image/png');
    await system.put('linked-2.png', picture(2), 'image/png');

    const { id } = await system.submit(request('linked'));
    const record = await system.ended(id);

    expect(record).toMatchObject({ status: 'succeeded', outputs: [{}, {}] });
    const [task] = system.tasksOf(id);
    const links = (task?.inputUrls ?? []).map((url) => new URL(url));
    const { inputBucket } = environment.endpoints;
    expect(links.map(({ pathname }) => pathname)).toEqual([
      `/${inputBucket}/linked-1.png`,
      `/${inputBucket}/linked-2.png`,
    ]);
    expect(links.map(({ searchParams }) => searchParams.get('X-Amz-Expires'))).toEqual(['900', '900']);
    expect(simulator.requests()['File/Upload'] ?? 0).toBe(0);
  });

  it('keeps the links to itself: none is in the log, the table, an event or the record', async () => {
    await system.put('secret-1.png', picture(3), 'image/png');
    await system.put('secret-2.png', picture(4), 'image/png');
    const { idempotencyKey, id } = system.plan({ operation: 'task', fault: { kind: 'fails' } });
    await system.submit({ ...request('secret'), idempotencyKey });
    const record = await system.ended(id);

    const [link = ''] = system.tasksOf(id)[0]?.inputUrls ?? [];
    const signature = new URL(link).searchParams.get('X-Amz-Signature') ?? '';
    expect(signature).toMatch(/^[0-9a-f]{64}$/);
    const told = JSON.stringify([environment.logs(), environment.events(), record, await system.item(id)]);
    expect(told).toContain('model_failed');
    expect(told).not.toContain(signature);
    expect(told).not.toContain('X-Amz-');
  });

  it('does not say what it was told by Wiro about a link either', async () => {
    await system.put('quoted-1.png', picture(5), 'image/png');
    await system.put('quoted-2.png', picture(6), 'image/png');
    const message = 'Cannot fetch https://bucket.s3.amazonaws.com/a.png?X-Amz-Signature=abc';
    const { idempotencyKey, id } = system.plan({
      operation: 'Run',
      fault: { kind: 'error', code: 42, message, work: 'never' },
    });
    await system.submit({ ...request('quoted'), idempotencyKey });

    const record = await system.ended(id);

    expect(record).toMatchObject({
      status: 'failed',
      error: {
        code: 'upstream_refused',
        message: expect.stringContaining('https://bucket.s3.amazonaws.com/a.png'),
      },
    });
    expect(JSON.stringify([record, environment.logs(), environment.events()])).not.toContain('X-Amz-');
  });

  it('refuses an input that was replaced after it was accepted', async () => {
    await system.put('changed-1.png', picture(7), 'image/png');
    await system.put('changed-2.png', picture(8), 'image/png');
    simulator.set({ concurrencyLimit: 1 });
    const blocker = system.plan({ operation: 'task', fault: { kind: 'stuck' } });
    const plain = { model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } };
    await system.submit({ ...plain, idempotencyKey: blocker.idempotencyKey });
    await system.reached(blocker.id, ({ status }) => status === 'running');

    const { id } = await system.submit(request('changed'));
    await system.reached(id, ({ status }) => status === 'queued');
    await system.put('changed-2.png', picture(9), 'image/png');
    await system.call('POST', `/generations/${blocker.id}/cancel`);
    const record = await system.ended(id);
    simulator.set({ concurrencyLimit: null });

    expect(record).toMatchObject({
      status: 'failed',
      error: { code: 'input_changed', field: 'inputs.inputImage2' },
    });
    expect(system.tasksOf(id)).toEqual([]);
  });
});
