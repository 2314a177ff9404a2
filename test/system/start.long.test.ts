import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it, vi } from 'vitest';
import { createClient } from '../../client/index.ts';
import type { GenerationRecord } from '../../functions/api/record.ts';
import type { BusEvent } from '../../local/aws/events.ts';
import { closeServer, listenLocally } from '../../local/aws/local-service.ts';
import type { Endpoints } from '../../local/environment.ts';
import { NODE, ROOT, startCommand } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';

vi.setConfig({ testTimeout: 180_000 });

/** A copy of the project: whoever works in the real one may have its environment up. */
const project = await mkdtemp(path.join(tmpdir(), 'wiro-project-'));
const PARTS = ['cli', 'client', 'console', 'examples', 'functions', 'infra', 'local', 'mcp', 'scripts'];
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

async function startProject(...args: string[]) {
  const command = await startCommand([...START, ...args], { cwd: project });
  const endpoints = await eventually('.local/endpoints.json', readEndpoints);
  return { command, endpoints };
}

const AWS = `aws() { '${process.execPath}' '${path.join(ROOT, 'test/docs/aws.ts')}' "$@"; }`;

/** Runs the printed line of the AWS CLI, as pasted into a shell that knows nothing of AWS. */
async function pasteAwsLine({ stdout }: { readonly stdout: string }): Promise<string> {
  const line = /^ {2}(AWS_ACCESS_KEY_ID=.* aws .* --endpoint-url .*)$/m.exec(stdout)?.[1] ?? 'exit 1';
  const { PATH } = process.env;
  await promisify(execFile)('bash', ['-c', `${AWS}\n${line}`], { cwd: project, env: { PATH } });
  return line;
}

/** The events that are kept, by their detail type and model. */
async function keptEvents(): Promise<readonly string[]> {
  const text = await readFile(path.join(project, '.local', 'events.jsonl'), 'utf8').catch(() => '');
  const events =
    text.trim() === ''
      ? []
      : text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as BusEvent);
  return events.map(({ 'detail-type': type, detail }) => `${type} ${detail.model} ${detail.origin}`);
}

/** Finds ten free ports in a row. */
async function tenPorts(): Promise<number> {
  for (;;) {
    const first = await isFree(0);
    const free = await Promise.all(Array.from({ length: 9 }, (_, index) => isFree(first + index + 1)));
    if (free.every((port) => port > 0)) return first;
  }
}

/** @returns The port, or 0 if it is taken. */
async function isFree(port: number): Promise<number> {
  const server = createServer();
  try {
    return Number(new URL(await listenLocally(server, port)).port);
  } catch {
    return 0;
  } finally {
    await closeServer(server);
  }
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
  await pasteAwsLine(first.command.output());
  const fromFile = 'Generation Succeeded wiro/text-to-image s3';
  await eventually('the request file', async () => (await keptEvents()).includes(fromFile));
  const doctor = await startCommand([...NODE, 'cli/main.ts', 'doctor'], { cwd: project });
  const examined = await doctor.ended;
  first.command.process.kill('SIGTERM');
  const firstEnd = await first.command.ended;

  expect(examined, examined.stdout).toMatchObject({ code: 0, stderr: '' });
  expect(examined.stdout).toMatch(
    /^✓ output link .*\n(?:.*\n)*✓ callback .*\n(?:.*\n)*\nNothing is wrong\.\n$/m,
  );
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
  expect(firstEnd.stdout).toMatch(/^\S+ event {5}Generation Succeeded id=\w+ model=wiro\/text-to-image /m);
  expect(await first.command.leftovers()).toEqual({ files: [], processes: [] });

  const port = await tenPorts();
  const options = ['--port', String(port), '--preset', 'examples/presets.json'];
  const second = await startProject(...options);
  const keptBefore = keptEvents();
  const record = await read(second.endpoints);
  const image = await fetch(record.outputs[0]?.url ?? '');
  const beside = await startCommand(START, { cwd: project });
  const besideEnd = await beside.ended;
  const taken = await startCommand([...START, '--port', String(port + 1), '--data', 'other'], {
    cwd: project,
  });
  const takenEnd = await taken.ended;
  const pasted = await pasteAwsLine(second.command.output());
  const dropped = 'Generation Succeeded wiro/image-to-image s3';
  await eventually('the dropped file', async () => (await keptEvents()).includes(dropped));
  await rm(path.join(project, '.local'), { recursive: true });
  const secondEnd = await second.command.ended;

  expect([record.id, record.status, image.status]).toEqual([id, 'succeeded', 200]);
  expect([besideEnd.code, besideEnd.stderr.trim().split('\n')]).toEqual([
    1,
    [expect.stringMatching(/uses the data in .*: stop it first/)],
  ]);
  expect([takenEnd.code, takenEnd.stdout, takenEnd.stderr.trim().split('\n')]).toEqual([
    1,
    '',
    [
      `Port ${port + 9} for the simulator is in use: stop the process that listens on it, or choose others with --port, which takes 10 ports from its number on.`,
    ],
  ]);
  expect(pasted).toContain(`s3://wiro-local-inputs/uploads/portraits/ --region us-east-1`);
  expect(second.endpoints).toMatchObject({
    api: `http://127.0.0.1:${port + 1}/`,
    callback: `http://127.0.0.1:${port + 2}`,
    s3: `http://127.0.0.1:${port + 3}`,
    wiro: `http://127.0.0.1:${port + 8}/v1`,
  });
  expect(await keptBefore).toContain(fromFile);
  expect(secondEnd.stdout).toContain(`Console   http://127.0.0.1:${port}/`);
  expect(secondEnd.stdout).toMatch(/^\S+ event {5}Generation Succeeded id=\w+ model=wiro\/image-to-image /m);
  // Its data were deleted while it ran.
  expect([secondEnd.code, secondEnd.stderr.trim().split('\n').at(-1)]).toEqual([
    1,
    expect.stringMatching(
      /^The data in .* were deleted while they were in use: stopped\. Run npm start to begin anew\.$/,
    ),
  ]);
  expect(await readEndpoints()).toBeUndefined();
  expect(await second.command.leftovers()).toEqual({ files: [], processes: [] });
});
