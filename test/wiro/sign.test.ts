import { describe, expect, it } from 'vitest';
import { WiroError } from '../../functions/wiro/errors.ts';
import { createNonces, sign } from '../../functions/wiro/sign.ts';

describe('sign', () => {
  it('signs as openssl does', () => {
    // printf %s secret1734513809 | openssl dgst -sha256 -hmac key
    expect(sign({ apiKey: 'key', apiSecret: 'secret' }, '1734513809')).toEqual({
      'x-api-key': 'key',
      'x-nonce': '1734513809',
      'x-signature': '207d51463ffed1ceb59b045cadf60eff3559ab98bdddd9b678ac9786541fa3b8',
    });
  });

  it('sends the key alone for a project without a secret', () => {
    expect(sign({ apiKey: 'key' }, '1')).toEqual({ 'x-api-key': 'key' });
    expect(sign({ apiKey: 'key', apiSecret: '' }, '1')).toEqual({ 'x-api-key': 'key' });
  });

  it('rejects a key with a line break, without showing it', () => {
    const signing = () => sign({ apiKey: 'key-with\n' }, '1');

    expect(signing).toThrow(WiroError);
    expect(signing).not.toThrow('key-with');
  });

  it('gives every request a unique nonce, also within one millisecond and when the clock goes back', () => {
    const moments = [1_000, 1_000, 1_000, 5_000, 2_000];
    const randoms = [500_000, 7, 500_001, 42, 999_999];
    const nextNonce = createNonces(
      () => new Date(moments.shift() ?? 0),
      () => randoms.shift() ?? 0,
    );

    expect(Array.from({ length: 5 }, nextNonce)).toEqual([
      '1000500000',
      '1000500001',
      '1000500002',
      '5000000042',
      '5000000043',
    ]);
  });

  it('gives processes that start in the same millisecond different nonces, which fit 64 bits', () => {
    const clock = () => new Date('2026-11-30T12:00:00.000Z');
    const nonces = Array.from({ length: 50 }, () => createNonces(clock)());

    // Of 50 draws from a million, two are equal in one of 800 runs of this test, three in one of millions.
    expect(new Set(nonces).size).toBeGreaterThanOrEqual(49);
    for (const nonce of nonces) expect(nonce).toMatch(/^1796040000000\d{6}$/);
    expect(BigInt(nonces[0] ?? '') < 2n ** 63n).toBe(true);
  });
});
