import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createParameterReader } from '../../functions/aws/parameters.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/aws/credentials.ts';
import type { LocalService } from '../../local/aws/local-service.ts';
import { startSsm } from '../../local/aws/ssm.ts';
import { type WatchedSsm, watchSsm } from '../security/watched-ssm.ts';

const PATH = '/wiro/Test';
let service: LocalService;
let watched: WatchedSsm;
let ssm: SSMClient;

beforeAll(async () => {
  service = await startSsm({ region: LOCAL_REGION });
  watched = await watchSsm(service.endpoint);
  ssm = new SSMClient({ endpoint: service.endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
  vi.stubEnv('AWS_ENDPOINT_URL_SSM', watched.endpoint);
  vi.stubEnv('AWS_REGION', LOCAL_REGION);
  vi.stubEnv('AWS_ACCESS_KEY_ID', LOCAL_CREDENTIALS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', LOCAL_CREDENTIALS.secretAccessKey);
  for (const name of ['api-key', 'callback-base-url', 'callback-function']) await put(name, name);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  ssm.destroy();
  await watched.stop();
  await service.stop();
});

const put = (name: string, Value: string) =>
  ssm.send(new PutParameterCommand({ Name: `${PATH}/${name}`, Value, Type: 'String', Overwrite: true }));

/** A reader that caches for five minutes and renews at most every ten seconds, on a clock that a test sets. */
function readerAt(clock: { now: number }) {
  return createParameterReader({ path: PATH, keepMs: 300_000, renewMs: 10_000, now: () => clock.now });
}

it('may be asked to renew at any rate, and asks SSM at most every ten seconds', async () => {
  const clock = { now: 0 };
  const reader = readerAt(clock);
  await put('callback-secret', 'first');
  await reader.get();
  const before = watched.calls();

  await put('callback-secret', 'second');
  clock.now = 9_999;
  const afterReading = await reader.renew();
  clock.now = 10_000;
  const renewals = await Promise.all(Array.from({ length: 1_000 }, () => reader.renew()));
  clock.now = 19_999;
  const last = await reader.renew();
  const callsWithinTenSeconds = watched.calls() - before;
  clock.now = 20_000;
  await reader.renew();

  expect(afterReading.callbackSecrets).toEqual(['first']);

  expect(new Set([...renewals, last].map(({ callbackSecrets }) => callbackSecrets[0]))).toEqual(
    new Set(['second']),
  );
  expect((await reader.get()).callbackSecrets).toEqual(['second']);
  expect([callsWithinTenSeconds, watched.calls() - before]).toEqual([1, 2]);
});

it('fails to renew while SSM does not answer, asks no more often, and still returns the cached secrets', async () => {
  const clock = { now: 0 };
  const reader = readerAt(clock);
  await put('callback-secret', 'kept');
  await reader.get();
  clock.now = 10_000;
  watched.setAway(true);
  const before = watched.calls();

  await expect(reader.renew()).rejects.toThrow('ssm could not be reached');
  const callsOfOne = watched.calls() - before;
  await expect(reader.renew()).rejects.toThrow('ssm could not be reached');
  const kept = await reader.get();

  expect(kept.callbackSecrets).toEqual(['kept']);
  expect(watched.calls() - before).toBe(callsOfOne);
  watched.setAway(false);
  clock.now = 20_000;
  expect((await reader.renew()).callbackSecrets).toEqual(['kept']);
});
