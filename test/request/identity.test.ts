import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  generationId,
  isGenerationId,
  requestHash,
} from '../../functions/request/identity.ts';
import { parseRequest } from '../../functions/request/request.ts';

const RULES = { inputBucket: 'photos', furtherBuckets: [] };

describe('generationId', () => {
  it('is the same for the same key and differs for different keys', () => {
    const ids = [
      generationId('app', 'api', 'k'),
      generationId('app', 'api', 'k'),
      generationId('app', 's3', 'k'),
      generationId('other', 'api', 'k'),
      generationId('app', 'api', 'K'),
    ];

    expect(new Set(ids).size).toBe(4);
    expect(ids[0]).toBe(ids[1]);
    expect(ids.every(isGenerationId)).toBe(true);
  });

  it('is the base32 of the SHA-256 of its parts as JSON', () => {
    // printf '["app","api","k"]' | openssl dgst -sha256 -binary | head -c 16 | base32 | tr A-Z a-z
    expect(generationId('app', 'api', 'k')).toBe('skqtrfxvglq7yp2xdmyywz5hnu');
  });
});

describe('requestHash', () => {
  const hash = (value: unknown) => requestHash(parseRequest(value, RULES));

  it('does not depend on the order of names, the spelling of a source, or the key', () => {
    const one = hash({ model: 'a/b', parameters: { x: 1, y: { b: 2, a: [1, 2] } }, inputs: { i: 'k.png' } });
    const same = hash({
      inputs: { i: ['s3://photos/k.png'] },
      idempotencyKey: 'k',
      parameters: { y: { a: [1, 2], b: 2 }, x: 1 },
      model: 'a/b',
    });

    expect(same).toBe(one);
  });

  it('changes with the content of the request', () => {
    const hashes = [
      hash({ model: 'a/b', parameters: { x: 1 } }),
      hash({ model: 'a/c', parameters: { x: 1 } }),
      hash({ model: 'a/b', parameters: { x: '1' } }),
      hash({ model: 'a/b', parameters: { x: 1 }, labels: { l: 'm' } }),
      hash({ model: 'a/b', parameters: { x: 1 }, inputs: { i: ['a', 'b'] } }),
      hash({ model: 'a/b', parameters: { x: 1 }, inputs: { i: ['b', 'a'] } }),
    ];

    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

it('canonicalJson sorts names at every depth and keeps the order of lists', () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}');
});
