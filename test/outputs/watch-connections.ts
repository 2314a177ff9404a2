import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Notes every address that this process tries to connect to, `address:port`, until it is stopped. */
export function watchConnections() {
  const attempts: string[] = [];
  const onSocket = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    socket.on('connectionAttempt', (address: string, port: number) => attempts.push(`${address}:${port}`));
  };
  subscribe('net.client.socket', onSocket);
  return { attempts, stop: () => void unsubscribe('net.client.socket', onSocket) };
}
