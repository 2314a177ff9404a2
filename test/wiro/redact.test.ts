import { expect, it } from 'vitest';
import { createRedaction } from '../../functions/wiro/redact.ts';

it('removes given secrets and the query of every URL, in plain text and in JSON', () => {
  const redact = createRedaction(['s3cret', undefined, '']);

  expect(redact('key s3cret at https://b.s3.amazonaws.com/a.png?X-Amz-Signature=abc&x=1 failed')).toBe(
    'key … at https://b.s3.amazonaws.com/a.png?… failed',
  );
  expect(redact('{"url":"https:\\/\\/b.example\\/a?token=abc","n":1}')).toBe(
    '{"url":"https:\\/\\/b.example\\/a?…","n":1}',
  );
});

it('removes signatures and presigned queries in every spelling and context', () => {
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

it('truncates after redaction, so that no half of a secret remains', () => {
  expect(createRedaction(['abcdef'], 6)('1234abcdef')).toBe('1234…');
  expect(createRedaction([], 6)('1234567890')).toBe('12345…');
});

it('leaves no half of a character', () => {
  expect(createRedaction([], 4)('12😀345')).toBe('12\uFFFD…');
  expect(createRedaction([])('cut \uD83D')).toBe('cut \uFFFD');
});

it('leaves no half of a secret at the point where it stops reading', () => {
  const secret = 'k'.repeat(40);
  const redact = createRedaction([secret], 100);

  // Redacted queries shorten the text enough to show the point where it stops reading.
  const queries = (length: number) => `https://b.example/?${'q'.repeat(length)} `;
  for (let shift = 0; shift < 200; shift += 1) {
    const text = queries(4_050 + shift) + `${secret} `.repeat(20);
    expect(redact(text)).not.toContain('k');
    expect(redact(text).length).toBeLessThanOrEqual(100);
  }
});

it('keeps no part of a secret over the length limit', () => {
  expect(createRedaction(['x'.repeat(5_000)])(`a ${'x'.repeat(5_000)} b`)).toBe('a …');
});

it('keeps the host of a Wiro result, and removes its path', () => {
  const redact = createRedaction([]);

  expect(redact('Cannot read https://cdn1.wiro.ai/a1b2/out.png?x=1, see https://wiro.ai/docs')).toBe(
    'Cannot read https://cdn1.wiro.ai/… see https://wiro.ai/docs',
  );
  expect(redact('{"url":"https:\\/\\/cdn.wiro.ai\\/a1b2\\/out.png"}')).toBe(
    '{"url":"https:\\/\\/cdn.wiro.ai/…"}',
  );
});

it('removes the queries of URLs that follow each other without a space', () => {
  expect(createRedaction([])('http://a.b/c,http://d.e/f?token=1,http://g.h')).toBe(
    'http://a.b/c,http://d.e/f?…',
  );
});

it('removes the path of a result in every spelling of its URL', () => {
  const redact = createRedaction([]);

  for (const text of [
    'cdn1.wiro.ai/a1b2/out.png',
    '//cdn1.wiro.ai/a1b2/out.png',
    'HTTPS://CDN1.WIRO.AI/a1b2/out.png',
    'https%3A%2F%2Fcdn1.wiro.ai%2Fa1b2%2Fout.png',
    'https%253A%252F%252Fcdn1.wiro.ai%252Fa1b2%252Fout.png',
    'https:\\u002F\\u002Fcdn1.wiro.ai\\u002Fa1b2\\u002Fout.png',
    'https:\\\\/\\\\/cdn1.wiro.ai\\\\/a1b2\\\\/out.png',
    'https://user@cdn1.wiro.ai:443/a1b2/out.png',
    'https://proxy.example/https://cdn1.wiro.ai/a1b2/out.png',
  ])
    expect(redact(`Cannot read ${text} (404)`), text).toMatch(/^Cannot read .*cdn1\.wiro\.ai.*… \(404\)$/i);
  for (const text of ['cdn1.wiro.ai/a1b2', 'cdn1.wiro.ai%2Fa1b2', 'https://user@cdn1.wiro.ai:443/a1b2'])
    expect(redact(text)).not.toContain('a1b2');
});

it('removes the signature of any presigned URL, even if the URL is encoded or incomplete', () => {
  const redact = createRedaction([]);
  const queries = [
    'X-Goog-Credential=me&X-Goog-Signature=s3cret',
    'Expires=1&Signature=s3cret&Key-Pair-Id=K',
    'sv=2024&sig=s3cret',
    'token=s3cret',
  ];

  for (const query of queries) {
    const url = `https://b.example/a.png?${query}`;
    for (const text of [
      url,
      encodeURIComponent(url),
      encodeURIComponent(encodeURIComponent(url)),
      url.replaceAll('/', '\\u002f'),
    ])
      expect(redact(`Cannot read ${text} (404)`), text).toMatch(/^Cannot read .*b\.example.*… \(404\)$/);
  }
  for (const query of queries.slice(0, 3))
    for (const text of [`/a.png?${query}`, query, encodeURIComponent(query)])
      expect(redact(text)).not.toContain('s3cret');
  expect(redact('Signature failed, sig 9, design=1, see cdn1.wiro.ai: it is down')).toBe(
    'Signature failed, sig 9, design=1, see cdn1.wiro.ai: it is down',
  );
});
