import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../functions/request/request.ts';

const RULES = { inputBucket: 'photos', furtherBuckets: [] };
const GOOD = { model: 'wiro/story', parameters: { prompt: 'a beach' }, inputs: { image: 'a.png' } };

describe('parseRequest', () => {
  it('keeps each source as written and as parsed', () => {
    const request = parseRequest({ ...GOOD, idempotencyKey: 'k', labels: { team: 'x' } }, RULES);

    expect(request).toEqual({
      model: 'wiro/story',
      parameters: { prompt: 'a beach' },
      inputs: { image: [{ text: 'a.png', source: { kind: 'object', bucket: 'photos', key: 'a.png' } }] },
      idempotencyKey: 'k',
      labels: { team: 'x' },
    });
  });

  it.each([
    [null, undefined, 'JSON object'],
    [[], undefined, 'JSON object'],
    ['text', undefined, 'JSON object'],
    [{}, 'model', 'owner/project'],
    [{ model: 'story' }, 'model', 'owner/project'],
    [{ model: 'wiro/../x' }, 'model', 'owner/project'],
    [{ model: '../..' }, 'model', 'owner/project'],
    [{ model: 7 }, 'model', 'owner/project'],
    [{ ...GOOD, prompt: 'x' }, 'prompt', 'is not a field of a request'],
    [{ ...GOOD, parameters: [] }, 'parameters', 'an object'],
    [{ ...GOOD, parameters: { callbackUrl: 'https://x' } }, 'parameters.callbackUrl', 'leave it out'],
    [{ ...GOOD, parameters: { CALLBACKURL: 'https://x' } }, 'parameters.CALLBACKURL', 'leave it out'],
    [{ ...GOOD, parameters: { projectid: '7' } }, 'parameters.projectid', 'another Wiro project'],
    [{ ...GOOD, inputs: { projectId: 'a.png' } }, 'inputs.projectId', 'another Wiro project'],
    [{ ...GOOD, parameters: { 'a b': 1 } }, 'parameters.a b', 'name'],
    [{ ...GOOD, parameters: { image: 1 } }, 'parameters.image', 'keep one'],
    [{ ...GOOD, inputs: 'a.png' }, 'inputs', 'an object'],
    [{ ...GOOD, inputs: { image: 3 } }, 'inputs.image', 'must be text'],
    [{ ...GOOD, inputs: { image: ['a.png', null] } }, 'inputs.image[1]', 'must be text'],
    [{ ...GOOD, inputs: { image: [] } }, 'inputs.image', '1 to 100'],
    [
      { ...GOOD, inputs: Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`n${n}`, 'a.png'])) },
      'inputs',
      'at most 200 in total: leave some out',
    ],
    [{ ...GOOD, inputs: { image: 'ftp://x/y' } }, 'inputs.image', 'https://'],
    [{ ...GOOD, idempotencyKey: '' }, 'idempotencyKey', '1 to 256'],
    [{ ...GOOD, idempotencyKey: 'k'.repeat(257) }, 'idempotencyKey', '1 to 256'],
    [{ ...GOOD, labels: { a: 1 } }, 'labels.a', 'text'],
  ])('refuses %j and names the field', (value, field, part) => {
    expect(() => parseRequest(value, RULES)).toThrow(
      expect.objectContaining({
        error: expect.objectContaining({
          message: expect.stringContaining(part),
          ...(field !== undefined && { field }),
        }),
      }),
    );
  });

  it('puts the index in a file before the field', () => {
    expect(() => parseRequest({ model: 'x' }, RULES, '[3].')).toThrow(
      expect.objectContaining({ error: expect.objectContaining({ field: '[3].model' }) }),
    );
  });
});
