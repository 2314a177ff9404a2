import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { callbackUrl, isSigned, parseCallbackPath } from '../../functions/generation/callback-url.ts';

// Time cannot be measured reliably enough. So these tests check what is compared.
const { timingSafeEqual } = crypto;
let compared: (readonly [number, number])[] = [];

beforeEach(() => {
  compared = [];
  crypto.timingSafeEqual = (one, other) => {
    compared.push([one.byteLength, other.byteLength]);
    return timingSafeEqual(one, other);
  };
  syncBuiltinESMExports();
});
afterEach(() => {
  crypto.timingSafeEqual = timingSafeEqual;
  syncBuiltinESMExports();
});

const SUBJECT = { deployment: 'shop', generationId: 'a'.repeat(26), attempt: 1 };

function pathSignedWith(secret: string) {
  const path = parseCallbackPath(new URL(callbackUrl('https://cb.example', SUBJECT, secret)).pathname);
  if (path === undefined) throw new Error('A signed path can be read');
  return path;
}

it('compares complete signatures, wherever the first wrong digit is', () => {
  const { signature, ...path } = pathSignedWith('secret');

  for (const [at, digit] of [...signature].entries()) {
    const wrong = signature.slice(0, at) + (digit === '0' ? '1' : '0') + signature.slice(at + 1);
    expect(isSigned({ ...path, signature: wrong }, ['secret'])).toBe(false);
  }

  expect(compared).toEqual(Array.from({ length: 64 }, () => [32, 32]));
});

it('compares with every secret, whichever matches', () => {
  for (const secret of ['current', 'previous', 'neither'])
    expect(isSigned(pathSignedWith(secret), ['current', 'previous'])).toBe(secret !== 'neither');

  expect(compared).toEqual(Array.from({ length: 6 }, () => [32, 32]));
});
