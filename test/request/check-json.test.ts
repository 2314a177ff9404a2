import { describe, expect, it, vi } from 'vitest';
import { RequestError } from '../../functions/generation/errors.ts';
import { checkJson } from '../../functions/request/check-json.ts';

function said(text: string, path?: string) {
  try {
    checkJson(JSON.parse(text), path);
    return 'kept';
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.error;
  }
}

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

describe('a JSON value', () => {
  it.each([
    '[9007199254740991, -9007199254740991, 0.1, 1e-7, 1e15, true, null]',
    '{"\\ud83d\\ude00": "a grin: \\ud83d\\ude00", "ü": ""}',
    nested(64),
  ])('is accepted if it can be stored without loss: %s', (text) => {
    expect(said(text)).toBe('kept');
  });

  it.each([
    '9007199254740993',
    '9007199254740992',
    '-9007199254740992',
    '1e400',
    '-1e400',
    '12345678901234567890',
    '1e300',
  ])('is refused if a number would change: %s', (number) => {
    expect(said(`{"parameters": {"prompt": "x", "seed": ${number}}}`)).toEqual({
      code: 'invalid_parameter',
      message:
        'parameters.seed is a number that would lose digits (beyond 2^53 or infinite): send it as text.',
      field: 'parameters.seed',
      retryable: false,
    });
  });

  it.each([
    ['{"a": ["x", "\\ud800"]}', 'a[1]'],
    ['{"a": {"b": "x\\udc00y"}}', 'a.b'],
    ['{"a": {"\\ud800": 1}}', 'a'],
    ['{"\\ud800": 1}', undefined],
  ])('is refused if a text is not well-formed: %s', (text, field) => {
    const error = said(text);

    expect(error).toMatchObject({ message: expect.stringContaining('half of a character') });
    expect(typeof error === 'object' && error.field).toBe(field);
  });

  it.each([65, 20_000, 400_000])('is refused at %i levels', (levels) => {
    expect(said(nested(levels))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('at most 64 levels'),
    });
  });

  it('is not read further after a hundred problems, even if all have one field', () => {
    const faults = Array.from({ length: 1_000 }, () => Number.POSITIVE_INFINITY);
    const read = vi.fn(() => 'the last');
    const last = Object.defineProperty({}, 'x', { enumerable: true, get: read });

    expect(() => checkJson({ ['n'.repeat(600)]: [...faults, last] })).toThrow(/send it as text/);
    expect(() => checkJson({ ['n'.repeat(600)]: [...faults.slice(0, 99), last] })).toThrow(/send it as text/);

    expect(read).toHaveBeenCalledTimes(1);
  });

  it('names the first problem in document order, with a field that fits into an answer', () => {
    const long = 'k'.repeat(100_000);

    expect(said('{"a": [1e400, "\\ud800"], "b": 1e400}', '[3].')).toMatchObject({ field: '[3].a[0]' });
    const error = said(`{"${long}": {"${long}": 1e400}}`);
    expect(JSON.stringify(error).length).toBeLessThan(1_500);
    expect(error).toMatchObject({ message: expect.stringMatching(/send it as text\.$/) });
  });
});
