import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { GenerationError, Problem } from '../../functions/generation/errors.ts';
import { picture } from '../support/pictures.ts';
import { startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

// No schedule: nothing here may leave work behind.
const system = await startSystem({ schedule: false });
const { simulator, environment, s3 } = system;

const STORY_MAKER = 'wiro/story-maker-multi-character-consistency';
const story = (inputs: unknown, parameters: unknown = { prompt: 'Two friends' }) => ({
  model: STORY_MAKER,
  parameters,
  inputs,
});

await s3.send(new CreateBucketCommand({ Bucket: 'somebody-elses' }));
await s3.send(new PutObjectCommand({ Bucket: 'somebody-elses', Key: 'a.png', Body: picture() }));
await system.put('a.png', picture(), 'image/png');
await system.put('empty.png', '', 'image/png');
await system.put('large.png', new Uint8Array(100 * 1024 * 1024 + 1), 'image/png');

interface Refusal {
  readonly status: number;
  readonly code: GenerationError['code'];
  readonly field?: string;
  /** A part of the sentence that helps. */
  readonly says: RegExp;
}

// Nothing was accepted, run or charged, and nobody was told.
afterEach(async () => {
  await environment.idle();
  expect(simulator.requests().Run).toBeUndefined();
  expect(simulator.requests()['File/Upload']).toBeUndefined();
  expect([simulator.tasks(), simulator.chargedUsd()]).toEqual([[], 0]);
  expect(environment.events()).toEqual([]);
});

function expectRefusal(answer: { status: number; body: unknown }, { status, code, field, says }: Refusal) {
  expect(answer).toMatchObject({ status });
  expect(answer.body).toMatchObject({
    error: {
      code,
      message: expect.stringMatching(says),
      retryable: false,
      ...(field !== undefined && { field }),
    },
  });
  const { message, problems } = (answer.body as { error: GenerationError & { problems: readonly Problem[] } })
    .error;
  // About a path there is nothing more to say.
  if (status === 404 || status === 405) expect(problems).toBeUndefined();
  else expect(problems[0]).toMatchObject({ code, ...(field !== undefined && { field }) });
  expect(message).toMatch(/[.}]$/);
}

describe('a request that cannot be right is refused with a code, the field and a sentence:', () => {
  const invalid = (field: string | undefined, says: RegExp): Refusal => ({
    status: 400,
    code: 'invalid_parameter',
    ...(field !== undefined && { field }),
    says,
  });

  it.each<[string, unknown, Refusal]>([
    ['a required parameter is missing', story({}, {}), invalid('parameters.prompt', /requires it/)],
    ['a required parameter is empty', story({}, { prompt: ' ' }), invalid('parameters.prompt', /requires/)],
    [
      'a required file is missing',
      { model: 'wiro/image-to-image', parameters: { prompt: 'x' } },
      invalid('inputs.inputImage', /missing/),
    ],
    [
      'the model is not known',
      { model: 'wiro/no-such-model', parameters: { prompt: 'x' } },
      { status: 400, code: 'model_not_found', field: 'model', says: /"wiro\/no-such-model" does not exist/ },
    ],
    [
      'the model talks with a client',
      { model: 'wiro/voice-conversation', parameters: { prompt: 'x' } },
      { status: 400, code: 'model_not_supported', field: 'model', says: /is a realtime model/ },
    ],
    [
      'the model makes a model',
      { model: 'wiro/style-training', parameters: { prompt: 'x' } },
      { status: 400, code: 'model_not_supported', field: 'model', says: /is a training model/ },
    ],
    ['the model has no owner', { model: 'story-maker' }, invalid('model', /"owner\/project"/)],
    ['the model leads elsewhere', { model: 'wiro/..' }, invalid('model', /"owner\/project"/)],
    ['there is no model', { parameters: {} }, invalid('model', /"owner\/project"/)],
    [
      'an object is not there',
      story({ inputImage: 'no/such.png' }),
      { status: 400, code: 'input_not_found', field: 'inputs.inputImage', says: /no object "no\/such\.png"/ },
    ],
    [
      'the second object is not there',
      {
        model: 'wiro/group-portrait',
        parameters: { prompt: 'x' },
        inputs: { inputImages: ['a.png', 'b.png'] },
      },
      { status: 400, code: 'input_not_found', field: 'inputs.inputImages[1]', says: /no object "b\.png"/ },
    ],
    [
      "a bucket is not this deployment's",
      story({ inputImage: 's3://somebody-elses/a.png' }),
      { status: 400, code: 'input_not_allowed', field: 'inputs.inputImage', says: /may not read/ },
    ],
    [
      'an object has 0 bytes',
      story({ inputImage: 'a.png', inputImage2: 'empty.png' }),
      { status: 400, code: 'input_empty', field: 'inputs.inputImage2', says: /0 bytes/ },
    ],
    [
      'an object has more than 100 MB',
      story({ inputImage: 'large.png' }),
      { status: 400, code: 'input_too_large', field: 'inputs.inputImage', says: /104857601 bytes.*100 MB/ },
    ],
    [
      'a URL is http',
      story({ inputImage: 'http://example.com/a.png' }),
      invalid('inputs.inputImage', /https:\/\/ URL/),
    ],
    [
      'a URL is a file',
      story({ inputImage: 'file:///etc/passwd' }),
      invalid('inputs.inputImage', /https:\/\//),
    ],
    [
      'a URL carries a password',
      story({ inputImage: 'https://me:secret@example.com/a.png' }),
      invalid('inputs.inputImage', /password/),
    ],
    [
      'a file parameter does not exist',
      story({ inputPhoto: 'a.png' }),
      invalid('inputs.inputPhoto', /inputImage, inputImage2/),
    ],
    [
      'a parameter is an input, too',
      story({ inputImage: 'a.png' }, { prompt: 'x', inputImage: 'https://example.com/a.png' }),
      invalid('parameters.inputImage', /keep one/),
    ],
    [
      'the callback is to go elsewhere',
      story({}, { prompt: 'x', callbackUrl: 'https://example.com' }),
      invalid('parameters.callbackUrl', /leave it out/),
    ],
    ['parameters are a list', story({}, []), invalid('parameters', /must be an object/)],
    ['inputs are text', story('a.png'), invalid('inputs', /must be an object/)],
    ['an input is a number', story({ inputImage: 7 }), invalid('inputs.inputImage', /must be text/)],
    ['an input is nothing', story({ inputImage: [] }), invalid('inputs.inputImage', /1 to 100/)],
    ['a label is a number', { ...story({}), labels: { order: 7 } }, invalid('labels.order', /must be text/)],
    ['a key is a number', { ...story({}), idempotencyKey: 7 }, invalid('idempotencyKey', /must be text/)],
    ['a key is empty', { ...story({}), idempotencyKey: '' }, invalid('idempotencyKey', /1 to 256/)],
    [
      'a field is misspelled',
      { ...story({}), parameter: {} },
      { status: 400, code: 'invalid_request', field: 'parameter', says: /is not a field of a request/ },
    ],
    ['it is a list', [story({})], { status: 400, code: 'invalid_request', says: /must be a JSON object/ }],
    ['it is null', null, { status: 400, code: 'invalid_request', says: /must be a JSON object/ }],
  ])('%s', async (_, request, refusal) => {
    const answer = await system.post(request);

    expectRefusal(answer, refusal);
  });
});

describe('a body that cannot be read is refused:', () => {
  it.each<[string, string | Uint8Array<ArrayBuffer>, Refusal]>([
    [
      'over 1 MB',
      JSON.stringify(story({}, { prompt: 'x'.repeat(1024 * 1024) })),
      { status: 413, code: 'request_too_large', says: /1 MB/ },
    ],
    ['not JSON', '{"model":', { status: 400, code: 'invalid_request', says: /not JSON/ }],
    ['empty', '', { status: 400, code: 'invalid_request', says: /not JSON/ }],
  ])('%s', async (_, body, refusal) => {
    const answer = await system.call('POST', '/generations', body);

    expectRefusal(answer, refusal);
  });

  it('not UTF-8', async () => {
    const body = new Uint8Array([0x22, 0xff, 0x22]);

    const answer = await system.call('POST', '/generations', body, 'application/octet-stream');

    expectRefusal(answer, { status: 400, code: 'invalid_request', says: /not JSON/ });
  });
});

describe('a request to nowhere is refused:', () => {
  const UNKNOWN_ID = 'a'.repeat(26);

  it.each<[string, string, Refusal]>([
    ['GET', '/', { status: 404, code: 'not_found', says: /POST \/generations/ }],
    ['GET', '/generation/x', { status: 404, code: 'not_found', says: /no such path/ }],
    ['GET', '/generations/no-id', { status: 404, code: 'not_found', says: /no generation "no-id"/ }],
    ['GET', `/generations/${UNKNOWN_ID}`, { status: 404, code: 'not_found', says: /no generation "aaaa/ }],
    ['POST', `/generations/${UNKNOWN_ID}/cancel`, { status: 404, code: 'not_found', says: /no generation/ }],
    ['PUT', '/generations', { status: 405, code: 'method_not_allowed', says: /use GET or POST/ }],
    ['GET', '/uploads', { status: 405, code: 'method_not_allowed', says: /use POST/ }],
    [
      'DELETE',
      `/generations/${UNKNOWN_ID}`,
      { status: 405, code: 'method_not_allowed', says: /DELETE is not supported.*GET/ },
    ],
    [
      'GET',
      `/generations/${UNKNOWN_ID}/cancel`,
      { status: 405, code: 'method_not_allowed', says: /use POST/ },
    ],
  ])('%s %s', async (method, path, refusal) => {
    const answer = await system.call(method, path);

    expectRefusal(answer, refusal);
  });

  it.each([
    ['/generations', 'GET, POST'],
    [`/generations/${UNKNOWN_ID}`, 'GET, HEAD'],
    [`/generations/${UNKNOWN_ID}/cancel`, 'POST'],
  ])('and %s says which method it takes', async (path, allowed) => {
    const { status, headers } = await system.call('PATCH', path);

    expect([status, headers.get('allow')]).toEqual([405, allowed]);
  });
});
