import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { S3Event } from 'aws-lambda';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FunctionName } from '../../functions/functions.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import {
  type Endpoints,
  type Environment,
  type EnvironmentOptions,
  FunctionError,
  startEnvironment,
} from '../../local/environment.ts';
import { untilGone } from './processes.ts';

const cleanups: (() => unknown)[] = [];
/** One per test file, so that concurrent tests do not leave files in it. */
let temporary: string;
const { TMPDIR } = process.env;
beforeEach(async () => {
  temporary = await mkdtemp(path.join(TMPDIR ?? '/tmp', 'environment-test-'));
  process.env.TMPDIR = temporary;
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await rm(temporary, { recursive: true });
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
});

const directoryFor = (name: string) => mkdtemp(path.join(temporary, `${name}-`));

/** Starts an environment whose four functions all run `code`. */
async function environmentOf(code: string, options: EnvironmentOptions = {}): Promise<Environment> {
  const directory = await directoryFor('bundle');
  await writeFile(path.join(directory, 'index.js'), code);
  const bundle = { directory, handler: 'index.handler' };
  const environment = await startEnvironment({
    bundles: { api: bundle, submit: bundle, callback: bundle, reconcile: bundle },
    schedule: false,
    durationDivisor: 100,
    ...options,
  });
  cleanups.push(environment.stop);
  return environment;
}

function clientsOf({ s3, ssm, region }: Endpoints) {
  const common = { region, credentials: { ...LOCAL_CREDENTIALS } };
  const clients = {
    s3: new S3Client({ ...common, endpoint: s3, forcePathStyle: true }),
    ssm: new SSMClient({ ...common, endpoint: ssm }),
  };
  cleanups.push(() => [clients.s3.destroy(), clients.ssm.destroy()]);
  return clients;
}

async function parametersOf({ endpoints }: Environment): Promise<Record<string, string>> {
  const { Parameters = [] } = await clientsOf(endpoints).ssm.send(
    new GetParametersByPathCommand({ Path: endpoints.parameterPath, WithDecryption: true }),
  );
  return Object.fromEntries(
    Parameters.map(({ Name = '', Value = '' }) => [Name.replace(`${endpoints.parameterPath}/`, ''), Value]),
  );
}

const TELL_ENVIRONMENT = 'exports.handler = async () => process.env;';
const TELL_EVENT =
  'exports.handler = async (event) => { console.log(JSON.stringify(event)); return event; };';
const eventsSeenBy = (environment: Environment, name: FunctionName): unknown[] =>
  environment
    .logs()
    .filter(({ functionName }) => functionName === environment.endpoints.functions[name])
    .map(({ message }) => JSON.parse(message) as unknown);

it('passes a function the settings that its description lists, and no secret', async () => {
  const environment = await environmentOf(TELL_ENVIRONMENT);

  const api = (await environment.invoke('api', {})) as Record<string, string>;
  const reconcile = (await environment.invoke('reconcile', {})) as Record<string, string>;

  const { endpoints } = environment;
  expect(api).toMatchObject({
    TABLE_NAME: endpoints.table,
    INPUT_BUCKET: endpoints.inputBucket,
    PARAMETER_PATH: endpoints.parameterPath,
    WIRO_API_URL: endpoints.wiro,
    SUBMIT_FUNCTION: endpoints.functions.submit,
    DURATION_DIVISOR: '100',
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_SSM: endpoints.ssm,
    AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.events,
  });
  expect(reconcile).not.toHaveProperty('WIRO_API_URL');
  const parameters = await parametersOf(environment);
  for (const secret of ['api-key', 'api-secret', 'callback-secret'])
    expect(JSON.stringify(api)).not.toContain(parameters[secret] ?? 'missing');
});

it('stores the credentials of its simulator, and the callback URL and function', async () => {
  const environment = await environmentOf(TELL_ENVIRONMENT);

  expect(await parametersOf(environment)).toEqual({
    'api-key': environment.simulator?.apiKey,
    'api-secret': environment.simulator?.apiSecret,
    'callback-secret': expect.stringMatching(/^[0-9a-f]{64}$/),
    'callback-base-url': environment.endpoints.callback,
    'callback-function': environment.endpoints.functions.callback,
  });
});

it('uses a given Wiro instead of a simulator, key-only without a secret', async () => {
  const environment = await environmentOf(TELL_ENVIRONMENT, {
    wiro: { apiUrl: 'http://127.0.0.1:9/v1', apiKey: 'theirs' },
  });

  expect(environment.simulator).toBeUndefined();
  expect(environment.endpoints.wiro).toBe('http://127.0.0.1:9/v1');
  expect(await parametersOf(environment)).toMatchObject({ 'api-key': 'theirs' });
  expect(await parametersOf(environment)).not.toHaveProperty('api-secret');
});

it('serves the API and the callback over HTTP', async () => {
  const environment = await environmentOf(
    'exports.handler = async ({ rawPath }, { functionName }) => functionName + rawPath;',
  );

  const answers = await Promise.all(
    [environment.endpoints.api, environment.endpoints.callback].map(async (url) =>
      (await fetch(`${url}/x`)).text(),
    ),
  );

  expect(answers).toEqual(['wiro-local-api/x', 'wiro-local-callback/x']);
});

it('starts submit for every object under requests/ of the input bucket, and for no other', async () => {
  const environment = await environmentOf(TELL_EVENT);
  const { s3 } = clientsOf(environment.endpoints);
  const { inputBucket, outputBucket } = environment.endpoints;

  for (const [Bucket, Key] of [
    [inputBucket, 'requests/a b/ü.json'],
    [inputBucket, 'requests/picture.png'],
    [inputBucket, 'results/x.json'],
    [outputBucket, 'requests/x.json'],
  ])
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: '{}' }));
  await environment.idle();

  await expect.poll(() => eventsSeenBy(environment, 'submit')).toHaveLength(2);
  const events = eventsSeenBy(environment, 'submit') as S3Event[];
  const byKey = events
    .map(({ Records }) => Records[0]?.s3)
    .sort((a, b) => (String(a?.object.key) < String(b?.object.key) ? -1 : 1));
  expect(byKey).toMatchObject([
    { bucket: { name: inputBucket }, object: { key: 'requests/a+b/%C3%BC.json', size: 2 } },
    { bucket: { name: inputBucket }, object: { key: 'requests/picture.png', size: 2 } },
  ]);
  expect(environment.reports()).toHaveLength(2);
});

it('runs reconcile on a schedule until it is turned off', async () => {
  const environment = await environmentOf(TELL_EVENT, { scheduleMs: 5 });

  environment.schedule.on();
  await expect
    .poll(() => eventsSeenBy(environment, 'reconcile').length, { timeout: 5_000 })
    .toBeGreaterThan(1);
  environment.schedule.off();

  expect(environment.schedule.isOn).toBe(false);
  expect(eventsSeenBy(environment, 'reconcile')[0]).toMatchObject({
    source: 'aws.events',
    'detail-type': 'Scheduled Event',
  });
  expect(eventsSeenBy(environment, 'api')).toEqual([]);
});

it('lets a test put a proxy between a function and a service', async () => {
  const environment = await environmentOf(TELL_ENVIRONMENT, {
    endpointOverrides: async (name, { AWS_ENDPOINT_URL_S3 }) =>
      name === 'submit' ? { AWS_ENDPOINT_URL_S3: `${AWS_ENDPOINT_URL_S3}/proxied` } : {},
  });

  expect(await environment.invoke('submit', {})).toMatchObject({
    AWS_ENDPOINT_URL_S3: `${environment.endpoints.s3}/proxied`,
  });
  expect(await environment.invoke('api', {})).toMatchObject({
    AWS_ENDPOINT_URL_S3: environment.endpoints.s3,
  });
});

it('reports how a function failed', async () => {
  const environment = await environmentOf('exports.handler = async () => { throw new TypeError("no"); };');

  await expect(environment.invoke('api', {})).rejects.toBeInstanceOf(FunctionError);
  await expect(environment.invoke('api', {})).rejects.toThrow(/TypeError/);
});

it('keeps objects, parameters and the callback secret in its data directory', async () => {
  const dataDir = path.join(await directoryFor('test'), 'data');
  const first = await environmentOf(TELL_ENVIRONMENT, { dataDir });
  const { inputBucket: Bucket } = first.endpoints;
  await clientsOf(first.endpoints).s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'still here' }));
  const secret = (await parametersOf(first))['callback-secret'];
  await first.stop();

  const second = await environmentOf(TELL_ENVIRONMENT, { dataDir });
  const { Body } = await clientsOf(second.endpoints).s3.send(new GetObjectCommand({ Bucket, Key: 'kept' }));

  expect(await Body?.transformToString()).toBe('still here');
  expect(await parametersOf(second)).toMatchObject({
    'callback-secret': secret,
    'callback-base-url': second.endpoints.callback,
  });
});

it('lets no other process use the same data', async () => {
  const dataDir = await directoryFor('data');
  const first = await environmentOf(TELL_ENVIRONMENT, { dataDir });

  await expect(environmentOf(TELL_ENVIRONMENT, { dataDir })).rejects.toThrow(/uses the data in/);
  await first.stop();

  await environmentOf(TELL_ENVIRONMENT, { dataDir });
});

it('leaves no process, port or file after its end', async () => {
  const environment = await environmentOf(
    'exports.handler = () => new Promise((r) => setTimeout(r, 60_000));',
  );
  environment.invokeLater('submit', {});
  environment.invokeLater('callback', {});
  await expect.poll(() => environment.pids()).toHaveLength(2);
  const pids = environment.pids();

  await environment.stop();

  await Promise.all(pids.map(untilGone));
  await expect(fetch(environment.endpoints.api)).rejects.toThrow();
  await expect(fetch(environment.endpoints.s3)).rejects.toThrow();
  expect(await temporaryFiles()).toEqual([]);
});

it('leaves nothing after a failed start', async () => {
  const aborted = AbortSignal.abort(new Error('stopped halfway'));

  await expect(environmentOf(TELL_ENVIRONMENT, { signal: aborted })).rejects.toThrow('stopped halfway');

  expect(await temporaryFiles()).toEqual([]);
});

it('can run twice at the same time', async () => {
  const [first, second] = await Promise.all([
    environmentOf(TELL_ENVIRONMENT),
    environmentOf(TELL_ENVIRONMENT),
  ]);

  expect(first.endpoints.api).not.toBe(second.endpoints.api);
  expect(await first.invoke('api', {})).toMatchObject({ AWS_ENDPOINT_URL_S3: first.endpoints.s3 });
  expect(await second.invoke('api', {})).toMatchObject({ AWS_ENDPOINT_URL_S3: second.endpoints.s3 });
});

/** The files in the directory for temporary files, except this test's bundles. */
async function temporaryFiles(): Promise<string[]> {
  return (await readdir(temporary)).filter((name) => !/^(bundle-|node-compile-cache)/.test(name));
}
