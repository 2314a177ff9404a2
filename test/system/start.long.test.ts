import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { createClient } from '../../client/index.ts';
import type { GenerationRecord } from '../../functions/api/record.ts';
import type { Endpoints } from '../../local/environment.ts';
import { NODE, ROOT, startCommand } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';

vi.setConfig({ testTimeout: 90_000 });

/** A copy of the project: whoever works in the real one may have its environment up. */
const project = await mkdtemp(path.join(tmpdir(), 'wiro-project-'));
const PARTS = ['cli', 'client', 'console', 'functions', 'infra', 'local', 'mcp', 'scripts'];
for (const name of [...PARTS, 'package.json', 'package-lock.json'])
  await cp(path.join(ROOT, name), path.join(project, name), { recursive: true });
await symlink(path.join(ROOT, 'node_modules'), path.join(project, 'node_modules'));
afterAll(() => rm(project, { recursive: true, force: true, maxRetries: 3 }));

const START = [...NODE, 'local/start.ts'] as const;
const FILE = path.join(project, '.local', 'endpoints.json');
const readEndpoints = async (): Promise<Endpoints | undefined> => {
  const text = await readFile(FILE, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Endpoints);
};

async function startProject() {
  const command = await startCommand(START, { cwd: project });
  const endpoints = await eventually('.local/endpoints.json', readEndpoints);
  return { command, endpoints };
}

it('npm start says where everything is, prints a request that works when pasted, keeps the data across restarts, and goes away when told', async () => {
  const first = await startProject();
  const [, url = '', header = '', body = ''] = await eventually(
    'a request to paste',
    () => /curl -s (http\S+) -H '([^']+)' -d '([^']+)'/.exec(first.command.output().stdout) ?? undefined,
  );
  const [name = '', value = ''] = header.split(': ');
  const answer = await fetch(url, { method: 'POST', headers: { [name]: value }, body });
  const { id } = (await answer.json()) as GenerationRecord;
  const read = ({ api }: Endpoints) => createClient({ url: api }).get(id);
  await eventually('the end', async () => (await read(first.endpoints)).status === 'succeeded');
  first.command.process.kill('SIGINT');
  const firstEnd = await first.command.ended;

  expect(answer.status).toBe(202);
  expect(first.endpoints).toMatchObject({
    // As a stack's outputs: the one with a slash at its end, the other without.
    api: expect.stringMatching(/^http:.*\/$/),
    callback: expect.stringMatching(/^http:.*\d$/),
    s3: expect.stringMatching(/^http:/),
    dynamodb: expect.stringMatching(/^http:/),
    wiro: expect.stringMatching(/^http:.*\/v1$/),
    inputBucket: 'wiro-local-inputs',
    outputBucket: 'wiro-local-outputs',
    table: 'wiro-local-generations',
  });
  for (const url of [first.endpoints.api, first.endpoints.s3, first.endpoints.wiro])
    expect(firstEnd.stdout).toContain(url);
  expect([firstEnd.code, firstEnd.stderr, await readEndpoints()]).toEqual([0, '', undefined]);
  expect(await first.command.leftovers()).toEqual({ files: [], processes: [] });

  const second = await startProject();
  const record = await read(second.endpoints);
  const image = await fetch(record.outputs[0]?.url ?? '');
  const beside = await startCommand(START, { cwd: project });
  const besideEnd = await beside.ended;
  second.command.process.kill('SIGTERM');
  const secondEnd = await second.command.ended;

  expect([record.id, record.status, image.status]).toEqual([id, 'succeeded', 200]);
  expect([besideEnd.code, besideEnd.stderr.trim().split('\n')]).toEqual([
    1,
    [expect.stringMatching(/uses the data in .*: stop it first/)],
  ]);
  expect([secondEnd.code, secondEnd.stderr, await readEndpoints()]).toEqual([0, '', undefined]);
  expect(await second.command.leftovers()).toEqual({ files: [], processes: [] });
});
