import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestError } from '../../functions/generation/errors.ts';
import { parseRequest } from '../../functions/request/request.ts';
import { createEventCheck } from './event-schemas.ts';

const RULES = { inputBucket: 'inputs', furtherBuckets: ['photos'] };
const check = createEventCheck({ isStrict: false });

/** Validates a `Generation Requested` event with this detail against the schema. */
function schemaTakes(detail: unknown): boolean {
  const event = {
    version: '0',
    id: '17793124-05d4-b198-2fde-7ededc63b103',
    'detail-type': 'Generation Requested',
    source: 'my.app',
    account: '123456789012',
    time: '2026-11-22T10:00:00Z',
    region: 'eu-west-1',
    resources: [],
    detail,
  };
  return check(event).length === 0;
}

/** Validates it with the product's own checks, before any call to Wiro or S3. */
function productTakes(detail: unknown): boolean {
  try {
    parseRequest(detail, RULES);
    return true;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return false;
  }
}

const MODEL = { model: 'wiro/text-to-image' };
const input = (image: unknown) => ({ ...MODEL, inputs: { image } });
const parameter = (name: string) => ({ ...MODEL, parameters: { [name]: 1 } });
const labels = (given: unknown) => ({ ...MODEL, labels: given });
const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`, '']));
const FOUR_BYTES = '\u{1F680}';

describe('a valid request is valid by the schema too:', () => {
  it.each<[string, unknown]>([
    ['the least', MODEL],
    [
      'all of it',
      {
        model: 'a.b_c-1/D.e',
        parameters: { prompt: 'x', width: 1, deep: { list: [null] } },
        inputs: { image: 'a.png', images: ['s3://photos/b.png', 'https://example.com/c.png'] },
        idempotencyKey: 'k',
        labels: { order: '17' },
      },
    ],
    ['empty parts', { ...MODEL, parameters: {}, inputs: {}, labels: {} }],
    [
      'the longest names',
      { model: `${'a'.repeat(128)}/${'b'.repeat(128)}`, parameters: { ['c'.repeat(128)]: 1 } },
    ],
    ['the longest idempotency key', { ...MODEL, idempotencyKey: 'k'.repeat(256) }],
    ['the most labels', labels(many(20))],
    ['the longest label', labels({ ['n'.repeat(256)]: 'x'.repeat(256) })],
    [
      'labels of any name',
      labels({ 'für wen?': 'a', constructor: 'b', ['__proto__']: 'c', '': 'd', 'e.f': 'g' }),
    ],
    ['the most sources', input(Array.from({ length: 100 }, () => 'a'))],
    ['the longest key', input('x'.repeat(1_024))],
    ['a key with a colon', input('16:9.png')],
    ['a key with a line break', input('a\nb')],
    ['a key in a bucket with a slash at its end', input('s3://inputs/folder/')],
    ['a URL in capitals', input('HTTPS://EXAMPLE.COM/A.PNG')],
    ['a URL with a port and an @ in its path', input('https://example.com:8443/@me?to=a@b')],
    ['a URL with an empty user', input('https://@example.com/')],
    ['a URL with slashes too many', input('https:////example.com/')],
  ])('%s', (_, detail) => {
    expect([productTakes(detail), schemaTakes(detail)]).toEqual([true, true]);
  });
});

describe('an invalid request is invalid by the schema too:', () => {
  it.each<[string, unknown]>([
    ['no model', { parameters: {} }],
    ['a model without an owner', { model: 'text-to-image' }],
    ['a model with a space', { model: 'wiro/text to image' }],
    ['a model of dots', { model: 'wiro/..' }],
    ['an owner of dots', { model: './a' }],
    ['a model too deep', { model: 'a/b/c' }],
    ['a model that is too long', { model: `a/${'b'.repeat(129)}` }],
    ['a model that is no text', { model: 7 }],
    ['an unknown property', { ...MODEL, callbackUrl: 'https://example.com' }],
    ['parameters that are a list', { ...MODEL, parameters: [] }],
    ['parameters that are null', { ...MODEL, parameters: null }],
    ['a parameter without a name', parameter('')],
    ['a parameter with a space', parameter('a b')],
    ['a parameter of ours', parameter('callbackUrl')],
    ['a parameter of ours in other letters', parameter('CALLBACKURL')],
    ["a parameter for another project's list", parameter('projectId')],
    ['a parameter called __proto__', JSON.parse('{"model": "a/b", "parameters": {"__proto__": 1}}')],
    ['an input of ours', { ...MODEL, inputs: { callbackurl: 'a.png' } }],
    ['inputs that are text', { ...MODEL, inputs: 'a.png' }],
    ['an input that is a number', input(7)],
    ['an input that is null', input(null)],
    ['no source', input([])],
    ['too many sources', input(Array.from({ length: 101 }, () => 'a'))],
    ['a list in a list', input([['a']])],
    ['an empty source', input('')],
    ['a key that is too long', input('x'.repeat(1_025))],
    ['a bucket without a key', input('s3://inputs')],
    ['a bucket with an empty key', input('s3://inputs/')],
    ['a key without a bucket', input('s3:///a.png')],
    ['s3 in capitals', input('S3://inputs/a.png')],
    ['http', input('http://example.com/a.png')],
    ['ftp', input('ftp://example.com/a.png')],
    ['a data URL', input('data:image/png;base64,AAAA')],
    ['a file URL', input('FILE:/etc/passwd')],
    ['a script', input('javascript:alert(1)')],
    ['a URL without a host', input('https://')],
    ['a URL with a user', input('https://me@example.com/')],
    ['a URL with a user and a password', input('https://me:secret@example.com/')],
    ['a URL with a password alone', input('https://:secret@example.com/')],
    ['a URL with a user behind slashes', input('https:////me@example.com/')],
    ['a URL that is too long', input(`https://example.com/${'x'.repeat(4_096)}`)],
    ['an empty idempotency key', { ...MODEL, idempotencyKey: '' }],
    ['an idempotency key that is too long', { ...MODEL, idempotencyKey: 'k'.repeat(257) }],
    ['an idempotency key that is null', { ...MODEL, idempotencyKey: null }],
    ['too many labels', labels(many(21))],
    ['a label that is a number', labels({ order: 17 })],
    ['a label that is too long', labels({ order: 'x'.repeat(257) })],
    ['a label whose name is too long', labels({ ['x'.repeat(257)]: '17' })],
    ['labels that are a list', labels(['a'])],
    ['text', 'a request'],
    ['a list', [MODEL]],
    ['nothing', null],
  ])('%s', (_, detail) => {
    expect([productTakes(detail), schemaTakes(detail)]).toEqual([false, false]);
  });
});

// Only Wiro and S3 can tell whether the model and the objects exist.
describe('only the product checks', () => {
  it.each<[string, unknown]>([
    ['which buckets are the deployment’s', input('s3://somebody-elses/a.png')],
    ['that a parameter is also an input', { ...input('a.png'), parameters: { image: 'b.png' } }],
    ['how many bytes a key has', input('é'.repeat(600))],
    ['which URLs can be read', input('https://exa mple.com/')],
    ['which hosts there can be', input('https://[1/')],
    ['how long a text is that JSON Schema counts otherwise', labels({ order: FOUR_BYTES.repeat(200) })],
  ])('%s', (_, detail) => {
    expect([productTakes(detail), schemaTakes(detail)]).toEqual([false, true]);
  });
});

/** Parts of a text that are special to the schema or to the product. */
const pieces = fc.constantFrom(
  ...[
    's3://',
    'https://',
    'HTTPS://',
    'http:',
    'data:',
    '__proto__',
    'callbackUrl',
    'CALLBACKURL',
    'projectid',
    'inputs',
  ],
  ...['photos', 'a', 'Z', '9', '.', '..', '_', '-', '/', '//', '\\', ':', '@', '?', '#', '[', ']', '%', ' '],
  ...['\t', '\n', '\uFEFF', 'é', FOUR_BYTES, '\uD800', 'x'.repeat(128), 'x'.repeat(900)],
);
const texts = fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join(''));
const named = (values: fc.Arbitrary<unknown>, maxKeys = 3) =>
  fc.dictionary(fc.oneof(texts, fc.constantFrom('image', 'prompt')), values, { maxKeys });
const odd = fc.constantFrom<unknown>(null, 7, true, [], {}, '');
const sources = fc.oneof(texts, fc.array(texts, { maxLength: 3 }), odd);
/** Varies one part at a time: otherwise hardly any request would be valid. */
const requests = fc
  .oneof(
    fc.record({ model: fc.oneof(texts, odd) }),
    fc.record({ parameters: fc.oneof(named(odd), odd) }),
    fc.record({ inputs: fc.oneof(named(sources), odd) }),
    fc.record({ idempotencyKey: fc.oneof(texts, odd) }),
    fc.record({ labels: fc.oneof(named(fc.oneof(texts, odd), 22), odd) }),
  )
  .map((part) => ({ ...MODEL, ...part }));

it('never rejects by the schema a request that the product accepts', () => {
  let taken = 0;
  fc.assert(
    fc.property(requests, (detail) => {
      if (!productTakes(detail)) return;
      taken += 1;
      expect(schemaTakes(detail)).toBe(true);
    }),
    { numRuns: 3_000 },
  );
  expect(taken).toBeGreaterThan(300);
});

it('judges a single source as the product does, except for checks that only the product can do', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const detail = input(text);
      const isTaken = productTakes(detail);
      if (isTaken === schemaTakes(detail)) return;
      // The schema may never be stricter than the product.
      expect(isTaken).toBe(false);
      const isOtherBucket = /^s3:\/\/(?!(inputs|photos)\/)/.test(text);
      const isUnreadable = /^https:\/\//i.test(text) && !readsWithoutUser(text);
      const isTooLong = Buffer.byteLength(text) > 1_024;
      // A schema cannot express an unpaired surrogate (half of a character).
      expect(isOtherBucket || isUnreadable || isTooLong || !text.isWellFormed()).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

const readsWithoutUser = (text: string) => {
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.password === '';
};
