import { describe, expect, it } from 'vitest';
import {
  callbackUrl,
  isSigned,
  parseCallbackPath,
  parseCallbackUrl,
} from '../../functions/generation/callback-url.ts';

const SUBJECT = { deployment: 'app', generationId: 'abcdefghijklmnopqrstuvwxyz', attempt: 1 };
// printf 'app/abcdefghijklmnopqrstuvwxyz/1' | openssl dgst -sha256 -hmac s3cret
const SIGNATURE = '6432d74c8b9e498161cb9bb3ecfd40ddf488aec54157df6d57616225ff94420f';

describe('a callback URL', () => {
  it('names deployment, generation and attempt, signed as openssl signs them', () => {
    expect(callbackUrl('https://x.lambda-url.aws/', SUBJECT, 's3cret')).toBe(
      `https://x.lambda-url.aws/app/abcdefghijklmnopqrstuvwxyz/1/${SIGNATURE}`,
    );
  });

  it('is read back from its path, and from the whole URL under any base', () => {
    const path = { ...SUBJECT, signature: SIGNATURE };

    expect(parseCallbackPath(`/app/abcdefghijklmnopqrstuvwxyz/1/${SIGNATURE}`)).toEqual(path);
    expect(parseCallbackUrl(callbackUrl('https://x.example/hooks/wiro', SUBJECT, 's3cret'))).toEqual(path);
  });

  it.each(['/hooks/wiro', '/v1/other/hooks', '//', '/app/abcdefghijklmnopqrstuvwxyz/1/0', '/%00/..'])(
    'is read after the prefix %j, which a CDN passes on',
    (prefix) => {
      expect(parseCallbackPath(`${prefix}/app/abcdefghijklmnopqrstuvwxyz/1/${SIGNATURE}`)).toEqual({
        ...SUBJECT,
        signature: SIGNATURE,
      });
    },
  );

  it('is accepted with the current and the previous secret, and with no other', () => {
    const path = { ...SUBJECT, signature: SIGNATURE };

    expect(isSigned(path, ['s3cret'])).toBe(true);
    expect(isSigned(path, ['new', 's3cret'])).toBe(true);
    expect(isSigned(path, ['new'])).toBe(false);
    expect(isSigned(path, [])).toBe(false);
    expect(isSigned({ ...path, attempt: 2 }, ['s3cret'])).toBe(false);
    expect(
      isSigned({ ...path, signature: SIGNATURE.replace(/.$/, '0').replace(/^./, 'f') }, ['s3cret']),
    ).toBe(false);
  });

  it.each([
    '/',
    '',
    '/app/abcdefghijklmnopqrstuvwxyz/1',
    `/app/abcdefghijklmnopqrstuvwxyz/0/${SIGNATURE}`,
    `/app/abcdefghijklmnopqrstuvwxyz/01/${SIGNATURE}`,
    `/app/abcdefghijklmnopqrstuvwxyz/1/${SIGNATURE.toUpperCase()}`,
    `/app/abcdefghijklmnopqrstuvwxyz/1/${SIGNATURE}/`,
    `/app/abcdefghijklmnopqrstuvwxyz/1/${SIGNATURE}0`,
    `/hooks/abcdefghijklmnopqrstuvwxyz/1/${SIGNATURE}/app`,
    `/hooks//abcdefghijklmnopqrstuvwxyz/1/${SIGNATURE}`,
    `/hooks/app%2Fabcdefghijklmnopqrstuvwxyz/1/${SIGNATURE}`,
    `/app/../abcdefghijklmnopqrstuvwxyz/1/${SIGNATURE}`,
    `/app/ABCDEFGHIJKLMNOPQRSTUVWXYZ/1/${SIGNATURE}`,
    `/app/abcdefghijklmnopqrstuvwxyz/1/${SIGNATURE}\n`,
  ])('is not: %j', (path) => {
    expect(parseCallbackPath(path)).toBeUndefined();
  });
});
