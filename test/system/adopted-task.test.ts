import { expect, it } from 'vitest';
import { callbackUrl } from '../../functions/generation/callback-url.ts';
import { PARAMETER } from '../../functions/settings.ts';
import { eventually } from '../support/eventually.ts';
import { runElsewhere } from '../support/run-elsewhere.ts';
import { startSystem } from '../support/system.ts';

// Whoever waits goes on waiting: a limit that is known is not tried again.
const system = await startSystem({
  simulator: { concurrencyLimit: 1 },
  durations: { limitProbe: 3_600_000, limitForget: 3_600_000 },
});
const { simulator } = system;

it('adopts the task of a signed callback although no Run of it is known, and does not run again', async () => {
  // The one place is taken, so the generation waits: nobody has sent a Run for it.
  simulator.faults.add({ operation: 'task', times: 1, fault: { kind: 'lasts', durationMs: 600_000_000 } });
  const first = await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'One' } });
  await system.reached(first.id, ({ status }) => status === 'running');
  const waiting = await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'Two' } });
  await eventually('it to wait', async () => (await system.item(waiting.id))?.waiting === true);
  const url = callbackUrl(
    system.environment.endpoints.callback,
    { deployment: 'local', generationId: waiting.id, attempt: 1 },
    await system.parameter(PARAMETER.callbackSecret),
  );
  simulator.set({ concurrencyLimit: 2 });
  const taskId = await runElsewhere(simulator, { prompt: 'Two', callbackUrl: url });

  const record = await system.ended(waiting.id);

  expect(record).toMatchObject({ status: 'succeeded', taskId });
  expect(system.tasksOf(waiting.id).map(({ id }) => id)).toEqual([taskId]);
});
