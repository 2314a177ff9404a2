import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { hasSecondProcessor, openSha256 } from '../../functions/objects/running-sha256.ts';
import { createSha256Thread } from '../../functions/outputs/sha256-thread.ts';
import { log } from '../../functions/runtime/log.ts';

const shared = (bytes: Uint8Array) => {
  const memory = Buffer.from(new SharedArrayBuffer(bytes.length));
  memory.set(bytes);
  return memory;
};
const sha256 = (...parts: readonly Uint8Array[]) =>
  createHash('sha256').update(Buffer.concat(parts)).digest('hex');

describe.each([
  ['this thread', () => openSha256],
  ['another thread', createSha256Thread],
])('a SHA-256 on %s', (_, create) => {
  it('digests several streams at once, each in the order of its bytes', async () => {
    const open = create();
    const parts = Array.from({ length: 6 }, (_, index) => randomBytes(1_000 * index));
    const [one, other, none] = [open(), open(), open()];

    const updates = parts.flatMap((bytes, index) => [
      one.update(shared(bytes)),
      other.update(index % 2 === 0 ? shared(bytes) : bytes),
    ]);
    const ends = [other.end(), none.end(), one.end()];

    await Promise.all(updates);
    expect(await Promise.all(ends)).toEqual([sha256(...parts), sha256(), sha256(...parts)]);
  });
});

describe('a thread that fails', () => {
  it('rejects what it was asked and what it is asked later, says so once, and is used no more', async () => {
    const warn = vi.spyOn(log, 'warn').mockReturnValue(undefined);
    const open = createSha256Thread();
    const [one, other] = [open(), open()];

    const failures = await Promise.allSettled([one.update(1 as never), other.end(), one.end()]);
    const later = await Promise.allSettled([other.update(Buffer.from('a')), other.end()]);

    expect([...failures, ...later].map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    const next = open();
    await next.update(Buffer.from('abc'));
    expect(await next.end()).toBe(sha256(Buffer.from('abc')));
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });

  it('rejects what cannot be sent, and goes on', async () => {
    const running = createSha256Thread()();

    await expect(running.update((() => {}) as never)).rejects.toThrow();
    await running.update(Buffer.from('abc'));

    expect(await running.end()).toBe(sha256(Buffer.from('abc')));
  });
});

it.each([
  [undefined, false],
  ['384', false],
  ['1769', false],
  ['1770', true],
  ['10240', true],
])('a function with %s MB may use a second processor: %s', (memory, expected) => {
  expect(hasSecondProcessor({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory })).toBe(expected);
});
