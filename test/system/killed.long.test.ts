import { expect, it, vi } from 'vitest';
import { HASTY, startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

// A copy that takes longer than the function may: 8 seconds here, as a slow host in 15 minutes.
const system = await startSystem({
  timeoutSeconds: { callback: 8 },
  durations: {
    ...HASTY,
    // Two invocations, so that one of them has the time for the output that can be had.
    outputPatience: 10_000,
    lease: 3_000,
    leaseRenewal: 1_000,
    headers: 60_000,
    stall: 60_000,
  },
});

it('a copy that no function has time for ends, says so, and is collected by a retry', async () => {
  const { idempotencyKey, id } = system.plan({
    operation: 'cdn',
    match: { pathIncludes: '/0.png' },
    fault: { kind: 'slow', delayMs: 3_600_000 },
  });
  await system.submit({
    model: 'wiro/text-to-image',
    parameters: { prompt: 'A hill', samples: 2 },
    idempotencyKey,
  });

  const record = await system.ended(id);

  expect(record).toMatchObject({
    status: 'failed',
    error: {
      code: 'output_unavailable',
      message: expect.stringMatching(/longer than a function may run: 1 of 2 are copied so far/),
      retryable: true,
    },
    costUsd: 0.04,
  });
  expect(record.outputs).toHaveLength(1);
  system.simulator.faults.clear();
  expect((await system.call('POST', `/generations/${id}/retry`)).status).toBe(202);
  const again = await system.reached(id, ({ status }) => status === 'succeeded');
  expect(again).toMatchObject({ attempt: 2, costUsd: 0.04 });
  expect(system.tasksOf(id)).toHaveLength(1);
});
