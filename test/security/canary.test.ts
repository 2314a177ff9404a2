import { createHmac, randomUUID } from 'node:crypto';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GenerationRecord } from '../../functions/api/record.ts';
import { eventually } from '../support/eventually.ts';
import { picture } from '../support/pictures.ts';
import { type ApiAnswer, HASTY, type PlannedFault, startSystem } from '../support/system.ts';
import { scanTable } from './scan-table.ts';

const API_KEY = `canary-key-${randomUUID()}`;
const API_SECRET = `canary-secret-${randomUUID()}`;
const PRESIGNED = `https://pictures.example/a.png?X-Amz-Credential=canary%2F20261122&X-Amz-Signature=${'c'.repeat(64)}`;

/** Where a host says that an output is. */
const ELSEWHERE = `canary-path-${randomUUID()}`;

/** What the functions are told by their environments. */
const told: unknown[] = [];

const PRESET = { model: 'wiro/image-to-image', fileParameter: 'inputImage' };
const system = await startSystem({
  presets: { drops: PRESET },
  // Links to inputs are the one secret more that there may be.
  inputHandover: 'presigned',
  maximumEnvironments: 1,
  endpointOverrides: (_, environment) => {
    told.push(environment);
    return {};
  },
  simulator: { apiKey: API_KEY, apiSecret: API_SECRET },
  durations: { ...HASTY, unauthorizedPatience: 500, outputPatience: 500 },
});
const { environment, simulator } = system;
const { endpoints } = environment;
const callbackSecret = await system.parameter('callback-secret');

const signatureOf = (id: string) =>
  createHmac('sha256', callbackSecret).update(`local/${id}/1`).digest('hex');

/** What a Wiro may say that repeats what it was told. */
function echoOf(id: string): string {
  const url = `${endpoints.callback}/local/${id}/1/${signatureOf(id)}`;
  const urls = [
    url,
    url.replaceAll('/', '\\/'),
    encodeURIComponent(url),
    new URL(url).pathname,
    PRESIGNED,
    encodeURIComponent(PRESIGNED),
  ];
  return `I was told ${urls.join(' and ')} by ${API_KEY} (${API_SECRET})`;
}

/** What the API answered, besides the records at the end. */
const answers: ApiAnswer[] = [];

async function submitted(
  faults: (id: string) => readonly PlannedFault[],
  inputs: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { idempotencyKey, id } = system.plan();
  simulator.faults.add(
    ...faults(id).map((fault) => ({ ...fault, match: { callbackUrlIncludes: `/${id}/` } }) as never),
  );
  const model = Object.keys(inputs).length === 0 ? 'wiro/text-to-image' : 'wiro/image-to-image';
  answers.push(await system.post({ model, parameters: { prompt: 'A hill' }, inputs, idempotencyKey }));
  return id;
}

/** Everything that may go well or wrong, told to say as much as it can. */
async function runEverything(): Promise<readonly string[]> {
  await system.put('one.png', picture(1), 'image/png');
  const cancelled = await submitted(() => [{ operation: 'task', fault: { kind: 'stuck' } }]);
  const ids = await Promise.all([
    submitted(() => [], { inputImage: 'one.png' }),
    submitted(() => [], { inputImage: PRESIGNED }),
    submitted((id) => [{ operation: 'task', fault: { kind: 'fails', message: echoOf(id) } }]),
    submitted((id) => [{ operation: 'task', fault: { kind: 'error', message: echoOf(id) } }]),
    submitted((id) => [
      { operation: 'Run', fault: { kind: 'error', work: 'never', code: 5, message: echoOf(id) } },
    ]),
    submitted((id) => [
      { operation: 'Run', fault: { kind: 'error', work: 'never', code: 97, message: echoOf(id) } },
    ]),
    submitted((id) => [
      {
        operation: 'Run',
        fault: {
          kind: 'status',
          work: 'never',
          status: 401,
          body: JSON.stringify({ result: false, errors: [{ code: 98, message: echoOf(id) }] }),
        },
      },
    ]),
    submitted(() => [{ operation: 'cdn', fault: { kind: 'status', status: 404 } }]),
    submitted(() => [{ operation: 'cdn', fault: { kind: 'page' } }]),
    submitted(() => [{ operation: 'cdn', fault: { kind: 'encoding', contentEncoding: 'compress' } }]),
    submitted(() => [
      { operation: 'cdn', fault: { kind: 'redirect', location: `https://other.example/${ELSEWHERE}/0.png` } },
    ]),
    submitted(() => [{ operation: 'Run', times: 1, fault: { kind: 'garbage' } }]),
    submitted(() => [
      { operation: 'callback', fault: { kind: 'lost' } },
      { operation: 'Task/Detail', times: 1, fault: { kind: 'html', status: 502 } },
    ]),
    submitted((id) => [
      { operation: 'callback', fault: { kind: 'shape', shape: 'garbage' } },
      { operation: 'Task/Detail', times: 1, fault: { kind: 'error', code: 3, message: echoOf(id) } },
    ]),
  ]);
  await system.put('uploads/drops/photo.png', picture(3), 'image/png');
  const request = { model: 'wiro/image-to-image', inputs: { inputImage: PRESIGNED } };
  await system.put('requests/good.json', JSON.stringify(request));
  await system.put(
    'requests/bad.json',
    JSON.stringify([{ ...request, inputs: { inputImage: PRESIGNED.replace('https', 's3') } }, 1]),
  );
  const [, query = ''] = PRESIGNED.split('?');
  const event = { 'detail-type': 'Generation Requested', source: 'shop' };
  environment.invokeLater('submit', { ...event, id: 'canary-1', detail: request });
  environment.invokeLater('submit', {
    ...event,
    id: 'canary-2',
    detail: { ...request, inputs: { inputImage: `one.png?${query}` } },
  });
  const wrong = [
    `x${PRESIGNED}`,
    `one.png?${query}`,
    `s3://other?${query}/one.png`,
    `s3://other/one.png?${query}`,
  ];
  for (const inputImage of wrong) answers.push(await system.post({ ...request, inputs: { inputImage } }));
  answers.push(await system.call('POST', '/generations', `{"inputs":${JSON.stringify(PRESIGNED)}`));
  const signed = `${endpoints.callback}/local/${cancelled}/1/${signatureOf(cancelled)}`;
  for (const url of [signed, `${signed}0`, signed.replace('/1/', '/2/')]) {
    const response = await fetch(url, { method: 'POST', body: PRESIGNED });
    answers.push({ status: response.status, headers: response.headers, body: await response.text() });
  }

  await system.reached(cancelled, ({ status }) => status === 'running');
  answers.push(await system.call('POST', `/generations/${cancelled}/cancel`));
  const own = [...ids, cancelled];
  await Promise.all(own.map(system.ended));
  await eventually('every other end', async () => {
    const keys = [
      ...(await system.keys(endpoints.outputBucket, 'outputs/drops/')),
      ...(await system.keys(endpoints.inputBucket, 'rejected/')),
      ...(await system.keys(endpoints.inputBucket, 'results/')),
    ];
    const ended = environment.events().map((event) => event['detail-type']);
    return (
      keys.some((key) => key.endsWith('result.json')) &&
      keys.includes('rejected/bad.json') &&
      keys.some((key) => key.startsWith('results/good.json/')) &&
      ended.includes('Generation Rejected') &&
      environment.events().some(({ detail }) => detail.origin === 'event' && detail.status !== 'running')
    );
  });
  await environment.idle();
  return own;
}

const outputFolders = () =>
  simulator
    .tasks()
    .flatMap(({ outputUrls }) => outputUrls)
    .map((url) => new URL(url).pathname.split('/').at(-2) ?? '');

let secrets: readonly (readonly [string, string])[] = [];
let tokens: readonly (readonly [string, string])[] = [];
let ids: readonly string[] = [];

beforeAll(async () => {
  ids = await runEverything();
  const spelled = (name: string, secret: string) =>
    [secret, Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')].map(
      (text) => [name, text] as const,
    );
  secrets = [
    ...spelled('the API key', API_KEY),
    ...spelled('the API secret', API_SECRET),
    ...spelled('the callback secret', callbackSecret),
    ...simulator
      .tasks()
      .map(({ callbackUrl }) => ['a signature', callbackUrl.split('/').at(-1) ?? ''] as const),
    ...ids.map((id) => ['a signature', signatureOf(id)] as const),
    // Whoever knows the path of an output can read it.
    ...outputFolders().map((folder) => ['the path of an output', folder] as const),
    ['the path of an output', ELSEWHERE],
  ];
  tokens = simulator.tasks().map(({ token }) => ['a task token', token]);
});

const QUERY: readonly (readonly [string, string])[] = [
  'X-Amz-Signature',
  'X-Amz-Credential',
  'c'.repeat(64),
].map((text) => ['a presigned query', text]);

/** What is found of what must not be there, with what is around it. */
function found(value: unknown, needles: readonly (readonly [string, string])[]): readonly string[] {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const lower = text.toLowerCase();
  return needles.flatMap(([name, needle]) => {
    const at = lower.indexOf(needle.toLowerCase());
    return at < 0 ? [] : [`${name}: ${text.slice(Math.max(0, at - 120), at + needle.length + 20)}`];
  });
}

describe('no secret, signature, token, presigned query or path of an output', () => {
  it('was spared the search: everything has happened', async () => {
    const records = await Promise.all(ids.map(system.read));

    expect(new Set(records.map(({ status, error }) => error?.code ?? status))).toEqual(
      new Set([
        ...['succeeded', 'cancelled', 'model_failed', 'upstream_refused', 'insufficient_balance'],
        ...['upstream_unauthorized', 'output_unavailable', 'output_refused'],
      ]),
    );
    const links = simulator.tasks().flatMap(({ inputUrls }) => inputUrls);
    expect(links.filter((link) => found(link, QUERY).length > 0).length).toBeGreaterThan(1);
    expect(environment.logs().length).toBeGreaterThan(30);
    expect(new Set(environment.events().map((event) => event['detail-type']))).toEqual(
      new Set(['Running', 'Succeeded', 'Failed', 'Cancelled', 'Rejected'].map((end) => `Generation ${end}`)),
    );
    expect(secrets.length).toBeGreaterThan(20);
    expect(outputFolders().every((folder) => folder.length >= 16)).toBe(true);
    expect(outputFolders().length).toBeGreaterThan(8);
    expect(tokens.length).toBeGreaterThan(9);
  });

  it('is in what the functions wrote', () => {
    const lines = environment.logs();

    expect(lines.flatMap((line) => found(line, [...secrets, ...tokens, ...QUERY]))).toEqual([]);
    // Nor any other signature: nothing of that form has a place in a log.
    expect(lines.filter((line) => /[0-9a-f]{64}/i.test(JSON.stringify(line)))).toEqual([]);
  });

  it("is in a function's environment", () => {
    expect([told.length, told.flatMap((environment) => found(environment, secrets))]).toEqual([4, []]);
  });

  it('is in an event', () => {
    expect(environment.events().flatMap((event) => found(event, [...secrets, ...tokens, ...QUERY]))).toEqual(
      [],
    );
  });

  it('is in an object, its headers or its metadata', async () => {
    const leaks: string[] = [];
    for (const Bucket of [endpoints.inputBucket, endpoints.outputBucket]) {
      const { Contents = [] } = await system.s3.send(new ListObjectsV2Command({ Bucket }));
      for (const { Key = '' } of Contents) {
        const {
          Body,
          $metadata: _,
          ...headers
        } = await system.s3.send(new GetObjectCommand({ Bucket, Key }));
        // What this test put there says what this test wrote.
        const isOurs = Bucket === endpoints.inputBucket && Key.startsWith('requests/');
        const body = Buffer.from((await Body?.transformToByteArray()) ?? []).toString('latin1');
        const all = [Key, JSON.stringify(headers), isOurs ? '' : body].join('\n');
        leaks.push(...found(all, [...secrets, ...tokens, ...QUERY]).map((leak) => `${Key}: ${leak}`));
      }
    }

    expect(leaks).toEqual([]);
  });

  it("is in the table, but for a task's token in its state, and the inputs in a request", async () => {
    const items = [...(await scanTable(endpoints))];

    for (const [key, item] of items) {
      const { task: { token: _, ...task } = {}, ...rest } = item as {
        readonly task?: { readonly token?: string };
      };
      const needles = [...secrets, ...tokens, ...(key.includes(' request#') ? [] : QUERY)];
      expect([key, found({ ...rest, task }, needles)]).toEqual([key, []]);
    }
    const states = items.filter(([key]) => key.endsWith(' state'));
    expect(states.filter(([, item]) => found(item, tokens).length > 0).length).toBeGreaterThan(5);
  });

  it("is in an answer, but for links to outputs, a running task's token, and the request's own inputs", async () => {
    const records = await Promise.all(ids.map((id) => system.call('GET', `/generations/${id}`)));

    const leaks = [...records, ...answers].flatMap(({ body, headers }) => [
      ...found(bare(body), [...secrets, ...tokens, ...QUERY]),
      ...found([...headers], [...secrets, ...tokens, ...QUERY]),
    ]);
    expect(leaks).toEqual([]);
  });
});

/** An answer of the API without what its caller is to have. */
function bare(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('outputs' in body)) return body;
  const { outputs, progress: _, inputs: __, ...record } = body as GenerationRecord;
  return { ...record, outputs: outputs.map(({ url: ___, ...output }) => output) };
}
