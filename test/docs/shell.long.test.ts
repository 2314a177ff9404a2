import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it, vi } from 'vitest';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
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
  // What the README's `output` finds out about a stack.
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

it('a first generation, by a signed request, and its record', async () => {
  const { id: ID } = JSON.parse(await run(FIRST));
  await system.ended(ID);

  const record = JSON.parse(await run(shellBlock('generations/$ID"'), { env: { ID } }));

  expect(record).toMatchObject({ id: ID, status: 'succeeded', outputs: [{}] });
  expect(JSON.parse(await run(shellBlock('{"pk": {"S": "gate"}')))).toMatchObject({
    Item: { pk: { S: 'gate' } },
  });
});

it('a first S3 drop', async () => {
  await run(shellBlock('story.json'), { cwd: folder });

  const keys = await eventually('the results file', async () => {
    const found = await system.keys(endpoints.inputBucket, 'results/story.json/');
    return found.length > 0 ? found : undefined;
  });
  expect(keys).toHaveLength(1);
});

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
