import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, constants, openSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CliError } from '../errors.ts';
import { plain } from '../text.ts';

/**
 * Keeps other processes of this machine from working on a journal. The operating system holds the lock and releases it
 * when the process ends, however it ends. No lock that does this reaches other machines: there, the idempotency keys of
 * the rows keep each from running twice.
 * @returns A function that releases the lock.
 * @throws {CliError} If another process holds it.
 */
export async function lockJournal(file: string): Promise<() => void> {
  const name = `wiro-serverless-${createHash('sha256').update(truePath(file)).digest('hex').slice(0, 40)}`;
  try {
    switch (process.platform) {
      // Names that exist as long as a process listens on them.
      case 'linux':
        return await listen(`\0${name}`);
      case 'win32':
        return await listen(`\\\\.\\pipe\\${name}`);
      default:
        return lockFile(path.join(tmpdir(), name));
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EAGAIN')
      throw new CliError(
        `Another "submit" works with ${plain(file)} at this moment: wait for its end, or stop it with Ctrl-C, and repeat the command. This one submitted nothing.`,
      );
    // A system without such locks is no reason to submit nothing.
    return () => {};
  }
}

/** The same for every way to name the file, which need not exist. */
function truePath(file: string): string {
  const { dir, base } = path.parse(path.resolve(file));
  for (const [known, rest] of [
    [file, ''],
    [dir, base],
  ] as const)
    try {
      return path.join(realpathSync(known), rest);
    } catch {
      // The folder may exist even if the file does not.
    }
  return path.join(dir, base);
}

async function listen(address: string): Promise<() => void> {
  const server = createServer((socket) => socket.destroy()).unref();
  server.listen(address);
  await once(server, 'listening');
  return () => void server.close();
}

/** `open` of macOS and BSD locks a file by this flag, which Node does not name. */
const EXCLUSIVE_LOCK = 0x20;

function lockFile(file: string): () => void {
  const { O_RDWR, O_CREAT, O_NONBLOCK } = constants;
  const descriptor = openSync(file, O_RDWR | O_CREAT | O_NONBLOCK | EXCLUSIVE_LOCK, 0o600);
  return () => closeSync(descriptor);
}
