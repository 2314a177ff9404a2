import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { SetupError } from './setup-error.ts';

/**
 * Takes `directory` for this process alone, by holding a database open that LevelDB opens only once: the operating
 * system drops its lock when the process ends, however it ends.
 * @returns What gives it free again.
 * @throws {SetupError} When another process holds it.
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
      `Another environment (process ${pid}) already runs on the data in ${directory}: end it first, with Ctrl-C where it runs.`,
    );
  }
  await writeFile(pidFile, String(process.pid));
  return () => lock.close();
}
