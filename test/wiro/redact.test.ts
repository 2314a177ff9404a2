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

it('takes out signatures and presigned queries in whatever spelling of whatever they are part of', () => {
  const redact = createRedaction([]);
  const signature = 'Ab12'.repeat(16);

  for (const text of [
    signature,
    `/shop/abc/1/${signature}`,
    `https:\\/\\/cb.example\\/shop\\/${signature}`,
    `https%3A%2F%2Fcb.example%2F${signature}%22`,
    `https%3A%2F%2Fb.example%2Fa%3FX-Amz-Security-Token%3Dabc%26X-Amz-Signature%3D${signature}`,
    `/a.png?x-amz-credential=abc&X-Amz-Signature=${signature}`,
  ])
    expect(redact(text)).not.toMatch(/Ab12|abc&|abc%26|credential=|Token/i);
  expect(redact('task 1234567890, commit 0123456789abcdef0123456789abcdef01234567')).toBe(
    'task 1234567890, commit 0123456789abcdef0123456789abcdef01234567',
  );
});

it('cuts after taking out, so that no half of a secret is left', () => {
  expect(createRedaction(['abcdef'], 6)('1234abcdef')).toBe('1234…');
  expect(createRedaction([], 6)('1234567890')).toBe('12345…');
});
