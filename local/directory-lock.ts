import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SetupError } from './setup-error.ts';

/** A process that holds a lock answers `id` on `port`: a process id alone may belong to somebody else by now. */
interface Holder {
  readonly pid: number;
  readonly port: number;
  readonly id: string;
}

const ANSWER_LIMIT_MS = 2_000;
const GUARD_LIMIT_MS = 5_000;
const GUARD_PAUSE_MS = 5;

/**
 * Takes `directory` for this process alone. A lock whose holder is gone counts for nothing.
 * @returns What gives it free again.
 * @throws {SetupError} When another process holds it.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true });
  const file = path.join(directory, 'lock');
  const id = randomUUID();
  const server = createServer((socket) => socket.on('error', () => {}).end(id));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const own = JSON.stringify({ pid: process.pid, port, id } satisfies Holder);
  const release = async () => {
    server.close();
    if ((await readFile(file, 'utf8').catch(() => '')) === own) await rm(file, { force: true });
  };
  try {
    await place(file, own);
    return release;
  } catch (error) {
    await release();
    throw error;
  }
}

/** Written aside and linked into place: the file is never there half written. */
async function place(file: string, own: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  await writeFile(aside, own);
  try {
    for (;;) {
      if (await links(aside, file)) return;
      const found = await readFile(file, 'utf8').catch(() => undefined);
      if (found === undefined) continue; // given free meanwhile
      const holder = parseHolder(found);
      if (holder && (await isAlive(holder))) throw alreadyRunning(file, holder);
      await removeStale(file, found);
    }
  } finally {
    await rm(aside, { force: true });
  }
}

async function links(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes a lock whose holder is gone. One at a time, by a guard: two who saw the same stale lock could otherwise
 * remove the fresh one that a third has put there meanwhile.
 */
async function removeStale(file: string, stale: string): Promise<void> {
  const guard = `${file}.removing`;
  const aside = `${file}.${randomUUID()}`;
  await writeFile(aside, '');
  try {
    if (!(await links(aside, guard))) {
      const { mtimeMs = Date.now() } = (await stat(guard).catch(() => undefined)) ?? {};
      // Whoever held it died with it: it is held for a moment only.
      if (Date.now() - mtimeMs > GUARD_LIMIT_MS) await rm(guard, { force: true });
      await wait(GUARD_PAUSE_MS);
      return;
    }
    try {
      if ((await readFile(file, 'utf8').catch(() => undefined)) === stale) await rm(file, { force: true });
    } finally {
      await rm(guard, { force: true });
    }
  } finally {
    await rm(aside, { force: true });
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, port, id } = JSON.parse(text) as Partial<Holder>;
    if (typeof pid === 'number' && typeof port === 'number' && typeof id === 'string')
      return { pid, port, id };
  } catch {
    // not a lock that this version wrote
  }
  return undefined;
}

async function isAlive({ port, id }: Holder): Promise<boolean> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  const answer = new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', () => resolve(''));
  });
  const ended = new AbortController();
  // A stopped process accepts connections and says nothing: it still has the files open.
  const silent = wait(ANSWER_LIMIT_MS, id, { signal: ended.signal }).catch(() => '');
  const given = await Promise.race([answer, silent]);
  ended.abort();
  socket.destroy();
  return given === id;
}

function alreadyRunning(file: string, { pid }: Holder): SetupError {
  return new SetupError(
    `Another environment (process ${pid}) already runs on the data in ${path.dirname(file)}: end it first, with Ctrl-C where it runs.`,
  );
}
