import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import type { GenerationRecord } from '../../functions/api/record.ts';
import { picture } from '../support/pictures.ts';
import { startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem();

const request = (prompt: string) => ({
  model: 'wiro/text-to-image',
  parameters: { prompt, width: 512 },
  idempotencyKey: randomUUID(),
});

it('answers the same request with the same key by the same generation, before its end and after', async () => {
  const asked = request('A lake');

  const first = await system.submit(asked);
  const second = await system.submit(asked);
  const end = await system.ended(first.id);
  const third = await system.submit(asked);

  expect(second.id).toBe(first.id);
  expect(third).toMatchObject({ id: first.id, status: 'succeeded', taskId: end.taskId });
  expect(system.tasksOf(first.id)).toHaveLength(1);
});

it('makes one generation and one task of ten requests at once', async () => {
  const asked = request('Ten lakes');

  const records = await Promise.all(Array.from({ length: 10 }, () => system.submit(asked)));
  const ids = new Set(records.map(({ id }) => id));
  await system.ended(records[0]?.id ?? '');
  await system.environment.idle();

  expect([...ids]).toHaveLength(1);
  expect(system.tasksOf(records[0]?.id ?? '')).toHaveLength(1);
  expect(system.eventsOf(records[0]?.id ?? '').map(({ detail }) => detail.status)).toEqual([
    'running',
    'succeeded',
  ]);
});

it('takes two spellings of one request for the same', async () => {
  const { idempotencyKey } = request('');
  await system.put('one-lake.png', picture(1), 'image/png');
  const { inputBucket } = system.environment.endpoints;

  const first = await system.post({
    idempotencyKey,
    model: 'wiro/image-to-image',
    parameters: { width: 512, prompt: 'A lake' },
    inputs: { inputImage: 'one-lake.png' },
  });
  const second = await system.post({
    inputs: { inputImage: [`s3://${inputBucket}/one-lake.png`] },
    parameters: { prompt: 'A lake', width: 512 },
    labels: {},
    model: 'wiro/image-to-image',
    idempotencyKey,
  });

  expect([first.status, second.status]).toEqual([202, 202]);
  expect((second.body as GenerationRecord).id).toBe((first.body as GenerationRecord).id);
});

it('refuses a key that was used for another request, and runs nothing for it', async () => {
  const asked = request('A hill');
  const { id } = await system.submit(asked);
  await system.ended(id);

  const answer = await system.post({ ...asked, parameters: { prompt: 'A higher hill', width: 512 } });

  expect(answer).toMatchObject({
    status: 409,
    body: { error: { code: 'idempotency_conflict', field: 'idempotencyKey', retryable: false } },
  });
  expect(system.tasksOf(id)).toHaveLength(1);
  expect((await system.read(id)).parameters).toEqual({ prompt: 'A hill', width: 512 });
});

it('lets one of two different requests with one key win, and refuses the other', async () => {
  const { idempotencyKey } = request('');
  const asked = ['A', 'B', 'C', 'D'].map((prompt) => ({ ...request(prompt), idempotencyKey }));

  const answers = await Promise.all(asked.map((one) => system.post(one)));
  const winners = answers.flatMap(({ status, body }) => (status === 202 ? [body as GenerationRecord] : []));
  const record = await system.ended(winners[0]?.id ?? '');

  expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409]);
  expect(system.tasksOf(record.id).map(({ parameters }) => parameters.prompt)).toEqual([
    winners[0]?.parameters.prompt,
  ]);
});

it('makes two generations of the same request without a key', async () => {
  const { idempotencyKey: _, ...asked } = request('Twice');

  const [first, second] = await Promise.all([system.submit(asked), system.submit(asked)]);

  expect(first.id).not.toBe(second.id);
});

it('answers a known key although its input is gone since', async () => {
  await system.put('short-lived.png', picture(2), 'image/png');
  const asked = {
    model: 'wiro/image-to-image',
    inputs: { inputImage: 'short-lived.png' },
    idempotencyKey: randomUUID(),
  };
  const { id } = await system.submit(asked);
  await system.ended(id);
  await system.put('short-lived.png', '');

  const again = await system.submit(asked);

  expect(again).toMatchObject({ id, status: 'succeeded' });
});
