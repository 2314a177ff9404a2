import { describe, expect, it } from 'vitest';
import type { RequestError } from '../../functions/generation/errors.ts';
import { checkAgainstSchema } from '../../functions/request/check-schema.ts';
import type { GenerationRequest } from '../../functions/request/request.ts';
import type { ModelParameter } from '../../functions/wiro/types.ts';

const parameter = (id: string, type: string, required = false): ModelParameter => ({ id, type, required });
const SCHEMA = {
  parameters: [
    parameter('prompt', 'textarea', true),
    parameter('inputImage', 'multifileinput', true),
    parameter('maskUrl', 'text'),
    parameter('seed', 'number'),
  ],
};
const picture = [{ text: 'a.png', source: { kind: 'object', bucket: 'photos', key: 'a.png' } }] as const;

function request(over: Partial<GenerationRequest> = {}) {
  return { model: 'wiro/flux', parameters: { prompt: 'a cat' }, inputs: { inputImage: picture }, ...over };
}

function refusal(given: ReturnType<typeof request>, schema = SCHEMA, path = ''): unknown {
  try {
    checkAgainstSchema(given, schema, path);
    return undefined;
  } catch (error) {
    return (error as RequestError).error;
  }
}

describe('checkAgainstSchema', () => {
  it.each([
    ['what the model requires', request()],
    [
      'a file given as its URL',
      request({ parameters: { prompt: 'x', inputImageUrl: 'https://a.b/c.png' }, inputs: {} }),
    ],
    [
      'a file for a parameter that takes its URL',
      request({ inputs: { inputImage: picture, mask: picture } }),
    ],
    [
      'a parameter that the schema does not list: Wiro decides',
      request({ parameters: { prompt: 'x', style: 'y' } }),
    ],
    ['zero and false: they are values', request({ parameters: { prompt: 0, seed: false } })],
  ])('accepts %s', (_, given) => {
    expect(refusal(given)).toBeUndefined();
  });

  it('accepts anything for a model without a list', () => {
    expect(refusal(request({ parameters: {}, inputs: { x: picture } }), { parameters: [] })).toBeUndefined();
  });

  it.each([
    ['a missing parameter', request({ parameters: {} }), 'parameters.prompt'],
    ['an empty one', request({ parameters: { prompt: ' \n' } }), 'parameters.prompt'],
    ['one that is null', request({ parameters: { prompt: null } }), 'parameters.prompt'],
    ['a missing file', request({ inputs: {} }), 'inputs.inputImage'],
    [
      'a file for what is no parameter',
      request({ inputs: { inputImage: picture, photo: picture } }),
      'inputs.photo',
    ],
  ])('refuses %s and names the field', (_, given, field) => {
    expect(refusal(given)).toMatchObject({ code: 'invalid_parameter', field, retryable: false });
  });

  it('names the file parameters that there are', () => {
    expect(refusal(request({ inputs: { inputImage: picture, photo: picture } }))).toMatchObject({
      message: 'inputs.photo is not a parameter of wiro/flux: its file parameters are inputImage.',
    });
    expect(refusal(request(), { parameters: [parameter('prompt', 'text')] })).toMatchObject({
      message: 'inputs.inputImage is not a parameter of wiro/flux: it takes no files.',
    });
  });

  it('says which request of a file it is', () => {
    expect(refusal(request({ parameters: {} }), SCHEMA, '[3].')).toMatchObject({
      field: '[3].parameters.prompt',
    });
  });

  it('does not take what every object has for something given', () => {
    const schema = { parameters: [parameter('constructor', 'text', true)] };

    expect(refusal(request({ parameters: {}, inputs: {} }), schema)).toMatchObject({
      field: 'parameters.constructor',
    });
  });
});
