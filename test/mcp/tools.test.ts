import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../../client/index.ts';
import { type Budget, createBudget } from '../../mcp/budget.ts';
import { type McpHttp, startMcpHttp } from '../../mcp/http.ts';
import { type ApiWorld, startApiWorld } from './api-world.ts';

let api: ApiWorld;
const cleanups: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  api = await startApiWorld();
  cleanups.push(api.stop);
});
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

async function connect(budget?: Budget) {
  const http = await startMcpHttp({
    client: createClient({ url: api.url }),
    version: '1.2.3',
    ...(budget && { budget }),
  });
  cleanups.push(http.stop);
  const mcp = new McpClient({ name: 'test', version: '1' });
  await mcp.connect(new StreamableHTTPClientTransport(new URL(http.url)));
  cleanups.push(() => mcp.close());
  async function call(name: string, args: Record<string, unknown> = {}) {
    const { content, isError = false } = await mcp.callTool({ name, arguments: args });
    const [{ text = '' } = {}] = content as { text?: string }[];
    return { isError, text, value: text.startsWith('{') ? JSON.parse(text) : undefined };
  }
  return { mcp, http, call };
}

const BOAT = { model: 'wiro/text-to-image', parameters: { prompt: 'A boat' } };

it('lists what an agent can do, each tool with a closed schema', async () => {
  const { mcp } = await connect();

  const { tools } = await mcp.listTools();

  expect(tools.map(({ name }) => name)).toEqual([
    ...['search_models', 'get_model', 'price', 'submit', 'cancel', 'wait', 'get', 'list', 'download_link'],
  ]);
  for (const { inputSchema } of tools) expect(inputSchema).toMatchObject({ additionalProperties: false });
  expect(tools.filter(({ annotations }) => !annotations?.readOnlyHint).map(({ name }) => name)).toEqual([
    'submit',
    'cancel',
  ]);
});

describe('a submission', () => {
  it('is the same generation for the same arguments, and says so', async () => {
    const { call } = await connect();

    const first = await call('submit', BOAT);
    const second = await call('submit', { parameters: BOAT.parameters, model: BOAT.model });
    const another = await call('submit', { ...BOAT, variation: '2' });

    expect(first.value).toMatchObject({ status: 'queued' });
    expect(first.value).not.toHaveProperty('repeated');
    expect(second.value).toMatchObject({
      id: first.value.id,
      repeated: true,
      note: expect.stringContaining('variation'),
    });
    expect(another.value.id).not.toBe(first.value.id);
    expect(api.generations()).toBe(2);
  });

  it('answers with the problems of a refused request', async () => {
    const { call } = await connect();

    const { isError, value } = await call('submit', { model: 'wiro/text-to-image' });

    expect(isError).toBe(true);
    expect(value.error).toMatchObject({
      code: 'invalid_parameter',
      problems: [{ field: 'parameters.prompt' }],
    });
  });

  it('refuses a misspelt argument, and submits nothing', async () => {
    const { call } = await connect();

    const { isError, text } = await call('submit', { ...BOAT, parameter: {} });

    expect(isError).toBe(true);
    expect(text).toContain('parameter');
    expect(api.generations()).toBe(0);
  });
});

describe('a budget', () => {
  it('bounds the sum of prices, and counts a repeat once', async () => {
    const { call } = await connect(createBudget(0.09));

    const first = await call('submit', BOAT);
    const repeated = await call('submit', BOAT);
    const second = await call('submit', { ...BOAT, variation: '2' });
    const third = await call('submit', { ...BOAT, variation: '3' });

    expect(first.value.budgetLeftUsd).toBe(0.05);
    expect(repeated.value).toMatchObject({ id: first.value.id, repeated: true, budgetLeftUsd: 0.05 });
    expect(second.value.budgetLeftUsd).toBe(0.01);
    expect(third).toMatchObject({ isError: true, value: { error: { code: 'over_budget' } } });
    expect(third.value.error.message).toMatch(/costs \$0\.04, and \$0\.01 .* is left/);
    expect(api.generations()).toBe(2);
  });

  it('holds for submissions at the same time', async () => {
    const { call } = await connect(createBudget(0.09));

    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map((variation) => call('submit', { ...BOAT, variation: String(variation) })),
    );

    expect(answers.filter(({ isError }) => !isError)).toHaveLength(2);
    expect(api.generations()).toBe(2);
  });

  it('counts a submission whose answer got lost and whose repeat found it', async () => {
    const { call } = await connect(createBudget(0.09));

    api.loseNextAnswer();
    const { value } = await call('submit', BOAT);

    expect(value).toMatchObject({ repeated: true, budgetLeftUsd: 0.05 });
    expect(api.generations()).toBe(1);
  });

  it('counts the same arguments at once as one', async () => {
    const { call } = await connect(createBudget(0.04));

    const answers = await Promise.all([1, 2, 3].map(() => call('submit', BOAT)));

    expect(answers.map(({ isError }) => isError)).toEqual([false, false, false]);
    expect((await call('price', BOAT)).value.budgetLeftUsd).toBe(0);
    expect(api.generations()).toBe(1);
  });

  it('refuses an unknown price', async () => {
    const { call } = await connect(createBudget(5));

    const { isError, value } = await call('submit', { model: 'wiro/unpriced' });

    expect(isError).toBe(true);
    expect(value.error).toMatchObject({ code: 'over_budget', message: expect.stringContaining('unknown') });
    expect(api.generations()).toBe(0);
  });

  it.each([
    ['AWS refuses the caller', 403, { Message: 'The security token has expired' }],
    ['a proxy answers with its own page', 200, undefined],
  ])('stays counted when %s, which can follow a lost answer', async (_, status, body) => {
    const { call } = await connect(createBudget(0.09));

    api.answerNext('POST', status, body);
    const failed = await call('submit', BOAT);
    const after = await call('price', BOAT);

    expect(failed).toMatchObject({ isError: true, value: { error: { code: `http_${status}` } } });
    expect(after.value.budgetLeftUsd).toBe(0.05);
  });

  it('is given back when the API refuses', async () => {
    const { call } = await connect(createBudget(0.09));

    api.answerNext('POST', 403, {
      error: { code: 'model_not_allowed', message: 'Not here.', retryable: false },
    });
    const refused = await call('submit', BOAT);
    const after = await call('price', BOAT);

    expect(refused.value.error.code).toBe('model_not_allowed');
    expect(after.value.budgetLeftUsd).toBe(0.09);
  });
});

describe('records', () => {
  it('have no link and no token; download_link has the link', async () => {
    const { call } = await connect();
    const { value } = await call('submit', BOAT);
    api.succeed(value.id);

    const got = await call('get', { id: value.id });
    const waited = await call('wait', { id: value.id, seconds: 1 });
    const listed = await call('list', { status: 'succeeded' });
    const link = await call('download_link', { id: value.id });

    for (const { text } of [got, waited, listed]) expect(text).not.toMatch(/Signature|token/);
    expect(waited.value.status).toBe('succeeded');
    expect(listed.value.generations).toHaveLength(1);
    expect(listed.value).not.toHaveProperty('leftOut');
    expect(link.value.url).toContain('Signature');
  });

  it('are answered as they are when the time to wait is over', async () => {
    const { call } = await connect();
    const { value } = await call('submit', BOAT);

    expect((await call('wait', { id: value.id, seconds: 0.1 })).value.status).toBe('queued');
  });

  it('tell which outputs there are if one is asked for that is not', async () => {
    const { call } = await connect();
    const { value } = await call('submit', BOAT);

    expect((await call('download_link', { id: value.id })).text).toContain('its status is queued');
    api.succeed(value.id);
    expect((await call('download_link', { id: value.id, index: 3 })).text).toContain('outputs 0 to 0');
  });

  it('are not there if the API is not', async () => {
    const { call } = await connect();
    await api.stop();

    const { isError, value } = await call('cancel', { id: 'x' });

    expect(isError).toBe(true);
    expect(value.error.code).toBe('unreachable');
  }, 30_000);
});

describe('an answer that would be too long', () => {
  const output = (index: number) => ({
    name: `${index}.png`,
    bucket: 'outputs',
    key: `outputs/g1/${index}.png`,
    contentType: 'image/png',
    sizeBytes: 10,
    sha256: 'a'.repeat(64),
    url: 'https://bucket.example/out.png?X-Amz-Signature=abc',
    urlExpiresAt: '2026-11-29T01:00:00.000Z',
  });

  it('lists outputs page by page', async () => {
    const { call } = await connect();
    const { value } = await call('submit', BOAT);
    api.describe(value.id, {
      status: 'succeeded',
      outputs: Array.from({ length: 300 }, (_, index) => output(index)),
      outputsTotal: 1_200,
    });

    const seen: number[] = [];
    for (let page = await call('get', { id: value.id }); ; ) {
      expect(page.text.length).toBeLessThan(31_000);
      expect(page.value.status).toBe('succeeded');
      expect(page.value.leftOut).toContain('The record lists 300 of 1200 outputs. All are in the bucket.');
      seen.push(...page.value.outputs.map(({ index }: { index: number }) => index));
      const [, next] = /Call get with outputsFrom: (\d+) for the next\./.exec(page.text) ?? [];
      if (next === undefined) break;
      page = await call('get', { id: value.id, outputsFrom: Number(next) });
    }

    expect(seen).toEqual(Array.from({ length: 300 }, (_, index) => index));
  });

  it('shortens a long text, prompt and error, and says where all of each is', async () => {
    const { call } = await connect();
    const { value } = await call('submit', BOAT);
    api.describe(value.id, {
      status: 'failed',
      parameters: { prompt: 'x'.repeat(200_000) },
      outputs: [{ ...output(0), content: { answer: ['word '.repeat(50_000)] } }],
      error: { code: 'model_failed', message: 'm'.repeat(100_000), retryable: false },
    });

    for (const name of ['get', 'wait']) {
      const { text, value: got } = await call(name, { id: value.id });

      expect(text.length).toBeLessThan(31_000);
      expect(got).toMatchObject({ id: value.id, status: 'failed', error: { code: 'model_failed' } });
      expect(got.leftOut.toSorted()).toEqual([
        expect.stringMatching(
          /^error\.message: .* of 100,000 characters are shown\. "npx wiro-serverless show g1 --json"/,
        ),
        expect.stringMatching(
          /^outputs\.0\.content\.answer\.0: .* Call download_link with index: 0 for all of it\.$/,
        ),
        expect.stringMatching(/^parameters\.prompt: the first [\d,]+ of 200,000 characters are shown\./),
      ]);
    }
  });

  it('lists older generations after those that it shows', async () => {
    const { call } = await connect();
    for (const variation of ['1', '2', '3']) {
      const { value } = await call('submit', { ...BOAT, variation });
      api.describe(value.id, { labels: { note: 'n'.repeat(20_000) } });
    }

    const few = await call('list', { limit: 2 });
    const all = await call('list', { limit: 3 });

    expect(few.value.generations).toHaveLength(1);
    for (const { text, value } of [few, all]) {
      expect(text.length).toBeLessThan(31_000);
      expect(value.leftOut).toEqual([
        'There are older ones: call list with to: "2026-11-29T00:00:00.001Z". The last of these may come again.',
      ]);
    }
  });

  it('shortens an error of the API', async () => {
    const { call } = await connect();
    api.answerNext('POST', 400, {
      error: { code: 'invalid_parameter', message: 'p'.repeat(90_000), retryable: false },
    });

    const { isError, text, value } = await call('submit', BOAT);

    expect(isError).toBe(true);
    expect(text.length).toBeLessThan(31_000);
    expect(value.error.code).toBe('invalid_parameter');
  });
});

describe('the HTTP server', () => {
  const post = (http: McpHttp, headers: Record<string, string>, body = '{}') =>
    fetch(http.url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });

  it('answers no web page', async () => {
    const { http } = await connect();

    expect((await post(http, { origin: new URL(http.url).origin })).status).toBe(403);
  });

  it.each([
    ['another path', (url: string) => `${url}/other`, 'POST', 404],
    ['another method', (url: string) => url, 'GET', 405],
  ])('refuses %s', async (_, urlOf, method, status) => {
    const { http } = await connect();

    expect((await fetch(urlOf(http.url), { method })).status).toBe(status);
  });

  it('refuses what is no JSON, or endless', async () => {
    const { http } = await connect();

    expect((await post(http, {}, 'hello')).status).toBe(400);
    expect((await post(http, {}, JSON.stringify('x'.repeat(2_000_000)))).status).toBe(400);
  });
});
