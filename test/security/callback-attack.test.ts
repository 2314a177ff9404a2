import { createHmac } from 'node:crypto';
import { Agent, request as requestOf } from 'node:http';
import type { Context, LambdaFunctionURLEvent } from 'aws-lambda';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { eventually } from '../support/eventually.ts';
import { startSystem } from '../support/system.ts';
import { type HostileRequest, hostileRequests } from './hostile-requests.ts';
import { quantiles } from './quantiles.ts';
import { scanTable } from './scan-table.ts';
import { type WatchedSsm, watchSsm } from './watched-ssm.ts';

const IN_PROCESS = 100_000;
const OVER_HTTP = 2_000;
const SEED = 20_261_122;

let ssm: WatchedSsm | undefined;
let told: Readonly<Record<string, string>> = {};
const system = await startSystem({
  schedule: false,
  maximumEnvironments: 2,
  // Longer than this takes: how often SSM is asked can be said exactly.
  durations: { secretsRenewal: 3_600_000 },
  endpointOverrides: async (name, environment) => {
    if (name !== 'callback') return {};
    told = environment;
    ssm = await watchSsm(environment.AWS_ENDPOINT_URL_SSM ?? '');
    return { AWS_ENDPOINT_URL_SSM: ssm.endpoint };
  },
});
afterAll(() => ssm?.stop());
const { environment } = system;
const { endpoints } = environment;
const secret = await system.parameter('callback-secret');

const signature = (generationId: string, { attempt = 1, deployment = 'local' } = {}) =>
  createHmac('sha256', secret).update(`${deployment}/${generationId}/${attempt}`).digest('hex');
const rightPath = (id: string) => `/local/${id}/1/${signature(id)}`;

/** A generation whose task goes on until it is killed. */
async function running(): Promise<string> {
  const { idempotencyKey, id } = system.plan({ operation: 'task', fault: { kind: 'stuck' } });
  await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' }, idempotencyKey });
  await system.reached(id, ({ status }) => status === 'running');
  await environment.idle();
  return id;
}

const id = await running();

const attack = () =>
  hostileRequests(SEED, {
    deployment: 'local',
    generationId: id,
    signature: signature(id),
    otherSignatures: [
      signature('a'.repeat(26)),
      signature(id, { attempt: 2 }),
      signature(id, { deployment: 'other' }),
    ],
  });

type Handler = typeof import('../../functions/callback/handler.ts').handler;

/** The function's own module in this process, as a new container loads it, on the environment's services. */
async function loadHandler(): Promise<(event: unknown) => Promise<{ statusCode?: number | undefined }>> {
  const variables = {
    ...told,
    AWS_REGION: endpoints.region,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_LAMBDA_FUNCTION_NAME: endpoints.functions.callback,
    AWS_ENDPOINT_URL_SSM: ssm?.endpoint ?? '',
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  vi.resetModules();
  const { handler } = (await import('../../functions/callback/handler.ts')) as { handler: Handler };
  const context = { awsRequestId: 'attack' } as Context;
  return async (event) => {
    const answer = await handler(event as LambdaFunctionURLEvent, context);
    return typeof answer === 'object' ? answer : {};
  };
}
afterAll(() => void vi.unstubAllEnvs());

/** The event that Lambda makes of a request; whoever looks at its body or its headers is found out. */
function eventOf({ method, path, isBase64Encoded }: HostileRequest): Partial<LambdaFunctionURLEvent> {
  const [rawPath = '', ...query] = path.split('?');
  const event = {
    version: '2.0',
    rawPath,
    rawQueryString: query.join('?'),
    requestContext: { http: { method, path: rawPath } },
    isBase64Encoded,
  } as LambdaFunctionURLEvent;
  const closed = { get: () => expect.unreachable('It was looked at before it was known to be signed') };
  return Object.defineProperties(event, { body: closed, headers: closed, cookies: closed });
}

/** The same with something missing, as no Function URL would send it. */
const MUTILATIONS: readonly ((event: Record<string, unknown>) => void)[] = [
  (event) => delete event.rawPath,
  (event) => delete event.requestContext,
  (event) => delete event.isBase64Encoded,
  (event) => delete event.version,
  (event) => Object.assign(event, { requestContext: {} }),
  (event) => Object.assign(event, { requestContext: { http: {} } }),
  (event) => Object.assign(event, { rawPath: undefined, rawQueryString: undefined }),
];

const agent = new Agent({ keepAlive: true, maxSockets: 2 });
afterAll(() => agent.destroy());

/** The status that a request is answered with over HTTP. */
function send({ method, path, headers, body: given = '' }: HostileRequest): Promise<number> {
  // A target without a slash is refused before its body is read: the rest of a large one would hide the answer.
  const body = path.startsWith('/') ? given : '';
  return new Promise((resolve, reject) => {
    const sent = requestOf(
      endpoints.callback,
      {
        agent,
        method,
        // What no HTTP client would send, as its bytes: only what splits the request line is percent-encoded.
        path: Buffer.from(path, 'utf8')
          .toString('latin1')
          .replace(/[\0-\x20\x7f]/g, encodeURIComponent),
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.once('error', reject).end(body);
  });
}

const print = (what: string, durationsMs: readonly number[]) => {
  const { p50, p99 } = quantiles(durationsMs);
  console.info(`${what}: ${durationsMs.length} rejected, p50 ${p50.toFixed(3)} ms, p99 ${p99.toFixed(3)} ms`);
};

describe('the callback endpoint under attack', () => {
  it(`rejects ${IN_PROCESS} requests by their path alone, and changes nothing`, async () => {
    const handler = await loadHandler();
    const before = await scanTable(endpoints);
    const callsBefore = ssm?.calls() ?? 0;
    const requests = attack();
    const statuses = new Map<number | undefined, number>();
    const durationsMs: number[] = [];

    for (let count = 0; count < IN_PROCESS; count += 1) {
      const event = eventOf(requests.next().value);
      if (count % 50 === 0)
        MUTILATIONS[(count / 50) % MUTILATIONS.length]?.(event as Record<string, unknown>);
      const startedAt = performance.now();
      const answer = await handler(event);
      durationsMs.push(performance.now() - startedAt);
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
    }

    print('in process', durationsMs);
    expect([...statuses.keys()].toSorted()).toEqual([403, 405]);
    expect(statuses.get(405)).toBeGreaterThan(IN_PROCESS / 25);
    expect(await scanTable(endpoints)).toEqual(before);
    // Once to know the secrets: soon after that, signatures that they do not explain give no reason to ask again.
    expect((ssm?.calls() ?? 0) - callsBefore).toBe(1);
    expect(await handler({ ...eventOf(requestBy('POST')), body: '{}' })).toMatchObject({ statusCode: 200 });
    await environment.idle();
  });

  it(`answers ${OVER_HTTP} of them over HTTP without one error of its own, and changes nothing`, async () => {
    const before = await scanTable(endpoints);
    const invocationsBefore = environment.reports().length;
    const callsBefore = ssm?.calls() ?? 0;
    const requests = attack();
    const statuses = new Map<number, number>();
    const durationsMs: number[] = [];

    let left = OVER_HTTP;
    const client = async () => {
      for (; left > 0; ) {
        left -= 1;
        const request = requests.next().value;
        const startedAt = performance.now();
        const status = await send(request);
        durationsMs.push(performance.now() - startedAt);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    await Promise.all([client(), client()]);
    await environment.idle();

    print('over HTTP', durationsMs);
    expect([...statuses.keys()].filter((status) => status < 400 || status >= 500)).toEqual([]);
    expect((statuses.get(403) ?? 0) + (statuses.get(405) ?? 0)).toBeGreaterThan(OVER_HTTP * 0.9);
    expect(await scanTable(endpoints)).toEqual(before);
    const reports = environment.reports().slice(invocationsBefore);
    expect(reports.filter(({ failure }) => failure !== undefined)).toEqual([]);
    expect(reports.length).toBeLessThanOrEqual(OVER_HTTP);
    // Each of two environments at most twice.
    expect((ssm?.calls() ?? 0) - callsBefore).toBeLessThanOrEqual(4);
  });

  it('still takes what is signed, with whatever body', async () => {
    const statuses = [];
    for (const body of ['{"id":"1"}', '{"a":'.repeat(100_000), '\0', 'x'.repeat(5_000_000)])
      statuses.push(await send({ ...requestBy('POST'), body }));
    await environment.idle();

    expect(statuses).toEqual([200, 200, 200, 200]);
    expect(await system.item(id)).toMatchObject({
      status: 'running',
      callback: { seenAt: expect.any(String) },
    });
  });

  it('takes what is signed behind any path of a callbackBaseUrl, and rejects it behind one that is too long', async () => {
    const handler = await loadHandler();
    const prefixes = ['/hooks', '/v1/hooks/wiro', '/%00', '//', '/x/..', `/${'a'.repeat(1_900)}`];
    const statusOf = async (prefix: string) => {
      const path = prefix + rightPath(id);
      return (await handler({ ...eventOf({ ...requestBy('POST'), path }), body: '{}' })).statusCode;
    };

    expect(await Promise.all(prefixes.map(statusOf))).toEqual(prefixes.map(() => 200));
    expect(await send({ ...requestBy('POST'), path: `/hooks/wiro${rightPath(id)}` })).toBe(200);
    expect(await statusOf(`/${'a'.repeat(2_048)}`)).toBe(403);
    await environment.idle();
  });

  it('says neither yes nor no while its secrets cannot be read, and takes the callback afterwards', async () => {
    const handler = await loadHandler();
    const victim = await running();
    const event = () => ({ ...eventOf({ ...requestBy('POST'), path: rightPath(victim) }), body: '{}' });
    const before = await system.item(victim);

    ssm?.setAway(true);
    const whileAway = [
      await handler(event()),
      await handler(eventOf({ ...requestBy('POST'), path: rightPath('b'.repeat(26)) })),
    ];
    ssm?.setAway(false);

    expect(whileAway).toMatchObject([{ statusCode: 503 }, { statusCode: 503 }]);
    expect(await system.item(victim)).toEqual(before);
    expect(await handler(event())).toMatchObject({ statusCode: 200 });
    await eventually('the note', async () => (await system.item(victim))?.callback);
  });
});

const requestBy = (method: string): HostileRequest => ({
  method,
  path: rightPath(id),
  headers: {},
  body: '{}',
  isBase64Encoded: false,
});
