import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';

/** Containers may share a temporary folder, but not their processes. */
const HOST = hostname().replace(/\W/g, '').slice(0, 20);

/**
 * Creates a directory of this process, and removes those of the same name whose processes were killed.
 * @param name - Letters and hyphens.
 */
export async function makeTemporaryDirectory(name: string, folder = tmpdir()): Promise<string> {
  await mkdir(folder, { recursive: true });
  await removeLeftovers(name, folder);
  return mkdtemp(path.join(folder, `${name}-${HOST}-${process.pid}-`));
}

async function removeLeftovers(name: string, folder: string): Promise<void> {
  const pattern = new RegExp(`^${name}-${HOST}-(\\d+)-\\w{6}$`);
  for (const entry of await readdir(folder)) {
    const pid = Number(pattern.exec(entry)?.[1]);
    if (pid > 0 && !isRunning(pid))
      // Another start may be removing it too.
      await rm(path.join(folder, entry), { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
