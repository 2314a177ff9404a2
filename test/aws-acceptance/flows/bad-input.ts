import assert from 'node:assert/strict';
import type { Flow } from '../flow.ts';
import { errorCode } from './idempotency.ts';
import { STORY } from './story.ts';

const withInput = (inputImage: string) =>
  JSON.stringify({ ...STORY, inputs: { ...STORY.inputs, inputImage } });
const withoutKey = (name: string) => JSON.stringify({ ...STORY, [name]: undefined });

/** A request, its expected answer, and the reason. */
const REQUESTS: readonly (readonly [
  what: string,
  method: string,
  path: string,
  body: string | undefined,
  status: number,
  code: string,
])[] = [
  ['not JSON', 'POST', '/generations', '{"model"', 400, 'invalid_request'],
  [
    'an unknown field',
    'POST',
    '/generations',
    JSON.stringify({ ...STORY, modle: 1 }),
    400,
    'invalid_request',
  ],
  ['no model', 'POST', '/generations', withoutKey('model'), 400, 'invalid_parameter'],
  [
    'an unknown model',
    'POST',
    '/generations',
    JSON.stringify({ ...STORY, model: 'wiro/no-such-model-as-this' }),
    400,
    'model_not_found',
  ],
  ['an object that is not there', 'POST', '/generations', withInput('no/such.png'), 400, 'input_not_found'],
  [
    "a bucket that is not the stack's",
    'POST',
    '/generations',
    withInput('s3://other-bucket/a.png'),
    400,
    'input_not_allowed',
  ],
  ['an empty object', 'POST', '/generations', withInput('empty.png'), 400, 'input_empty'],
  [
    'a plain http URL',
    'POST',
    '/generations',
    withInput('http://example.com/a.png'),
    400,
    'invalid_parameter',
  ],
  [
    'more than 1 MB',
    'POST',
    '/generations',
    JSON.stringify({ ...STORY, parameters: { prompt: 'x'.repeat(1_100_000) } }),
    413,
    'request_too_large',
  ],
  ['an unknown id', 'GET', `/generations/${'a'.repeat(26)}`, undefined, 404, 'not_found'],
  ['another method', 'DELETE', '/generations', undefined, 405, 'method_not_allowed'],
];

export const badInput: Flow = {
  name: 'bad input is answered 4xx, with the reason',
  run: async ({ api, put }) => {
    await put('empty.png', '', 'image/png');

    for (const [what, method, path, body, status, code] of REQUESTS) {
      const answer = await api.call(method, path, body);
      assert.deepEqual(
        [answer.status, errorCode(answer.body)],
        [status, code],
        `${what}: ${JSON.stringify(answer.body)}`,
      );
    }
    return `${REQUESTS.length} requests`;
  },
};
