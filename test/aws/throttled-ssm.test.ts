import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { createParameterReader } from '../../functions/aws/parameters.ts';

const NAMES = ['api-key', 'callback-secret', 'callback-base-url', 'callback-function'];
const closing: (() => void)[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0)) close();
});

/** An SSM that answers the calls that `mayAnswer` allows, and throttles the others. */
async function startSsm(mayAnswer: () => boolean): Promise<{ readonly calls: () => number }> {
  let calls = 0;
  const server = createServer((_, response) => {
    calls += 1;
    if (mayAnswer()) {
      const Parameters = NAMES.map((name) => ({ Name: `/p/${name}`, Value: name }));
      response.end(JSON.stringify({ Parameters }));
    } else {
      response.statusCode = 400;
      response.end(JSON.stringify({ __type: 'ThrottlingException' }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  vi.stubEnv('AWS_ENDPOINT_URL_SSM', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  return { calls: () => calls };
}

const openReader = () => createParameterReader({ path: '/p', keepMs: 300_000, renewMs: 10_000 });

it('serves 150 environments that start together, at 40 calls a second', async () => {
  let turns = 40;
  let refilledAt = performance.now();
  await startSsm(() => {
    const now = performance.now();
    turns = Math.min(40, turns + ((now - refilledAt) * 40) / 1_000);
    refilledAt = now;
    if (turns < 1) return false;
    turns -= 1;
    return true;
  });

  const read = await Promise.all(Array.from({ length: 150 }, () => openReader().get()));

  expect(new Set(read.map(({ apiKey }) => apiKey))).toEqual(new Set(['api-key']));
});

it('calls SSM once in an environment whose first callback is forged', async () => {
  const { calls } = await startSsm(() => true);
  const reader = openReader();

  await reader.get();
  await reader.renew();

  expect(calls()).toBe(1);
});
