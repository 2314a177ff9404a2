import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockDirectory } from '../../local/directory-lock.ts';
import { SetupError } from '../../local/setup-error.ts';

let directory: string;
beforeEach(async () => {
  directory = path.join(await mkdtemp(path.join(tmpdir(), 'lock-')), 'not', 'there yet');
});
afterEach(() => rm(path.dirname(path.dirname(directory)), { recursive: true }));

/** Starts a process that holds the lock until it is killed. */
async function holdElsewhere() {
  const module = JSON.stringify(path.resolve(import.meta.dirname, '../../local/directory-lock.ts'));
  const script = `const { lockDirectory } = await import(${module});
    await lockDirectory(${JSON.stringify(directory)});
    console.log('locked');
    setInterval(() => {}, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

it('refuses a second holder until the first releases the lock', async () => {
  const release = await lockDirectory(directory);

  await expect(lockDirectory(directory)).rejects.toBeInstanceOf(SetupError);
  await release();

  const again = await lockDirectory(directory);
  await again();
});

it('names the process that holds the lock, and is released when that process is killed', async () => {
  const holder = await holdElsewhere();

  await expect(lockDirectory(directory)).rejects.toThrow(
    `Another environment (process ${holder.pid}) uses the data in ${directory}: stop it first, with Ctrl-C in its terminal.`,
  );
  holder.kill('SIGKILL');
  await once(holder, 'exit');

  const release = await lockDirectory(directory);
  await release();
});

it('is held by exactly one of many callers', async () => {
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));

  const releases = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  expect(releases).toHaveLength(1);
  await releases[0]?.();
});
