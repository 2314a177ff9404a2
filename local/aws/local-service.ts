import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An embedded service that SDK clients reach over HTTP. */
export interface LocalService {
  readonly endpoint: string;
  /** Cuts open connections and returns once everything is closed. */
  readonly stop: () => Promise<void>;
}

/** Starts listening on the loopback interface. @returns The endpoint. @param port - 0 takes any free one. */
export async function listenLocally(server: Server, port: number): Promise<string> {
  // An idle connection that the server closes just as a client reuses it looks like a lost answer.
  server.keepAliveTimeout = 0;
  // A long upload is no attack here.
  server.requestTimeout = 0;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Closes the server without waiting for its clients. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
  server.closeAllConnections();
  await closed;
}
