import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Cleanup } from './cleanup.ts';
import { makeTemporaryDirectory } from './temporary.ts';

/** Creates a directory for an environment that keeps nothing. Its cleanup removes it. */
export async function makeWorkDirectory(cleanup: Cleanup): Promise<string> {
  const directory = await makeTemporaryDirectory('wiro-local');
  // For processes that end without cleanup: by an exception or process.exit().
  const removeNow = () => rmSync(directory, { recursive: true, force: true });
  process.on('exit', removeNow);
  cleanup.add(async () => {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    process.off('exit', removeNow);
  });
  return directory;
}
