import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ChecksumError, createClient, WiroServerlessError } from '../../client/index.ts';
import { type Answer, serveAnswers } from './api-server.ts';

const REQUEST = { model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } };
const queued = { status: 202, body: { id: 'g1', status: 'queued' } };
const away: Answer = {
  status: 503,
  body: { error: { code: 'internal_error', message: 'Away.', retryable: true } },
};
const refusal = (status: number, code: string, more: object = {}): Answer => ({
  status,
  body: { error: { code, message: `It is ${code}.`, retryable: false, ...more } },
});

async function caught(promise: Promise<unknown>): Promise<WiroServerlessError> {
  return promise.then(
    () => expect.fail('It was answered'),
    (error: unknown) => error as WiroServerlessError,
  );
}

describe('submit', () => {
  it('repeats a request whose answer was lost with the same key, so that it stays one generation', async () => {
    const { url, heard } = await serveAnswers('reset', away, queued);

    const generation = await createClient({ url }).submit(REQUEST);

    expect(generation.id).toBe('g1');
    expect(heard).toHaveLength(3);
    expect(new Set(heard.map(({ body }) => (body as { idempotencyKey: string }).idempotencyKey)).size).toBe(
      1,
    );
    expect(heard[0]).toMatchObject({
      method: 'POST',
      path: '/generations',
      body: { ...REQUEST, idempotencyKey: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });

  it('keeps the key of the caller', async () => {
    const { url, heard } = await serveAnswers(queued);

    await createClient({ url: `${url}/` }).submit({ ...REQUEST, idempotencyKey: 'order-17' });

    expect(heard[0]?.body).toEqual({ ...REQUEST, idempotencyKey: 'order-17' });
  });

  it('gives up after the tries that it may make', async () => {
    const { url, heard } = await serveAnswers(away);

    const error = await caught(createClient({ url, maximumTries: 3 }).submit(REQUEST));

    expect(error).toMatchObject({ code: 'internal_error', status: 503, retryable: true });
    expect(heard).toHaveLength(3);
  });

  it.each([
    ['a refusal', refusal(400, 'invalid_parameter', { field: 'parameters.prompt' })],
    ['a conflict', refusal(409, 'idempotency_conflict')],
    ['the limit of the day, which opens tomorrow', refusal(429, 'daily_limit_reached', { retryable: true })],
    ['a refusal of AWS', { status: 403, body: { Message: 'Forbidden' } }],
  ])('does not repeat %s', async (_, answer) => {
    const { url, heard } = await serveAnswers(answer as Answer, queued);

    const error = await caught(createClient({ url }).submit(REQUEST));

    expect(error).toBeInstanceOf(WiroServerlessError);
    expect(heard).toHaveLength(1);
  });

  it('names every problem, the field and the remedy', async () => {
    const problems = [
      { code: 'invalid_parameter', message: 'parameters.width is 1.', field: 'parameters.width' },
      { code: 'input_not_found', message: 'inputs.a is not there.', field: 'inputs.a' },
    ];
    const { url } = await serveAnswers(
      refusal(400, 'invalid_parameter', { field: 'parameters.width', problems }),
    );

    const error = await caught(createClient({ url }).submit(REQUEST));

    expect(error).toMatchObject({ field: 'parameters.width', message: 'It is invalid_parameter.', problems });
  });

  it('says what to check where the answer is not of this API', async () => {
    const { url } = await serveAnswers({ status: 404, text: '<html>nginx</html>' });

    const error = await caught(createClient({ url }).submit(REQUEST));

    expect(error).toMatchObject({ code: 'http_404', message: expect.stringMatching(/check the URL/) });
  });

  it('does not take the page of a proxy for an answer', async () => {
    const { url, heard } = await serveAnswers({ status: 200, text: '<html>Sign in</html>' });

    const error = await caught(createClient({ url }).submit(REQUEST));

    expect(error).toMatchObject({ code: 'http_200', message: expect.stringMatching(/check the URL/) });
    expect(heard).toHaveLength(1);
  });

  it('names the API that cannot be reached', async () => {
    const { url } = await serveAnswers('reset');

    const error = await caught(createClient({ url, maximumTries: 1 }).submit(REQUEST));

    expect(error.message).toBe(`Cannot reach the API at ${url}`);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('takes what is no list of problems for an answer of something else', async () => {
    const { url } = await serveAnswers(
      refusal(400, 'bad', { problems: {} }),
      refusal(400, 'bad', { problems: [{ code: 'x', message: 5 }] }),
    );

    const errors = [
      await caught(createClient({ url }).submit(REQUEST)),
      await caught(createClient({ url }).submit(REQUEST)),
    ];

    expect(errors.map(({ code }) => code)).toEqual(['http_400', 'http_400']);
  });

  it('takes its request, and its session, to no other address', async () => {
    const elsewhere = await serveAnswers(queued);
    const { url } = await serveAnswers({ status: 307, location: elsewhere.url });
    const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'session' };

    const error = await caught(createClient({ url, region: 'us-east-1', credentials }).submit(REQUEST));

    expect(error.code).toBe('http_307');
    expect(elsewhere.heard).toEqual([]);
  });

  it('waits no longer for credentials than for an answer', async () => {
    const client = createClient({
      url: 'http://127.0.0.1:1',
      region: 'us-east-1',
      credentials: () => new Promise(() => {}),
      timeoutMs: 20,
      maximumTries: 1,
    });
    const stop = new AbortController();
    const stopped = caught(client.get('g1', { signal: stop.signal }));
    stop.abort(new Error('Enough.'));

    expect((await stopped).message).toBe('Enough.');
    expect((await caught(client.get('g1'))).name).toBe('UnreachableError');
  });

  it('stops at once when it is told to', async () => {
    const { url, heard } = await serveAnswers(away);
    const stop = new AbortController();
    const submitted = createClient({ url }).submit(REQUEST, { signal: stop.signal });
    stop.abort(new Error('Enough'));

    expect((await caught(submitted)).message).toBe('Enough');
    expect(heard.length).toBeLessThanOrEqual(1);
  });
});

describe('retry', () => {
  it('is never repeated by itself: each may start a run', async () => {
    const { url, heard } = await serveAnswers('reset', queued);

    await caught(createClient({ url }).retry('g1', { force: true }));

    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatchObject({ method: 'POST', path: '/generations/g1/retry', body: { force: true } });
  });
});

describe('signed requests', () => {
  const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' };

  it('are signed for the function in its region, afresh with each try', async () => {
    const { url, heard } = await serveAnswers(away, queued);
    let renewals = 0;

    await createClient({
      url,
      region: 'eu-central-1',
      credentials: async () => {
        renewals += 1;
        return credentials;
      },
    }).submit(REQUEST);

    expect(renewals).toBe(2);
    expect(heard[1]?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\/\d{8}\/eu-central-1\/lambda\/aws4_request, SignedHeaders=\S*host\S*, Signature=[0-9a-f]{64}$/,
    );
    expect(heard[1]?.headers['x-amz-security-token']).toBe('session');
    expect(heard[1]?.body).toMatchObject(REQUEST);
  });

  it('need a region that can be read from the URL, or is given', () => {
    expect(() => createClient({ url: 'http://127.0.0.1:1', credentials })).toThrow(/pass `region`/);
  });

  it('take the region from the URL of a function', async () => {
    const asked: Request[] = [];
    const client = createClient({
      url: 'https://abc.lambda-url.us-west-2.on.aws/',
      credentials,
      fetch: async (request) => {
        asked.push(request as Request);
        return Response.json({ id: 'g1' });
      },
    });

    await client.get('g/1');

    expect(asked[0]?.url).toBe('https://abc.lambda-url.us-west-2.on.aws/generations/g%2F1');
    expect(asked[0]?.headers.get('authorization')).toContain('/us-west-2/lambda/aws4_request');
  });
});

describe('run', () => {
  it('waits for the outputs', async () => {
    const done = { status: 200, body: { id: 'g1', status: 'succeeded', outputs: [{ name: '0.png' }] } };
    const { url } = await serveAnswers(queued, { status: 200, body: { id: 'g1', status: 'running' } }, done);

    const { outputs } = await createClient({ url }).run(REQUEST);

    expect(outputs).toEqual([{ name: '0.png' }]);
  });

  it('throws the reason of a generation that fails', async () => {
    const error = { code: 'model_failed', message: 'The model failed: no face.', retryable: true };
    const failed = { status: 200, body: { id: 'g1', status: 'failed', error } };
    const { url } = await serveAnswers(queued, failed);

    expect(await caught(createClient({ url }).run(REQUEST))).toMatchObject({
      code: 'model_failed',
      message: 'The model failed: no face.',
      retryable: true,
      status: undefined,
    });
  });

  it('throws when it was cancelled', async () => {
    const { url } = await serveAnswers(queued, { status: 200, body: { id: 'g1', status: 'cancelled' } });

    expect(await caught(createClient({ url }).run(REQUEST))).toMatchObject({ code: 'cancelled' });
  });
});

describe('wait', () => {
  it('shows every record, and stops when it is told to', async () => {
    const { url } = await serveAnswers({ status: 200, body: { id: 'g1', status: 'running' } });
    const stop = new AbortController();
    const seen: string[] = [];

    const waited = createClient({ url }).wait('g1', {
      signal: stop.signal,
      onRecord: ({ status }) => {
        seen.push(status);
        if (seen.length === 2) stop.abort(new Error('Seen enough'));
      },
    });

    expect((await caught(waited)).message).toBe('Seen enough');
    expect(seen).toEqual(['running', 'running']);
  });
});

it.each(['list', 'models'] as const)('%s ends with an error if pages never come to an end', async (name) => {
  const page = { status: 200, body: { generations: [], models: [], cursor: 'again' } };
  const { url, heard } = await serveAnswers(page);

  await expect(createClient({ url })[name]().next()).rejects.toThrow(/same cursor twice/);
  expect(heard).toHaveLength(2);
});

describe('upload', () => {
  const created = (url: string) => ({
    status: 201,
    body: {
      key: 'inputs/temporary/a/photo.png',
      method: 'PUT',
      url: `${url}/bucket/key?signed`,
      headers: { 'content-type': 'image/png', 'content-length': '4' },
    },
  });

  it('uploads a file, again where the connection breaks, and gives the key for `inputs`', async () => {
    const s3 = await serveAnswers('reset', { status: 503, text: 'slow down' }, { status: 200, text: '' });
    const api = await serveAnswers(created(s3.url));

    const key = await createClient({ url: api.url }).upload(new Blob(['1234'], { type: 'image/png' }), {
      name: 'photo.png',
    });

    expect(key).toBe('inputs/temporary/a/photo.png');
    expect(api.heard[0]?.body).toEqual({ name: 'photo.png', sizeBytes: 4, contentType: 'image/png' });
    expect(s3.heard).toHaveLength(3);
    expect(s3.heard[2]).toMatchObject({
      method: 'PUT',
      path: '/bucket/key?signed',
      headers: { 'content-type': 'image/png', 'content-length': '4' },
      body: 1234,
    });
  });

  it('uploads a stream', async () => {
    const s3 = await serveAnswers({ status: 200, text: '' });
    const api = await serveAnswers(created(s3.url));

    await createClient({ url: api.url }).upload(new Blob(['12', '34']).stream(), { name: 'photo.png' });

    expect(api.heard[0]?.body).toEqual({ name: 'photo.png', sizeBytes: 4 });
    expect(s3.heard[0]?.headers['content-length']).toBe('4');
  });

  it('does not repeat what S3 refuses', async () => {
    const s3 = await serveAnswers({ status: 403, text: '<Error/>' });
    const api = await serveAnswers(created(s3.url));

    await expect(
      createClient({ url: api.url }).upload(new Blob(['1234']), { name: 'photo.png' }),
    ).rejects.toThrow(/HTTP 403/);
    expect(s3.heard).toHaveLength(1);
  });
});

describe('download', () => {
  const bytes = Buffer.from('a picture');
  const output = (url: string, sha256: string) =>
    ({ name: '0.png', contentType: 'image/png', url, sha256 }) as never;

  it('gives the bytes that the record names', async () => {
    const { url } = await serveAnswers({ status: 200, bytes });

    const blob = await createClient({ url }).download(
      output(url, createHash('sha256').update(bytes).digest('hex')),
    );

    expect([Buffer.from(await blob.arrayBuffer()).toString(), blob.type]).toEqual(['a picture', 'image/png']);
  });

  it('refuses other bytes', async () => {
    const { url } = await serveAnswers({ status: 200, bytes });

    await expect(createClient({ url }).download(output(url, '0'.repeat(64)))).rejects.toThrow(ChecksumError);
  });

  it('says what to do about a link that has expired', async () => {
    const { url } = await serveAnswers({ status: 403, text: '<Error/>' });

    await expect(createClient({ url }).download(output(url, ''))).rejects.toThrow(
      /Read the generation again/,
    );
  });
});

describe('list', () => {
  const row = (id: string) => ({ id, status: 'failed' });

  it('goes through the pages, empty ones too, with the same filters', async () => {
    const { url, heard } = await serveAnswers(
      { status: 200, body: { generations: [row('g1'), row('g2')], cursor: 'c/1' } },
      { status: 200, body: { generations: [], cursor: 'c2' } },
      { status: 200, body: { generations: [row('g3')] } },
    );
    const ids: string[] = [];

    const rows = createClient({ url }).list({
      status: 'failed',
      labels: { 'a b': 'x&y' },
      from: new Date(Date.UTC(2026, 0, 1)),
      pageSize: 2,
    });
    for await (const { id } of rows) ids.push(id);

    expect(ids).toEqual(['g1', 'g2', 'g3']);
    const filters = 'status=failed&from=2026-01-01T00%3A00%3A00.000Z&limit=2&label.a+b=x%26y';
    expect(heard.map(({ path }) => path)).toEqual([
      `/generations?${filters}`,
      `/generations?${filters}&cursor=c%2F1`,
      `/generations?${filters}&cursor=c2`,
    ]);
  });

  it('reads no page that nobody asks for', async () => {
    const { url, heard } = await serveAnswers({
      status: 200,
      body: { generations: [row('g1')], cursor: 'c' },
    });

    for await (const { id } of createClient({ url }).list()) {
      expect(id).toBe('g1');
      break;
    }

    expect(heard).toHaveLength(1);
  });
});

it('timeline reads what happened, and asks again after an answer that was lost', async () => {
  const timeline = { generationId: 'g1', entries: [{ at: '2026-01-01', attempt: 1, what: 'accepted' }] };
  const { url, heard } = await serveAnswers('reset', { status: 200, body: timeline });

  expect(await createClient({ url }).timeline('g1')).toEqual(timeline);
  expect(heard.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /generations/g1/timeline',
    'GET /generations/g1/timeline',
  ]);
});

describe('usage', () => {
  const day = (on: string) => ({
    day: on,
    model: 'a/b',
    succeeded: 1,
    failed: 0,
    cancelled: 0,
    costUsd: 0.04,
    costUnknown: 0,
  });

  it('is read whole, of the days that the first answer was about', async () => {
    const days = { from: '2026-10-31', to: '2026-11-29' };
    const { url, heard } = await serveAnswers(
      { status: 200, body: { ...days, days: [day('2026-10-31')], cursor: 'c1' } },
      { status: 200, body: { ...days, days: [day('2026-11-29')] } },
    );

    const usage = await createClient({ url }).usage();

    expect(usage).toEqual({ ...days, days: [day('2026-10-31'), day('2026-11-29')] });
    expect(heard.map(({ path }) => path)).toEqual([
      '/usage',
      '/usage?from=2026-10-31&to=2026-11-29&cursor=c1',
    ]);
  });

  it('takes days as texts or dates', async () => {
    const { url, heard } = await serveAnswers({ status: 200, body: { from: '', to: '', days: [] } });

    await createClient({ url }).usage({ from: '2026-01-01', to: new Date('2026-02-28T23:00:00Z') });

    expect(heard.map(({ path }) => path)).toEqual(['/usage?from=2026-01-01&to=2026-02-28']);
  });
});

describe('models and prices', () => {
  it('prices a request without a key, so that nothing is stored', async () => {
    const answer = { dryRun: true, valid: true, problems: [], warnings: [], price: { certainty: 'exact' } };
    const { url, heard } = await serveAnswers(away, { status: 200, body: answer });

    expect(await createClient({ url }).price({ ...REQUEST, maxCostUsd: 1 })).toEqual(answer);
    expect(heard.map(({ path, body }) => [path, body])).toEqual(
      Array(2).fill(['/generations', { ...REQUEST, maxCostUsd: 1, dryRun: true }]),
    );
  });

  it('lists models page after page, as far as they are asked for', async () => {
    const page = (name: string, more: object = {}) => ({
      status: 200,
      body: { models: [{ name, kind: 'plain' }], ...more },
    });
    const { url, heard } = await serveAnswers(page('a/b', { cursor: 'c1' }), page('a/c'));
    const names: string[] = [];

    for await (const { name } of createClient({ url }).models({ search: 'a b', pageSize: 1 }))
      names.push(name);

    expect(names).toEqual(['a/b', 'a/c']);
    expect(heard.map(({ path }) => path)).toEqual([
      '/models?search=a+b&limit=1',
      '/models?search=a+b&limit=1&cursor=c1',
    ]);
  });

  it('reads a model by its name', async () => {
    const { url, heard } = await serveAnswers({ status: 200, body: { name: 'a/b' } });

    expect(await createClient({ url }).model('a/b c')).toEqual({ name: 'a/b' });
    expect(heard[0]?.path).toBe('/models/a/b%20c');
  });
});
