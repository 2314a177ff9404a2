import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startLambdaHost } from '../../local/aws/lambda-host.ts';
import { eventually } from '../support/eventually.ts';

/** A host with a function that answers its release; told to wait, it answers once it is told to go on. */
async function hostWorld() {
  const folder = await mkdtemp(path.join(tmpdir(), 'deploy-test-'));
  const goOn = path.join(folder, 'go-on');
  const lines: string[] = [];
  const host = await startLambdaHost({
    region: 'us-east-1',
    onLog: ({ message }) => void lines.push(message),
  });
  onTestFinished(async () => {
    await host.stop();
    await rm(folder, { recursive: true });
  });
  const deploy = async (release: string) => {
    const directory = await mkdtemp(path.join(folder, `${release}-`));
    await writeFile(
      path.join(directory, 'index.js'),
      `const { existsSync } = require('node:fs');
      exports.handler = async ({ wait }) => {
        if (wait) console.log('at work');
        while (wait && !existsSync(${JSON.stringify(goOn)})) await new Promise((go) => setTimeout(go, 10));
        return ${JSON.stringify(release)};
      };`,
    );
    const limits = { memoryMb: 128, timeoutSeconds: 30 };
    host.deploy({ name: 'thing', directory, handler: 'index.handler', environment: {}, ...limits });
  };
  const invoke = async (event: object = {}) => (await host.invoke('thing', JSON.stringify(event))).payload;
  return { host, lines, deploy, invoke, goOn: () => writeFile(goOn, '') };
}

it('code that is replaced goes on in the environments that are alive', async () => {
  const { deploy, invoke } = await hostWorld();
  await deploy('old');
  await invoke();

  await deploy('new');

  expect(await invoke()).toBe('"old"');
});

it('retired, it ends what it is at, and is given nothing more', async () => {
  const { host, lines, deploy, invoke, goOn } = await hostWorld();
  await deploy('old');
  await Promise.all([invoke(), invoke()]);
  const atWork = invoke({ wait: true });
  await eventually('one to be at work', () => lines.includes('at work'));

  await deploy('new');
  host.retire();
  const after = await invoke();
  await goOn();

  expect([await atWork, after]).toEqual(['"old"', '"new"']);
  await eventually('the old ones to end', () => host.pids().length === 1);
  expect(await invoke()).toBe('"new"');
});
