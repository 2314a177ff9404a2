import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { AwsV4Signer } from 'aws4fetch';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { closeServer, listenLocally } from '../../local/aws/local-service.ts';
import { eventually } from '../support/eventually.ts';
import { startSystem } from '../support/system.ts';
import { blocksIn, ROOT, shellBlock } from './blocks.ts';

// The shell of the pages, as a reader types it, against the local environment.
vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem();
const { endpoints } = system.environment;
const folder = await mkdtemp(path.join(tmpdir(), 'wiro-docs-'));
afterAll(() => rm(folder, { recursive: true }));

const ENV = {
  PATH: process.env.PATH,
  // What `output` of docs/deploy.md finds out about a stack.
  API: `${endpoints.api}/`,
  INPUTS: endpoints.inputBucket,
  BUS: endpoints.eventBus,
  TABLE: endpoints.table,
  AWS_REGION: endpoints.region,
  AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  AWS_ENDPOINT_URL_S3: endpoints.s3,
  AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
  AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.events,
};
const AWS = `aws() { '${process.execPath}' '${path.join(import.meta.dirname, 'aws.ts')}' "$@"; }`;
const FIRST = shellBlock('sign() {');
const SIGN = /^sign\(\) \{[\s\S]*?^\}$/m.exec(FIRST)?.[0] ?? '';

/** Runs lines of a page, and answers what they print. */
async function run(
  lines: string,
  { env = {}, cwd = ROOT }: { readonly env?: object; readonly cwd?: string } = {},
) {
  const script = `set -eo pipefail\n${AWS}\n${SIGN}\n${lines}`;
  const { stdout } = await promisify(execFile)('bash', ['-c', script], { cwd, env: { ...ENV, ...env } });
  return stdout;
}

it('a first generation with curl, and its record', async () => {
  const printed = await run(`${FIRST}\n${shellBlock('generations/$ID"')}`);
  const [accepted, record] = printed
    .trim()
    .split(/\n|(?<=\})(?=\{)/)
    .map((text) => JSON.parse(text));

  expect(record.id).toBe(accepted.id);
  expect(await system.ended(accepted.id)).toMatchObject({ status: 'succeeded', outputs: [{}] });
  expect(JSON.parse(await run(shellBlock('{"pk": {"S": "gate"}')))).toMatchObject({
    Item: { pk: { S: 'gate' } },
  });
});

it('the first lines of the README', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/first.ts'], {
    cwd: ROOT,
    env: ENV,
  });

  expect(stdout).toMatch(/^succeeded http:\S+ 0\.04\n$/);
});

it('a first generation with TypeScript, signed', async () => {
  const page = blocksIn('ts').find(({ code }) => code.includes('defaultProvider'))?.code ?? '';
  // Below the root, where the packages are found.
  await mkdir(path.join(ROOT, '.build'), { recursive: true });
  const script = path.join(await mkdtemp(path.join(ROOT, '.build/docs-')), 'first.mts');
  await writeFile(script, page.replace('wiro-serverless/client', '../../client/index.ts'));

  const { stdout } = await promisify(execFile)(process.execPath, [script], { cwd: ROOT, env: ENV }).finally(
    () => rm(path.dirname(script), { recursive: true }),
  );

  expect(stdout).toMatch(/^http:\S+ 0\.03\n$/);
});

interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly url: URL;
  readonly body: string;
}

// A machine may have no Python, or one without botocore.
const hasPython = await runsInPython('import json');
const hasBotocore = await runsInPython('import botocore');

describe.skipIf(!hasPython)('a first generation with Python', () => {
  const python = (env: {
    readonly API: string;
    readonly http_proxy?: string;
    readonly no_proxy?: string;
  }) => {
    // A repeat of the key would be answered at once.
    const code = blocksIn('python')[0]?.code.replace('my-first', env.API) ?? '';
    return promisify(execFile)('python3', ['-c', code], { env: { ...ENV, ...env } });
  };

  it('runs with the standard library alone', async () => {
    const { stdout } = await python({ API: ENV.API });

    expect(stdout).toMatch(/^succeeded \['http:\S+'\]\n$/);
  });

  it.skipIf(!hasBotocore)('signs what it sends to a deployment', async () => {
    const asked: Asked[] = [];
    const proxy = createServer(async (incoming, outgoing) => {
      const { method = '', url = '', headers } = incoming;
      const body = await text(incoming);
      asked.push({ headers, url: new URL(url), body });
      const answer = await system.call(method, new URL(url).pathname, body === '' ? undefined : body);
      outgoing.writeHead(answer.status).end(JSON.stringify(answer.body));
    });
    const proxyUrl = await listenLocally(proxy, 0);

    const API = 'http://abc.lambda-url.eu-central-1.on.aws/';
    const { stdout } = await python({ API, http_proxy: proxyUrl, no_proxy: '' }).finally(() =>
      closeServer(proxy),
    );

    expect(stdout).toMatch(/^succeeded /);
    expect(asked.length).toBeGreaterThan(1);
    for (const one of asked)
      expect(/Signature=\w+/.exec(one.headers.authorization ?? '')?.[0]).toBe(await signatureOf(one));
  });
});

async function runsInPython(what: string): Promise<boolean> {
  return promisify(execFile)('python3', ['-c', what]).then(
    () => true,
    () => false,
  );
}

/** Signs a request again, as AWS does to check it. */
async function signatureOf({ headers, url, body }: Asked): Promise<string | undefined> {
  const signer = new AwsV4Signer({
    method: body === '' ? 'GET' : 'POST',
    url: url.href,
    headers: { 'content-type': headers['content-type'] ?? '' },
    ...(body !== '' && { body }),
    ...LOCAL_CREDENTIALS,
    service: 'lambda',
    region: endpoints.region,
    datetime: String(headers['x-amz-date']).replace(/[^\dTZ]/g, ''),
    allHeaders: true,
  });
  return /Signature=\w+/.exec((await signer.sign()).headers.get('authorization') ?? '')?.[0];
}

it('a first S3 drop', async () => {
  await run(shellBlock('story.json'), { cwd: folder });

  const keys = await eventually('the results file', async () => {
    const found = await system.keys(endpoints.inputBucket, 'results/story.json/');
    return found.length > 0 ? found : undefined;
  });
  expect(keys).toHaveLength(1);
});

it('the request files of docs/local.md, with the keys and the address that npm start prints', async () => {
  await mkdir(path.join(folder, '.local'), { recursive: true });
  await writeFile(path.join(folder, '.local/endpoints.json'), JSON.stringify(endpoints));
  await cp(path.join(ROOT, 'examples'), path.join(folder, 'examples'), { recursive: true });
  const unset = { AWS_ENDPOINT_URL_S3: undefined, INPUTS: undefined, AWS_ACCESS_KEY_ID: undefined };

  await run(shellBlock('lighthouse.json'), { cwd: folder, env: { ...unset, AWS_REGION: undefined } });

  const [json, csv] = await Promise.all(
    ['lighthouse.json', 'table.csv'].map((file) =>
      eventually(`the whole results of ${file}`, () => wholeResults(`results/${file}/`)),
    ),
  );
  expect(json).toMatchObject([{ status: 'succeeded', labels: { example: 'request' } }]);
  expect(csv).toMatchObject([
    { status: 'succeeded', model: 'wiro/text-to-image', labels: { order: '17' } },
    { status: 'succeeded', model: 'wiro/image-to-image', labels: { order: '18' } },
  ]);
});

/** The results of the only file under a prefix, once every generation of it has ended. */
async function wholeResults(prefix: string): Promise<unknown> {
  const [key] = await system.keys(endpoints.inputBucket, prefix);
  if (key === undefined) return undefined;
  const { pending, results } = JSON.parse(String((await system.object(key))?.bytes));
  return pending === 0 ? results : undefined;
}

it('a request by an event', async () => {
  const answer = JSON.parse(await run(shellBlock('aws events put-events')));

  expect(answer).toEqual({ FailedEntryCount: 0 });
  // There is no model of that name.
  await eventually('the rejection', async () =>
    system.environment.events().find((event) => event['detail-type'] === 'Generation Rejected'),
  );
});

it('many retries at once', async () => {
  system.simulator.set({ balanceUsd: 0.2 });
  const { id } = await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A purse' } });
  const failed = await system.ended(id);
  expect(failed.error?.code).toBe('insufficient_balance');
  const page = blocksIn('ts').find(({ code }) => code.includes("=== 'insufficient_balance'"))?.code ?? '';
  system.simulator.set({ balanceUsd: 10 });
  const script = path.join(folder, 'retry-all.mts');
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  await writeFile(
    script,
    page
      .replace('wiro-serverless/client', pathToFileURL(path.join(ROOT, 'client/index.ts')).href)
      .replace('http://127.0.0.1:3000', endpoints.api)
      .replace('2026-11-01', day(Date.now() - 86_400_000))
      .replace('2026-12-01', day(Date.now() + 86_400_000)),
  );

  await promisify(execFile)(process.execPath, [script], { env: ENV });

  const again = await system.reached(id, ({ status, attempt }) => attempt === 2 && status === 'succeeded');
  expect(again.attempt).toBe(2);
});

/** What docs/simulator.md rehearses: words of its block, and how the generation ends. */
const REHEARSALS = [
  ['a lost callback', '"kind": "lost"', 'succeeded', undefined],
  ['a slow model', '"kind": "lasts"', 'cancelled', undefined],
  ['an empty balance', `'{"balanceUsd": 0}'`, 'failed', 'insufficient_balance'],
  ['a Run whose answer is lost', '"operation": "Run"', 'succeeded', undefined],
  ['a model that fails', '"kind": "fails"', 'failed', 'model_failed'],
  ["Wiro's limit of tasks at once", `'{"concurrencyLimit": 1}'`, 'succeeded', undefined],
  ['outputs that come late', '"operation": "cdn"', 'succeeded', undefined],
] as const;

it.each(REHEARSALS)('a rehearsal of %s', async (_, words, status, code) => {
  const { ID } = await rehearse(words);

  const record = await system.ended(ID);

  expect(record.status).toBe(status);
  expect(record.error?.code).toBe(code);
  expect(system.tasksOf(ID)).toHaveLength(code === 'insufficient_balance' ? 0 : 1);
  // Each fault of the page applies.
  for (const { rule, applied } of system.simulator.faults.list())
    expect([rule.operation, applied]).toEqual([rule.operation, rule.times]);
});

it('a retry after an empty balance, and the way back to normal', async () => {
  const { ID, setup } = await rehearse(`'{"balanceUsd": 0}'`);
  await system.ended(ID);

  await run(`${setup}\n${shellBlock(`'{"balanceUsd": 100}'`)}`, { env: { ID }, cwd: folder });
  await system.reached(ID, ({ attempt, status }) => attempt === 2 && status === 'succeeded');
  const state = await run(`${setup}\n${shellBlock('/simulator/state')}`, { cwd: folder });

  expect(state).toContain('"chargedUsd"');
  expect(system.simulator.faults.list()).toEqual([]);
});

/** Runs the block of the page with these words, as far as it has a generation. */
async function rehearse(words: string) {
  await mkdir(path.join(folder, '.local'), { recursive: true });
  await writeFile(path.join(folder, '.local/endpoints.json'), JSON.stringify(endpoints));
  const setup = shellBlock('SIMULATOR=$(node');
  // The page goes back to normal only at its end.
  system.simulator.faults.clear();
  system.simulator.set({ balanceUsd: 100, concurrencyLimit: null });
  const said = await run(`${setup}\n${shellBlock(words)}\necho; echo "$ID"`, { cwd: folder });
  return { ID: said.trim().split('\n').at(-1) ?? '', setup };
}
