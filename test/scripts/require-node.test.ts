import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const SCRIPT = path.resolve(import.meta.dirname, '../../scripts/require-node.mjs');
/** Makes this Node say that it is an older one. */
const OLD = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'22.19.0'})";

/** Runs a script of a project with these files under node_modules. @returns What it says. */
async function say(files: readonly string[], { isOld = false, env = {} } = {}): Promise<string> {
  const project = await mkdtemp(path.join(tmpdir(), 'require-node-'));
  onTestFinished(() => rm(project, { recursive: true }));
  await cp(SCRIPT, path.join(project, 'scripts/require-node.mjs'));
  for (const file of files) {
    await mkdir(path.join(project, 'node_modules', path.dirname(file)), { recursive: true });
    await writeFile(path.join(project, 'node_modules', file), '');
  }
  const imports = [...(isOld ? [OLD] : []), './scripts/require-node.mjs'].flatMap((one) => ['--import', one]);
  return new Promise((resolve) => {
    const options = { cwd: project, env: { PATH: process.env.PATH, ...env } };
    execFile(
      process.execPath,
      [...imports, '--eval', 'console.log("it runs")'],
      options,
      (_, stdout, stderr) => resolve(stdout + stderr),
    );
  });
}

const ALL = ['esbuild/package.json', 'node/package.json', 'node/bin/node'];

it('runs a script where everything is installed', async () => {
  expect(await say(ALL)).toBe('it runs\n');
});

it.each([
  ['nothing is installed', [], {}, /^The packages of this project are not installed: run "npm install"\.\n$/],
  [
    'NODE_ENV=production left packages out',
    [],
    { env: { NODE_ENV: 'production' } },
    /: NODE_ENV=production leaves them out\. Run "npm ci --include=dev"\.\n$/,
  ],
  [
    '--omit=dev left packages out',
    ['node/package.json'],
    {},
    /everything here is development\. Run "npm ci --include=dev"\.\n$/,
  ],
  [
    'install scripts did not run',
    ALL.slice(0, 2),
    { isOld: true },
    /runs on Node 22\.19\.0: .* \(--ignore-scripts\)\. Run "npm rebuild node --ignore-scripts=false"\.\n$/,
  ],
  [
    'it is started past npm',
    ALL,
    { isOld: true },
    /^This script needs Node 24, .* start the script through npm, /,
  ],
])('names the cause and the remedy where %s', async (_, files, options, sentence) => {
  expect(await say(files, options)).toMatch(sentence);
});
