import { afterEach, expect, it, vi } from 'vitest';
import { startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem({ simulator: { taskDurationMs: 10_000 } });
const { simulator } = system;

afterEach(() => simulator.set({ concurrencyLimit: null, balanceUsd: 100 }));

const submit = () => system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } });

it('runs as many at once as Wiro allows, the others afterwards, each once', async () => {
  simulator.set({ concurrencyLimit: 2 });

  const ids = (await Promise.all(Array.from({ length: 6 }, submit))).map(({ id }) => id);
  const records = await Promise.all(ids.map(system.ended));

  expect(records.map(({ status, attempt }) => [status, attempt])).toEqual(ids.map(() => ['succeeded', 1]));
  expect(ids.map((id) => system.tasksOf(id).length)).toEqual(ids.map(() => 1));
  // Wiro is not flooded with Runs that it will refuse: at first the limit is not known, then it is.
  expect(simulator.requests().Run).toBeLessThan(6 * 3);
});

it('runs on when the limit grows', async () => {
  simulator.set({ concurrencyLimit: 1 });
  const first = await Promise.all([submit(), submit(), submit()]);
  await Promise.all(first.map(({ id }) => system.ended(id)));

  simulator.set({ concurrencyLimit: null });
  const second = await Promise.all([submit(), submit(), submit()]);
  const records = await Promise.all(second.map(({ id }) => system.ended(id)));

  expect(records.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
});

it('fails with too little balance, charges nothing, and lets the next one run once funds are added', async () => {
  simulator.set({ balanceUsd: 0.2 });
  const charged = simulator.chargedUsd();
  const poor = await submit();

  expect(await system.ended(poor.id)).toMatchObject({
    status: 'failed',
    error: { code: 'insufficient_balance', retryable: true, message: expect.stringMatching(/add funds/) },
  });
  expect([system.tasksOf(poor.id), simulator.chargedUsd()]).toEqual([[], charged]);

  simulator.set({ balanceUsd: 10 });
  const rich = await submit();
  expect(await system.ended(rich.id)).toMatchObject({ status: 'succeeded' });
});
