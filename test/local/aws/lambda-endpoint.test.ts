import { afterEach, describe, expect, it } from 'vitest';
import { startLambdaEndpoint } from '../../../local/aws/lambda-endpoint.ts';
import { failed } from '../../../local/aws/lambda-types.ts';
import { signedFetch } from './signed-fetch.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** An endpoint for a host with one function, `thing`, which echoes its event or fails. */
async function endpointWorld({ fails = false } = {}) {
  const later: string[] = [];
  const { endpoint, stop } = await startLambdaEndpoint(
    {
      has: (name) => name === 'thing',
      invoke: async (_, payload) =>
        fails ? failed('r1', 'Error', 'no') : { kind: 'answered', requestId: 'r1', payload },
      invokeLater: (_, payload) => {
        later.push(payload);
        return 'r2';
      },
    },
    { region: 'us-east-1' },
  );
  cleanups.push(stop);
  const invoke = (name: string, body: string, headers: Record<string, string> = {}) =>
    signedFetch('lambda')(`${endpoint}/2015-03-31/functions/${name}/invocations`, {
      method: 'POST',
      headers,
      body,
    });
  return { endpoint, invoke, later };
}

describe('a synchronous invocation', () => {
  it('returns the function’s result', async () => {
    const { invoke } = await endpointWorld();

    const response = await invoke('thing', '{"a":1}');

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ a: 1 });
    expect(response.headers.get('x-amz-function-error')).toBeNull();
    expect(response.headers.get('x-amz-executed-version')).toBe('$LATEST');
  });

  it('is a 200 with a header for a function’s error', async () => {
    const { invoke } = await endpointWorld({ fails: true });

    const response = await invoke('thing', '{}');

    expect([response.status, response.headers.get('x-amz-function-error')]).toEqual([200, 'Unhandled']);
    expect(await response.json()).toEqual({ errorType: 'Error', errorMessage: 'no' });
  });

  it('treats a missing body as an empty event', async () => {
    const { invoke } = await endpointWorld();

    expect(await (await invoke('thing', '')).json()).toEqual({});
  });

  it.each([
    'arn:aws:lambda:us-east-1:000000000000:function:thing',
    '000000000000:function:thing',
    'thing:$LATEST',
  ])('finds a function by %s', async (name) => {
    const { invoke } = await endpointWorld();

    expect((await invoke(encodeURIComponent(name), '{}')).status).toBe(200);
  });
});

it('accepts an asynchronous invocation at once', async () => {
  const { invoke, later } = await endpointWorld();

  const response = await invoke('thing', '{"a":1}', { 'x-amz-invocation-type': 'Event' });

  expect([response.status, await response.text(), later]).toEqual([202, '', ['{"a":1}']]);
});

it('runs nothing for a dry run', async () => {
  const { invoke, later } = await endpointWorld();

  const response = await invoke('thing', '{}', { 'x-amz-invocation-type': 'DryRun' });

  expect([response.status, later]).toEqual([204, []]);
});

it.each([
  ['a function that does not exist', 'other', '{}', 404, 'ResourceNotFoundException'],
  ['a body that is not JSON', 'thing', '{', 400, 'InvalidRequestContentException'],
  ['more than 6 MB', 'thing', JSON.stringify('x'.repeat(6 * 1024 * 1024)), 413, 'RequestTooLargeException'],
])('refuses %s', async (_, name, body, status, code) => {
  const { invoke } = await endpointWorld();

  const response = await invoke(name, body);

  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([status, code]);
});

it.each([
  ['another version', 'thing:live', {}, 404],
  ['another account', 'arn:aws:lambda:us-east-1:111111111111:function:thing', {}, 404],
  ['another region', 'arn:aws:lambda:eu-west-1:000000000000:function:thing', {}, 404],
  ['a log', 'thing', { 'x-amz-log-type': 'Tail' }, 501],
  ['a client context', 'thing', { 'x-amz-client-context': 'e30=' }, 501],
])('invokes nothing for %s', async (_, name, headers, status) => {
  const { invoke, later } = await endpointWorld();

  const response = await invoke(encodeURIComponent(name), '{}', {
    'x-amz-invocation-type': 'Event',
    ...headers,
  });

  expect([response.status, later]).toEqual([status, []]);
  expect(response.headers.get('x-amzn-requestid')).toMatch(/^[\da-f-]{36}$/);
});

it('refuses an unsigned request', async () => {
  const { endpoint } = await endpointWorld();

  const response = await fetch(`${endpoint}/2015-03-31/functions/thing/invocations`, { method: 'POST' });

  expect(response.status).toBe(403);
});
