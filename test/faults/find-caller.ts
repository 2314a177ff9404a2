import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';

/**
 * The process at the other end of a connection over the loopback interface, from what Linux tells of its sockets.
 * @param among - Ids of the processes that it may be.
 * @returns `undefined` on other systems, or when it is gone.
 */
export function findCaller(socket: Socket, among: readonly number[]): number | undefined {
  const { remotePort, localPort } = socket;
  if (process.platform !== 'linux' || remotePort === undefined || localPort === undefined) return undefined;
  const inode = inodeOf(remotePort, localPort);
  return inode === undefined ? undefined : among.find((pid) => holds(pid, `socket:[${inode}]`));
}

/** Of the caller's end: there our remote port is the local one. */
function inodeOf(localPort: number, remotePort: number): string | undefined {
  const [local, remote] = [localPort, remotePort].map(
    (port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`,
  );
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6'])
    for (const line of readFileSync(table, 'latin1').split('\n')) {
      const columns = line.trim().split(/\s+/);
      if (columns[1]?.endsWith(`${local}`) && columns[2]?.endsWith(`${remote}`)) return columns[9];
    }
  return undefined;
}

function holds(pid: number, what: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((name) => linkOf(`${folder}/${name}`) === what);
  } catch {
    return false; // it has ended
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // closed meanwhile
  }
}
