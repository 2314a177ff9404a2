import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeTemporaryDirectory } from '../../local/temporary.ts';

it('removes what a killed process has left, and nothing else', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'temporary-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const killed = spawn(process.execPath, ['--eval', '']);
  await once(killed, 'close');
  const mine = await makeTemporaryDirectory('wiro-local', folder);
  const left = mine.replace(`-${process.pid}-`, `-${killed.pid}-`);
  await rename(await makeTemporaryDirectory('wiro-local', folder), left);
  await writeFile(path.join(left, 'object'), 'x');
  const other = await makeTemporaryDirectory('wiro-simulator', folder);

  const next = await makeTemporaryDirectory('wiro-local', folder);

  expect((await readdir(folder)).sort()).toEqual([mine, next, other].map((dir) => path.basename(dir)).sort());
  await access(mine);
});
