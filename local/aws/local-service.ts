import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An embedded service that SDK clients call over HTTP. */
export interface LocalService {
  readonly endpoint: string;
  /** Closes all connections and resolves once everything is closed. */
  readonly stop: () => Promise<void>;
}

/** Listens on the loopback interface. @returns The endpoint. @param port - 0 selects any free port. */
export async function listenLocally(server: Server, port: number): Promise<string> {
  // Closing an idle connection while a client reuses it would look like a lost response.
  server.keepAliveTimeout = 0;
  // Allows long uploads.
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
