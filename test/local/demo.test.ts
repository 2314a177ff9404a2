import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { GenerationRecord } from '../../functions/generation/record.ts';
import { type RunningScript, runScript } from './script.ts';

const LIMIT = 60_000;
const COPIES = path.resolve(import.meta.dirname, '../../.local/demo');

let temporary: string;
let script: RunningScript | undefined;
beforeEach(async () => {
  temporary = await mkdtemp(path.join(tmpdir(), 'demo-test-'));
});
afterEach(async () => {
  script?.kill('SIGKILL');
  await script?.exited;
  script = undefined;
  await rm(temporary, { recursive: true });
});

function demo(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): RunningScript {
  script = runScript('local/demo.ts', args, { TMPDIR: temporary, ...env });
  return script;
}

const leftInTemporary = async () =>
  (await readdir(temporary)).filter((name) => name !== 'node-compile-cache');

it('makes images of two photographs, and prints the record alone with --json', {
  timeout: LIMIT,
}, async () => {
  const { exited, stdout, stderr } = demo(['--json']);

  expect([await exited, stderr()]).toEqual([0, expect.stringMatching(/^Wiro: the built-in simulator/)]);
  const record = JSON.parse(stdout()) as GenerationRecord;
  expect(record).toMatchObject({
    model: 'wiro/story-maker-multi-character-consistency',
    status: 'succeeded',
    attempt: 1,
    inputs: { inputImage: 'astronaut.png', inputImage2: 'photographer.png' },
  });
  const copies = path.join(COPIES, record.id);
  const digests = await Promise.all(
    (await readdir(copies)).sort().map(async (name) =>
      createHash('sha256')
        .update(await readFile(path.join(copies, name)))
        .digest('hex'),
    ),
  );
  expect(digests).toEqual(record.outputs.map(({ sha256 }) => sha256));
  expect(digests.length).toBeGreaterThan(0);
  expect(await leftInTemporary()).toEqual([]);
  await rm(copies, { recursive: true });
});

it('ends quickly and leaves nothing behind on Ctrl-C', { timeout: LIMIT }, async () => {
  const { exited, stdout, stderr, kill } = demo();
  await expect.poll(stdout, { timeout: LIMIT / 2 }).toMatch(/running at Wiro/);

  kill('SIGINT');

  expect(await exited).toBe(130);
  expect(stderr()).toBe('Interrupted.\n');
  expect(await leftInTemporary()).toEqual([]);
});

it.each([
  ['a URL without /v1', [], { WIRO_API_URL: 'https://api.wiro.ai' }, /^WIRO_API_URL must be .*\n$/],
  ['a missing key', [], { WIRO_API_URL: 'https://api.wiro.ai/v1' }, /^WIRO_API_URL is set, so .*\n$/],
  [
    'a flag that it does not have',
    ['--jsno'],
    {},
    /^Unknown option '--jsno': see npm run demo -- --help\.\n$/,
  ],
])('says in one sentence what is wrong with %s', { timeout: LIMIT }, async (_, args, env, sentence) => {
  const { exited, stdout, stderr } = demo(args, env);

  expect(await exited).toBe(1);
  expect([stdout(), stderr()]).toEqual(['', expect.stringMatching(sentence)]);
});
