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

  it('says that a key with a line break was stored wrongly, without showing it', () => {
    const signing = () => sign({ apiKey: 'key-with\n' }, '1');

    expect(signing).toThrow(WiroError);
    expect(signing).not.toThrow('key-with');
  });

  it('gives every request a nonce of its own, also within one millisecond and when the clock goes back', () => {
    const moments = [1_000, 1_000, 5_000, 2_000];
    const nextNonce = createNonces(() => new Date(moments.shift() ?? 0));

    expect([nextNonce(), nextNonce(), nextNonce(), nextNonce()]).toEqual(['1000', '1001', '5000', '5001']);
  });
});
