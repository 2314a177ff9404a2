import { describe, expect, it } from 'vitest';
import { parseInputPrefixes } from '../../functions/request/input-prefixes.ts';
import { parseSource } from '../../functions/request/source.ts';

const RULES = { inputBucket: 'photos', furtherBuckets: ['archive'] };
const parse = (text: string) => parseSource(text, 'inputs.image', RULES);

describe('parseSource', () => {
  it.each([
    ['cat.png', { kind: 'object', bucket: 'photos', key: 'cat.png' }],
    ['a b/16:9 größe+1%.png', { kind: 'object', bucket: 'photos', key: 'a b/16:9 größe+1%.png' }],
    ['s3://photos/a/b.png', { kind: 'object', bucket: 'photos', key: 'a/b.png' }],
    ['s3://archive//b.png', { kind: 'object', bucket: 'archive', key: '/b.png' }],
    ['https://example.com/a.png?x=1', { kind: 'url', url: 'https://example.com/a.png?x=1' }],
    ['HTTPS://EXAMPLE.com', { kind: 'url', url: 'https://example.com/' }],
  ])('reads %s', (text, source) => {
    expect(parse(text)).toEqual(source);
  });

  it.each([
    ['', 'invalid_parameter', 'characters'],
    ['s3://photos', 'invalid_parameter', 's3://bucket/key'],
    ['s3://photos/', 'invalid_parameter', 's3://bucket/key'],
    ['s3:///key', 'invalid_parameter', 's3://bucket/key'],
    ['s3://secrets/key', 'input_not_allowed', '"photos"'],
    ['http://example.com/a.png', 'invalid_parameter', 'https://'],
    ['file:///etc/passwd', 'invalid_parameter', 'https://'],
    ['data:image/png;base64,AAAA', 'invalid_parameter', 'https://'],
    ['https://user:pass@example.com/', 'invalid_parameter', 'password'],
    ['https://', 'invalid_parameter', 'URL'],
    ['s3://photos/a.png?X-Amz-Signature=abc', 'invalid_parameter', 'presigned'],
    ['s3://photos?X-Amz-Signature=abc/a.png', 'invalid_parameter', 'presigned'],
    ['a.png?a=1&x-amz-credential=abc', 'invalid_parameter', 'presigned'],
    ['a.png?Expires=1&Signature=abc&Key-Pair-Id=K', 'invalid_parameter', 'presigned'],
    ['a.png?sv=2024&sig=abc', 'invalid_parameter', 'presigned'],
    ['s3://photos/a.png?X-Goog-Signature=abc', 'invalid_parameter', 'presigned'],
    ['x'.repeat(1025), 'invalid_parameter', '1,024 bytes'],
  ])('refuses %s and says why', (text, code, part) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        error: expect.objectContaining({
          code,
          field: 'inputs.image',
          message: expect.stringContaining(part),
        }),
      }),
    );
  });
});

describe('parseSource with restricted prefixes', () => {
  const restricted = {
    ...RULES,
    prefixes: parseInputPrefixes(['inputs/', 'shared/2026/', 's3://archive/public/'], 'photos'),
  };

  it.each([
    ['inputs/cat.png', 'photos', 'inputs/cat.png'],
    ['s3://photos/shared/2026/a.png', 'photos', 'shared/2026/a.png'],
    ['inputs/a..b/...c', 'photos', 'inputs/a..b/...c'],
    ['s3://archive/public/x', 'archive', 'public/x'],
  ])('accepts %s', (text, bucket, key) => {
    expect(parseSource(text, 'inputs.image', restricted)).toEqual({ kind: 'object', bucket, key });
  });

  it('does not restrict a bucket without prefixes', () => {
    const rules = { ...RULES, prefixes: parseInputPrefixes(['s3://archive/public/'], 'photos') };

    expect(parseSource('private/cat.png', 'inputs.image', rules)).toMatchObject({ key: 'private/cat.png' });
  });

  it.each([
    'private/cat.png',
    'inputs',
    'Inputs/cat.png',
    'inputs-private/cat.png',
    '/inputs/cat.png',
    's3://photos//inputs/cat.png',
    'inputs%2Fcat.png',
    'inputs/../private/cat.png',
    'inputs/./cat.png',
    'inputs/a/..',
    'private/../inputs/cat.png',
    's3://archive/inputs/cat.png',
    's3://archive/publicx',
    'uploads/portraits/someone.png',
  ])('refuses %s, and names the field and what is allowed', (text) => {
    const allowed = text.startsWith('s3://archive') ? 'public/' : 'inputs/ or shared/2026/';
    expect(() => parseSource(text, 'inputs.image[1]', restricted)).toThrow(
      expect.objectContaining({
        error: expect.objectContaining({
          code: 'input_not_allowed',
          field: 'inputs.image[1]',
          message: expect.stringContaining(`under ${allowed},`),
        }),
      }),
    );
  });
});
