import { expect, it } from 'vitest';
import { createBufferPool } from '../../functions/outputs/buffer-pool.ts';

const open = new AbortController().signal;

it('lends no more buffers than it has, first come, first served', async () => {
  const pool = createBufferPool({ count: 2, sizeBytes: 4 });
  const first = await pool.take(open);
  const second = await pool.take(open);
  const served: string[] = [];

  const waiting = [
    pool.take(open).then(() => served.push('a')),
    pool.take(open).then(() => served.push('b')),
  ];
  expect(pool.tryTake()).toBeUndefined();
  pool.give(first);
  await waiting[0];
  expect(served).toEqual(['a']);
  pool.give(second);
  await waiting[1];

  expect(served).toEqual(['a', 'b']);
});

it('lends a returned buffer again', async () => {
  const pool = createBufferPool({ count: 2, sizeBytes: 4 });
  const first = await pool.take(open);
  pool.give(first);

  expect(await pool.take(open)).toBe(first);
});

it('lends nothing to a caller that has stopped waiting', async () => {
  const pool = createBufferPool({ count: 1, sizeBytes: 4 });
  const buffer = await pool.take(open);
  const stop = new AbortController();
  const stopped = pool.take(stop.signal);
  const patient = pool.take(open);

  stop.abort(new Error('over'));
  pool.give(buffer);

  await expect(stopped).rejects.toThrow('over');
  expect(await patient).toBe(buffer);
});
