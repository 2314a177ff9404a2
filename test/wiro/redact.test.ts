import { expect, it } from 'vitest';
import { createRedaction } from '../../functions/wiro/redact.ts';

it('takes out given secrets and the query of every URL, in plain text and in JSON', () => {
  const redact = createRedaction(['s3cret', undefined, '']);

  expect(redact('key s3cret at https://b.s3.amazonaws.com/a.png?X-Amz-Signature=abc&x=1 failed')).toBe(
    'key … at https://b.s3.amazonaws.com/a.png?… failed',
  );
  expect(redact('{"url":"https:\\/\\/b.example\\/a?token=abc","n":1}')).toBe(
    '{"url":"https:\\/\\/b.example\\/a?…","n":1}',
  );
});

it('cuts after taking out, so that no half of a secret is left', () => {
  expect(createRedaction(['abcdef'], 6)('1234abcdef')).toBe('1234…');
  expect(createRedaction([], 6)('1234567890')).toBe('12345…');
});
