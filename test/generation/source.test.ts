import { describe, expect, it } from 'vitest';
import { parseSource } from '../../functions/generation/source.ts';

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
