import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startFunctionUrl } from '../../../local/aws/function-url.ts';
import { startLambdaEndpoint } from '../../../local/aws/lambda-endpoint.ts';
import { type LambdaHostOptions, startLambdaHost, ThrottledError } from '../../../local/aws/lambda-host.ts';
import { closeServer, listenLocally } from '../../../local/aws/local-service.ts';
import { signedFetch } from './signed-fetch.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Two functions whose invocations run until the test releases them. */
async function crowdedHost(
  options: Partial<LambdaHostOptions>,
  { reserved }: { readonly reserved?: number } = {},
) {
  const held: ServerResponse[] = [];
  let began = () => {};
  const server = createServer((_, response) => {
    held.push(response);
    began();
  });
  const url = await listenLocally(server, 0);
  const directory = await mkdtemp(path.join(tmpdir(), 'lambda-crowd-'));
  await writeFile(
    path.join(directory, 'index.js'),
    `exports.handler = async () => { await (await fetch('${url}')).text(); return 'done'; };`,
  );
  const host = await startLambdaHost({
    region: 'us-east-1',
    retryDelaysMs: [1, 1],
    throttledDelaysMs: { first: 1, longest: 20 },
    ...options,
  });
  cleanups.push(
    () => rm(directory, { recursive: true }),
    () => closeServer(server),
    () => host.stop(),
  );
  const fn = { directory, handler: 'index.handler', memoryMb: 128, timeoutSeconds: 60, environment: {} };
  host.deploy({ ...fn, name: 'slow' });
  host.deploy({ ...fn, name: 'other', ...(reserved !== undefined && { reservedConcurrency: reserved }) });
  return {
    host,
    /** Resolves once this many invocations are running. */
    running: (count: number) =>
      new Promise<void>((resolve) => {
        began = () => {
          if (held.length >= count) resolve();
        };
        began();
      }),
    letGo: () => {
      for (const response of held.splice(0)) response.end();
    },
  };
}

it('refuses an invocation over the account’s limit for any function', async () => {
  const { host, running, letGo } = await crowdedHost({ accountConcurrency: 2 });
  const both = [host.invoke('slow', '{}'), host.invoke('slow', '{}')];
  await running(2);

  await expect(host.invoke('other', '{}')).rejects.toBeInstanceOf(ThrottledError);
  letGo();
  await Promise.all(both);
  const next = host.invoke('other', '{}');
  await running(1);
  letGo();
  expect(await next).toMatchObject({ kind: 'answered' });
});

it('delays asynchronous invocations over the limit without counting a try', async () => {
  const reports: string[] = [];
  const { host, running, letGo } = await crowdedHost({
    accountConcurrency: 1,
    onReport: ({ functionName, failure }) => reports.push(`${functionName} ${failure ?? 'worked'}`),
  });
  const first = host.invoke('slow', '{}');
  await running(1);

  host.invokeLater('other', '{}');
  letGo();
  await first;
  await running(1);
  letGo();
  await host.idle();

  expect(reports).toEqual(['slow worked', 'other worked']);
});

it('gives a function exactly its reserved concurrency, and the others the rest', async () => {
  const { host, running, letGo } = await crowdedHost({ accountConcurrency: 2 }, { reserved: 1 });
  const slow = host.invoke('slow', '{}');
  await running(1);

  await expect(host.invoke('slow', '{}')).rejects.toBeInstanceOf(ThrottledError);
  const other = host.invoke('other', '{}');
  await running(2);
  await expect(host.invoke('other', '{}')).rejects.toBeInstanceOf(ThrottledError);
  letGo();

  expect(await Promise.all([slow, other])).toMatchObject([{ kind: 'answered' }, { kind: 'answered' }]);
});

it('refuses more than ten requests per second for each unit of concurrency', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'lambda-crowd-'));
  await writeFile(path.join(directory, 'index.js'), 'exports.handler = async () => 1;');
  const host = await startLambdaHost({ region: 'us-east-1', accountConcurrency: 2, now: () => 0 });
  cleanups.push(
    () => rm(directory, { recursive: true }),
    () => host.stop(),
  );
  host.deploy({
    name: 'quick',
    directory,
    handler: 'index.handler',
    memoryMb: 128,
    timeoutSeconds: 60,
    environment: {},
  });

  for (let count = 0; count < 20; count += 1)
    expect((await host.invoke('quick', '{}')).kind).toBe('answered');

  await expect(host.invoke('quick', '{}')).rejects.toBeInstanceOf(ThrottledError);
});

it('responds 429 at a Function URL and to Invoke', async () => {
  const host = {
    has: () => true,
    invoke: async () => {
      throw new ThrottledError('Rate Exceeded.');
    },
    invokeLater: () => 'id',
  };
  const url = await startFunctionUrl(host, { functionName: 'thing', auth: 'public' });
  const lambda = await startLambdaEndpoint(host, { region: 'us-east-1' });
  cleanups.push(url.stop, lambda.stop);

  const answer = await fetch(url.endpoint);
  const invoked = await signedFetch('lambda')(`${lambda.endpoint}/2015-03-31/functions/thing/invocations`, {
    method: 'POST',
    body: '{}',
  });

  expect([answer.status, invoked.status]).toEqual([429, 429]);
  expect(invoked.headers.get('x-amzn-errortype')).toBe('TooManyRequestsException');
});
