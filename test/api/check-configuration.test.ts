import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createConfigurationCheck } from '../../functions/api/check-configuration.ts';
import { NotConfiguredError } from '../../functions/aws/not-configured.ts';
import type { DeploymentParameters } from '../../functions/aws/parameters.ts';
import { log } from '../../functions/runtime/log.ts';
import type { Measurements } from '../../functions/runtime/metrics.ts';

let alarms: (readonly [unknown, Measurements | undefined])[] = [];
beforeEach(() => {
  alarms = [];
  vi.spyOn(log, 'warn').mockReturnValue(undefined);
  vi.spyOn(log, 'error').mockImplementation(
    (_, facts, measured) => void alarms.push([facts?.alarm, measured]),
  );
});

const check = (get: () => Promise<DeploymentParameters>) =>
  createConfigurationCheck({ parameters: { get }, limitMs: 2_000 })();

it('says what is missing, and raises an alarm', async () => {
  const missing = await check(() => Promise.reject(new NotConfiguredError('the parameter x is not there')));

  expect(missing).toBe('the parameter x is not there');
  expect(alarms).toEqual([['not_configured', { FruitlessLooks: 1 }]]);
});

it('reports nothing missing if the secrets cannot be read for another reason', async () => {
  expect(await check(() => Promise.reject(new Error('ssm could not be reached')))).toBeUndefined();
  expect(alarms).toEqual([]);
});

it('waits no longer than its limit', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());

  const checking = check(() => new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(2_000);

  expect(await checking).toBeUndefined();
});
