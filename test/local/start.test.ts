import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { GenerationRecord } from '../../functions/generation/record.ts';
import type { Endpoints } from '../../local/environment.ts';
import { type RunningScript, runScript } from './script.ts';

const LIMIT = 60_000;

let directory: string;
const scripts: RunningScript[] = [];
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'start-test-'));
});
afterEach(async () => {
  for (const { kill, exited } of scripts.splice(0)) {
    kill('SIGKILL');
    await exited;
  }
  await rm(directory, { recursive: true });
});

function start(): RunningScript {
  const script = runScript('local/start.ts', ['--data', directory]);
  scripts.push(script);
  return script;
}

async function readEndpoints({ exited, stderr }: RunningScript): Promise<Endpoints> {
  const file = path.join(directory, 'endpoints.json');
  const read = () => readFile(file, 'utf8').catch(() => '');
  const ended = exited.then((code) => Promise.reject(new Error(`It ended with ${code}: ${stderr()}`)));
  await Promise.race([ended, expect.poll(read, { timeout: LIMIT / 2 }).not.toBe('')]);
  ended.catch(() => {});
  return JSON.parse(await read()) as Endpoints;
}

it('serves until Ctrl-C, alone on its data, which the next start finds again', {
  timeout: LIMIT,
}, async () => {
  const first = start();
  const { api, ...endpoints } = await readEndpoints(first);
  const accepted = await fetch(`${api}/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'wiro/text-to-image', parameters: { prompt: 'A lighthouse' } }),
  });
  const { id } = (await accepted.json()) as GenerationRecord;
  const second = start();

  expect(accepted.status).toBe(202);
  expect(endpoints).toMatchObject({
    callback: expect.stringMatching(/^http:/),
    s3: expect.stringMatching(/^http:/),
    dynamodb: expect.stringMatching(/^http:/),
    wiro: expect.stringMatching(/^http:.*\/v1$/),
    inputBucket: expect.any(String),
    outputBucket: expect.any(String),
    table: expect.any(String),
  });
  expect(await second.exited).toBe(1);
  expect(second.stderr()).toMatch(/^Another environment \(process \d+\) already runs on the data in .*\n$/);

  first.kill('SIGINT');
  expect(await first.exited).toBe(0);
  expect(first.stderr()).toBe('');
  expect(await readdir(directory)).not.toContain('endpoints.json');

  const third = start();
  const again = await fetch(`${(await readEndpoints(third)).api}/generations/${id}`);
  expect([again.status, ((await again.json()) as GenerationRecord).id]).toEqual([200, id]);
  third.kill('SIGTERM');
  expect(await third.exited).toBe(0);
});

it('prints a request that works when pasted', { timeout: LIMIT }, async () => {
  const { stdout } = start();
  await expect.poll(stdout, { timeout: LIMIT / 2 }).toMatch(/Ctrl-C ends it/);

  const [, url = '', header = '', body = ''] =
    /curl -s (http\S+) -H '([^']+)' -d '([^']+)'/.exec(stdout()) ?? [];
  const [name = '', value = ''] = header.split(': ');
  const response = await fetch(url, { method: 'POST', headers: { [name]: value }, body });

  expect(response.status).toBe(202);
});
