import { expect, it, vi } from 'vitest';
import { startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem({ durations: { modelLimit: 200 } });
system.simulator.faults.add({ operation: 'Tool/Detail', fault: { kind: 'silent', work: 'never' } });

it('accepts a request although the model cannot be looked up', async () => {
  const { id } = await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } });

  expect(await system.ended(id)).toMatchObject({ status: 'succeeded' });
});

it('leaves it to Wiro then to refuse what is missing', async () => {
  const { id } = await system.submit({ model: 'wiro/text-to-image', parameters: {} });

  expect(await system.ended(id)).toMatchObject({
    status: 'failed',
    error: { code: 'invalid_parameter', field: 'parameters.prompt', retryable: false },
  });
  expect(system.tasksOf(id)).toEqual([]);
});

it('leaves it to Wiro then to refuse a model that does not exist', async () => {
  const { id } = await system.submit({ model: 'wiro/no-such-model' });

  expect(await system.ended(id)).toMatchObject({ status: 'failed', error: { code: 'model_not_found' } });
});
