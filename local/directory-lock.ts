import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { SetupError } from './setup-error.ts';

/**
 * Locks `directory` for this process with a LevelDB database, which only one process can open. The operating system
 * releases the lock when the process ends, even after a crash.
 * @returns A function that releases the lock.
 * @throws {SetupError} If another process holds the lock.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const lock = new ClassicLevel(path.join(directory, 'held'));
  const pidFile = path.join(directory, 'pid');
  try {
    await lock.open();
  } catch (error) {
    if ((error as { cause?: { code?: unknown } }).cause?.code !== 'LEVEL_LOCKED') throw error;
    const pid = await readFile(pidFile, 'utf8').catch(() => 'just started');
    throw new SetupError(
      `Another environment (process ${pid}) uses the data in ${directory}: stop it first, with Ctrl-C in its terminal.`,
    );
  }
  await writeFile(pidFile, String(process.pid));
  return () => lock.close();
}
