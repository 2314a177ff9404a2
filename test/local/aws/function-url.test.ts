import { afterEach, describe, expect, it } from 'vitest';
import { startFunctionUrl } from '../../../local/aws/function-url.ts';
import { PayloadTooLargeError } from '../../../local/aws/lambda-host.ts';
import { failed, type InvocationResult } from '../../../local/aws/lambda-types.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Event {
  readonly [name: string]: unknown;
  readonly headers: Record<string, string>;
  readonly requestContext: { readonly http: Record<string, string>; readonly authorizer?: unknown };
}

/** A Function URL of a function that returns `answer` and records its events. */
async function urlOf(
  answer: unknown,
  {
    auth = 'public' as 'public' | 'iam',
    invoke,
  }: { auth?: 'public' | 'iam'; invoke?: () => InvocationResult } = {},
) {
  const events: Event[] = [];
  const { endpoint, stop } = await startFunctionUrl(
    {
      invoke: async (_, payload) => {
        events.push(JSON.parse(payload) as Event);
        return invoke?.() ?? { kind: 'answered', requestId: 'r', payload: JSON.stringify(answer ?? null) };
      },
    },
    { functionName: 'thing', auth },
  );
  cleanups.push(stop);
  return { endpoint, events, last: () => events.at(-1) as Event };
}

describe('the event', () => {
  it('has the shape of payload format 2.0', async () => {
    const { endpoint, last } = await urlOf({});

    await fetch(`${endpoint}/generations/a%20b?x=1&x=2&y=%C3%BC`, {
      headers: { 'X-Thing': 'Some Value', cookie: 'a=b; c=d', 'user-agent': 'tester' },
    });

    expect(last()).toMatchObject({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/generations/a%20b',
      rawQueryString: 'x=1&x=2&y=%C3%BC',
      queryStringParameters: { x: '1,2', y: 'ü' },
      cookies: ['a=b', 'c=d'],
      headers: { 'x-thing': 'Some Value', 'x-forwarded-for': '127.0.0.1', host: new URL(endpoint).host },
      requestContext: {
        accountId: 'anonymous',
        stage: '$default',
        http: {
          method: 'GET',
          path: '/generations/a b',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'tester',
        },
      },
      isBase64Encoded: false,
    });
    expect(last()).not.toHaveProperty('body');
    expect(last().headers).not.toHaveProperty('connection');
  });

  it('names a caller if the URL requires IAM', async () => {
    const open = await urlOf({});
    const closed = await urlOf({}, { auth: 'iam' });

    await fetch(open.endpoint);
    await fetch(closed.endpoint);

    expect(open.last().requestContext.authorizer).toBeUndefined();
    expect(closed.last().requestContext.authorizer).toMatchObject({ iam: { accountId: '000000000000' } });
  });

  it.each(['application/json', 'text/plain; charset=utf-8', 'application/problem+json', 'application/xml'])(
    'contains a body of %s as text',
    async (type) => {
      const { endpoint, last } = await urlOf({});

      await fetch(endpoint, { method: 'POST', body: '{"ü":1}', headers: { 'content-type': type } });

      expect(last()).toMatchObject({ body: '{"ü":1}', isBase64Encoded: false });
    },
  );

  it.each(['application/octet-stream', 'application/x-www-form-urlencoded', 'image/png'])(
    'contains a body of %s in base64',
    async (type) => {
      const { endpoint, last } = await urlOf({});

      await fetch(endpoint, {
        method: 'POST',
        body: new Uint8Array([0, 255, 10]),
        headers: { 'content-type': type },
      });

      expect(last()).toMatchObject({ body: 'AP8K', isBase64Encoded: true });
    },
  );
});

describe('the response', () => {
  it('takes status, headers, cookies and body from the object form', async () => {
    const { endpoint } = await urlOf({
      statusCode: 202,
      headers: { 'X-Thing': 'yes', 'content-type': 'text/plain' },
      cookies: ['a=1', 'b=2'],
      body: 'grüß',
    });

    const response = await fetch(endpoint);

    expect([response.status, await response.text()]).toEqual([202, 'grüß']);
    expect(response.headers.get('x-thing')).toBe('yes');
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  it('decodes a body in base64', async () => {
    const { endpoint } = await urlOf({ statusCode: 200, body: 'AP8K', isBase64Encoded: true });

    expect(new Uint8Array(await (await fetch(endpoint)).arrayBuffer())).toEqual(new Uint8Array([0, 255, 10]));
  });

  it.each([
    ['an object', { a: 1 }, '{"a":1}'],
    ['a string', 'hello', 'hello'],
    ['nothing', null, 'null'],
  ])('is a 200 in JSON for %s without a status code', async (_, value, text) => {
    const { endpoint } = await urlOf(value);

    const response = await fetch(endpoint);

    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      'application/json',
      text,
    ]);
  });

  it('is empty with 204', async () => {
    const { endpoint } = await urlOf({ statusCode: 204, body: 'ignored' });

    const response = await fetch(endpoint);

    expect([response.status, await response.text()]).toEqual([204, '']);
  });

  it.each([
    ['that failed', () => failed('r', 'Error', 'a secret detail')],
    [
      'with an invalid status code',
      (): InvocationResult => ({ kind: 'answered', requestId: 'r', payload: '{"statusCode":"many"}' }),
    ],
  ])('is a 502 without details for a function %s', async (_, invoke) => {
    const { endpoint } = await urlOf({}, { invoke });

    const response = await fetch(endpoint);

    expect([response.status, await response.text()]).toEqual([502, 'Internal Server Error']);
  });

  it('is a 413 for a body over 6 MB, and for an event that exceeds 6 MB because of its encoding', async () => {
    const { endpoint, events } = await urlOf({});
    const grown = await urlOf(
      {},
      {
        invoke: () => {
          throw new PayloadTooLargeError();
        },
      },
    );

    const large = await fetch(endpoint, { method: 'POST', body: 'x'.repeat(6 * 1024 * 1024 + 1) });
    const tooLarge = await fetch(grown.endpoint, { method: 'POST', body: 'x' });

    expect([large.status, tooLarge.status, events]).toEqual([413, 413, []]);
  });
});
