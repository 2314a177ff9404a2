import { expect, it, vi } from 'vitest';
import { createUnprovenLog, orUnproven, UnprovenError } from '../../functions/callback/unproven.ts';
import { log } from '../../functions/runtime/log.ts';

it('logs the first callback that cannot be checked, and counts the later ones', () => {
  const error = vi.spyOn(log, 'error').mockReturnValue(undefined);
  let now = 1_000;
  const write = createUnprovenLog(10_000, () => now);

  for (let callback = 0; callback < 5_000; callback += 1) write(new UnprovenError('away'));
  now += 10_000;
  write(new UnprovenError('away'));

  expect(error.mock.calls.map(([, facts]) => facts?.callbacks)).toEqual([1, 5_000]);
});

it('logs why the secrets could not be read', async () => {
  const cause = new Error('SSM is away');

  await expect(orUnproven(Promise.reject(cause))).rejects.toThrow(expect.objectContaining({ cause }));
  expect(await orUnproven(Promise.resolve('read'))).toBe('read');
});
