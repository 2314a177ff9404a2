import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { combineCrc32 } from '../../functions/objects/combine-crc32.ts';
import { createOrderedDigest } from '../../functions/objects/ordered-digest.ts';

it('digests parts in the order of their numbers, in whatever order they are added', async () => {
  const digest = createOrderedDigest(0);
  const done: number[] = [];
  const add = (part: number, text: string) =>
    digest.add(part, Buffer.from(text), crc32(text)).then(() => done.push(part));

  const last = add(2, 'c');
  const middle = add(1, 'b');
  await Promise.resolve();
  expect(done).toEqual([]);
  await Promise.all([add(0, 'a'), middle, last]);

  // From `printf abc | openssl dgst -sha256`. The CRC-32 of "abc" is 352441c2.
  expect(await digest.end()).toEqual({
    sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    crc32: 'NSRBwg==',
    sizeBytes: 3,
  });
});

it('rejects every part that waits for one that will never be added', async () => {
  const digest = createOrderedDigest(0);
  const waiting = digest.add(1, Buffer.from('b'), crc32('b'));

  digest.fail(new Error('cut off'));

  await expect(waiting).rejects.toThrow('cut off');
  await expect(digest.add(2, Buffer.from('c'), crc32('c'))).rejects.toThrow('cut off');
});

it.each([
  [0, 0],
  [1, 0],
  [0, 1],
  [5, 3],
  [1000, 65_537],
  [8 * 1024 * 1024, 12_345],
])('combines the checksums of %i and %i bytes to that of both', (first, second) => {
  const bytes = randomBytes(first + second);
  const [one, other] = [crc32(bytes.subarray(0, first)), crc32(bytes.subarray(first))];

  expect(combineCrc32(one, other, second)).toBe(crc32(bytes));
});
