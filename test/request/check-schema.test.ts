import { describe, expect, it } from 'vitest';
import type { RequestError } from '../../functions/generation/errors.ts';
import { checkAgainstSchema, findUnknownParameters } from '../../functions/request/check-schema.ts';
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
    ['zero, which is a value', request({ parameters: { prompt: 0, seed: 0 } })],
    ['a number written as text', request({ parameters: { prompt: 'x', seed: '17' } })],
    ['what is unset', request({ parameters: { prompt: 'x', seed: '', maskUrl: null } })],
  ])('accepts %s', (_, given) => {
    expect(refusal(given)).toBeUndefined();
  });

  it('accepts anything for a model without a list of parameters', () => {
    expect(refusal(request({ parameters: {}, inputs: { x: picture } }), { parameters: [] })).toBeUndefined();
  });

  it.each([
    ['a missing parameter', request({ parameters: {} }), 'parameters.prompt'],
    ['an empty one', request({ parameters: { prompt: ' \n' } }), 'parameters.prompt'],
    ['one that is null', request({ parameters: { prompt: null } }), 'parameters.prompt'],
    ['a missing file', request({ inputs: {} }), 'inputs.inputImage'],
    ['a number that is none', request({ parameters: { prompt: 'x', seed: 'lots' } }), 'parameters.seed'],
    ['a text that is a list', request({ parameters: { prompt: ['x'] } }), 'parameters.prompt'],
    [
      'a file given as text',
      request({ parameters: { prompt: 'x', inputImage: 'a.png' } }),
      'parameters.inputImage',
    ],
    [
      "a file's URL that is none",
      request({ parameters: { prompt: 'x', inputImageUrl: 's3://photos/a.png' } }),
      'parameters.inputImageUrl',
    ],
    [
      'a file for an undeclared parameter',
      request({ inputs: { inputImage: picture, photo: picture } }),
      'inputs.photo',
    ],
  ])('refuses %s and names the field', (_, given, field) => {
    expect(refusal(given)).toMatchObject({ code: 'invalid_parameter', field, retryable: false });
  });

  it('names the file parameters of the model', () => {
    expect(refusal(request({ inputs: { inputImage: picture, photo: picture } }))).toMatchObject({
      message: 'inputs.photo is not a parameter of wiro/flux: its file parameters are inputImage.',
    });
    expect(refusal(request(), { parameters: [parameter('prompt', 'text')] })).toMatchObject({
      message: 'inputs.inputImage is not a parameter of wiro/flux: it accepts no files.',
    });
  });

  it('names the request in a file', () => {
    expect(refusal(request({ parameters: {} }), SCHEMA, '[3].')).toMatchObject({
      field: '[3].parameters.prompt',
    });
  });

  it('ignores members of the object prototype', () => {
    const schema = { parameters: [parameter('constructor', 'text', true)] };

    expect(refusal(request({ parameters: {}, inputs: {} }), schema)).toMatchObject({
      field: 'parameters.constructor',
    });
  });
});

it('refuses two files for a parameter that takes one', () => {
  const schema = { parameters: [parameter('photo', 'fileinput')] };

  expect(refusal(request({ inputs: { photo: [...picture, ...picture] } }), schema)).toMatchObject({
    field: 'inputs.photo',
    message: 'inputs.photo takes one file, but 2 are given: keep one of them.',
  });
});

it('finds every problem at once, the first one first', () => {
  const given = request({ parameters: { seed: 'x', inputImageUrl: 7 }, inputs: { photo: picture } });

  const error = (() => {
    try {
      return checkAgainstSchema(given, SCHEMA);
    } catch (caught) {
      return caught as RequestError;
    }
  })();

  expect(error?.problems.map(({ field }) => field)).toEqual([
    'inputs.photo',
    'parameters.prompt',
    'parameters.inputImageUrl',
    'parameters.seed',
  ]);
});

describe('findUnknownParameters', () => {
  const messages = (parameters: Readonly<Record<string, unknown>>) =>
    findUnknownParameters(request({ parameters }), SCHEMA).map(({ message }) => message);

  it('suggests the parameter that was meant', () => {
    expect(messages({ promt: 'x', prompt: 'x' })).toEqual([
      'parameters.promt is not a parameter that wiro/flux lists. Did you mean "prompt"?',
    ]);
    expect(messages({ mask_url: 'x' })).toEqual([
      'parameters.mask_url is not a parameter that wiro/flux lists. Did you mean "maskUrl"?',
    ]);
  });

  it('suggests nothing where nothing is close', () => {
    expect(messages({ sharpness: 1 })).toEqual([
      'parameters.sharpness is not a parameter that wiro/flux lists.',
    ]);
  });

  it('knows the URL of a file, and what language models take without listing it', () => {
    expect(messages({ inputImageUrl: 'https://a.b/c.png', session_id: 'x', messages: [] })).toEqual([]);
  });

  it('says nothing about a model without a list', () => {
    expect(findUnknownParameters(request({ parameters: { x: 1 } }), { parameters: [] })).toEqual([]);
  });
});
