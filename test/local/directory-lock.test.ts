import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockDirectory } from '../../local/directory-lock.ts';
import { SetupError } from '../../local/setup-error.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'lock-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('keeps a second one out until the first gives the directory free', async () => {
  const release = await lockDirectory(directory);

  await expect(lockDirectory(directory)).rejects.toThrow(
    new RegExp(`process ${process.pid}\\) already runs on the data in`),
  );
  await expect(lockDirectory(directory)).rejects.toBeInstanceOf(SetupError);
  await release();

  const again = await lockDirectory(directory);
  await again();
  expect(await readdir(directory)).toEqual([]);
});

it('creates the directory', async () => {
  const release = await lockDirectory(path.join(directory, 'a', 'b'));

  expect(await readdir(path.join(directory, 'a', 'b'))).toEqual(['lock']);
  await release();
});

it('counts for nothing when its holder was killed, even if the process id lives on', async () => {
  const module = JSON.stringify(path.resolve(import.meta.dirname, '../../local/directory-lock.ts'));
  const script = `const { lockDirectory } = await import(${module});
    await lockDirectory(${JSON.stringify(directory)});
    console.log('locked');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const file = path.join(directory, 'lock');
  const stale = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...stale, pid: process.pid }));

  const release = await lockDirectory(directory);

  await release();
});

it('counts for nothing when it is no lock', async () => {
  await writeFile(path.join(directory, 'lock'), 'half writ');

  const release = await lockDirectory(directory);

  await release();
});

it('lets exactly one of many in, over a stale lock too', async () => {
  await writeFile(path.join(directory, 'lock'), JSON.stringify({ pid: 1, port: 1, id: 'gone' }));

  const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));

  const releases = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  expect(releases).toHaveLength(1);
  await releases[0]?.();
  expect(await readdir(directory)).toEqual([]);
});
