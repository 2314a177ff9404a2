import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { GenerationRecord } from '../../functions/api/record.ts';
import { NODE, ROOT, startCommand } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { startOtherWiro } from '../support/other-wiro.ts';
import { sha256 } from '../support/system.ts';

vi.setConfig({ testTimeout: 90_000 });

const DEMO = [...NODE, 'local/demo.ts'] as const;
const NOTHING_LEFT = { files: [], processes: [] };

/** The images that a demo has left for a person, which go when the test is over. */
async function copiesOf(id: string): Promise<readonly string[]> {
  const directory = path.join(ROOT, '.local', 'demo', id);
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const names = (await readdir(directory)).sort();
  return Promise.all(names.map(async (name) => sha256(await readFile(path.join(directory, name)))));
}

async function wiroVariables(options: Parameters<typeof startOtherWiro>[0] = {}) {
  const wiro = await startOtherWiro(options);
  onTestFinished(wiro.stop);
  const { apiUrl, socketUrl, apiKey, apiSecret, outputHosts } = wiro.access;
  return {
    wiro,
    env: {
      WIRO_API_URL: apiUrl,
      WIRO_SOCKET_URL: socketUrl,
      WIRO_API_KEY: apiKey,
      ...(apiSecret && { WIRO_API_SECRET: apiSecret }),
      WIRO_OUTPUT_HOSTS: outputHosts,
    },
  };
}

describe('npm run demo', () => {
  it('twice at once does the main job twice, under two Wiros, and leaves nothing but the images', async () => {
    const { wiro, env } = await wiroVariables({ keyOnly: true });
    const [inJson, forAPerson] = await Promise.all([
      startCommand(['npm', 'run', '--silent', 'demo', '--', '--json'], { env }),
      // A key alone makes nobody pay.
      startCommand(DEMO, { env: { WIRO_API_KEY: 'exported', WIRO_API_SECRET: 'long ago' } }),
    ]);

    const [json, person] = await Promise.all([inJson.ended, forAPerson.ended]);
    const { id, ...record } = JSON.parse(json.stdout) as GenerationRecord;
    const otherId = /Generation ([a-z2-7]{26})/.exec(person.stdout)?.[1] ?? '';

    expect([json.code, person.code, person.stderr]).toEqual([0, 0, '']);
    expect(record).toMatchObject({
      model: 'wiro/story-maker-multi-character-consistency',
      status: 'succeeded',
      attempt: 1,
      taskId: '9000000000',
      costUsd: 0.125,
    });
    expect(json.stderr).toContain(`Wiro: ${env.WIRO_API_URL} (Wiro charges for tasks)`);
    expect(wiro.tasks()).toHaveLength(1);
    expect(person.stdout).toMatch(/^Wiro: the built-in simulator/);
    // Which of them come depends on when the socket is open.
    const progress = [...person.stdout.matchAll(/^(\d+) % step (\d+) of 20$/gm)];
    const percents = progress.map(([, percent]) => Number(percent));
    expect(percents).toEqual(progress.map(([, , step]) => Number(step) * 5));
    expect(percents).toEqual([...new Set(percents)].sort((a, b) => a - b));
    expect(percents.length).toBeGreaterThan(0);
    expect(person.stdout).toContain(`s3://wiro-local-outputs/outputs/${otherId}/1/0-`);
    expect(person.stdout).toContain(path.join('.local', 'demo', otherId));
    expect(person.stdout).toMatch(/Model .* \(simulated: the pictures show your inputs, not what it makes\)/);
    expect(person.stdout).toMatch(/Cost +\$0\.00\d+ \(simulated: nothing is charged\)/);
    expect(person.stdout).toMatch(/^Copy +\S+simulated-\d+-1\.png$/m);
    expect(person.stdout).not.toContain('\u001b[');
    expect(await copiesOf(id)).toEqual(record.outputs.map((output) => output.sha256));
    expect(await copiesOf(otherId)).toHaveLength(2);
    expect([await inJson.leftovers(), await forAPerson.leftovers()]).toEqual([NOTHING_LEFT, NOTHING_LEFT]);
  });

  it('ends on Ctrl-C, and leaves nothing behind', async () => {
    const command = await startCommand([...DEMO, '--json']);
    await eventually('a generation', () => command.output().stderr.includes('Generation '));

    command.process.kill('SIGINT');
    const { code, stdout } = await command.ended;

    expect([code, stdout]).toEqual([130, '']);
    expect(await command.leftovers()).toEqual(NOTHING_LEFT);
  });
});

describe('npm run demo fails with one clear sentence and exit code 1', () => {
  const sentence = (text: string) => text.trim().split('\n').at(-1);

  it('when WIRO_API_URL does not end in /v1', async () => {
    const { ended } = await startCommand(DEMO, {
      env: { WIRO_API_URL: 'https://api.wiro.ai', WIRO_API_KEY: 'x' },
    });

    const { code, stdout, stderr } = await ended;

    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trim()).toMatch(
      /^WIRO_API_URL is "https:\/\/api\.wiro\.ai": set an http\(s\) URL that ends in \/v1, .*\.$/,
    );
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('when Wiro does not accept the key, within a minute', async () => {
    const { wiro, env } = await wiroVariables();

    const command = await startCommand(DEMO, { env: { ...env, WIRO_API_KEY: 'not-the-key' } });
    const { code, stderr } = await command.ended;

    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(sentence(stderr)).toMatch(/does not accept this deployment's API key/);
    expect(wiro.tasks()).toEqual([]);
    expect(await command.leftovers()).toEqual(NOTHING_LEFT);
  });

  it('when it is told what it does not know', async () => {
    const { ended } = await startCommand([...DEMO, '--jason']);

    const { code, stderr } = await ended;

    expect([code, stderr.trim().split('\n')]).toEqual([1, [expect.stringMatching(/--jason.*--help\.$/)]]);
  });
});
