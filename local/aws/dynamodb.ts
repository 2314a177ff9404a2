import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import dynalite from 'dynalite';
import { requireHeaders, sendAwsError } from './aws-endpoint.ts';
import { requireSupported } from './dynamodb-supported.ts';
import { closeServer, type LocalService, listenLocally } from './local-service.ts';

export interface DynamoDbOptions {
  /** The directory that keeps tables across restarts. Only one process may use it. @default - in memory */
  readonly dataDir?: string;
  /** @default - any free port */
  readonly port?: number;
}

/**
 * Starts dynalite on the loopback interface. It differs from DynamoDB:
 * - It has no transactions, streams or TTL, and does not check signatures. A request for what it does not have, or
 *   would ignore, gets 501.
 * - Indexes are never behind.
 * - A failed condition never returns the item: `ReturnValuesOnConditionCheckFailure` is refused.
 * - It accepts an empty string as the key of an index.
 * - A query of an index may name attributes that are not projected. Their values are missing from the results.
 */
export async function startDynamoDb({ dataDir, port = 0 }: DynamoDbOptions = {}): Promise<LocalService> {
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true });
  const server = dynalite({
    ...(dataDir === undefined ? {} : { path: dataDir }),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  });
  const idle = guard(server);
  return {
    endpoint: await listenLocally(server, port),
    stop: async () => {
      await idle();
      await closeServer(server);
    },
  };
}

/**
 * Protects the process from two errors that dynalite throws outside a request: a client that disconnects during a
 * request, and a database that closes during one.
 * @returns A function that closes all connections, refuses new requests, and waits for those that dynalite handles.
 */
function guard(server: Server): () => Promise<void> {
  const [operate] = server.listeners('request') as RequestListener[];
  if (operate === undefined) throw new Error('Cannot guard dynalite: it has no request listener');
  const underWay = new Set<Promise<void>>();
  let isStopping = false;

  server.removeAllListeners('request');
  server.on('request', async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const body = await buffer(incoming).catch(() => undefined);
    if (body === undefined || isStopping) return void outgoing.destroy();
    try {
      requireHeaders(incoming, 'DynamoDB');
      requireSupported(String(incoming.headers['x-amz-target'] ?? ''), body);
    } catch (error) {
      return sendAwsError(outgoing, error);
    }
    const answered = new Promise<void>((resolve) => {
      const end = outgoing.end.bind(outgoing);
      // The client may have disconnected, so the response's own events do not tell when dynalite has finished.
      outgoing.end = ((chunk: unknown) => {
        resolve();
        return end(chunk);
      }) as typeof outgoing.end;
    });
    underWay.add(answered);
    void answered.then(() => underWay.delete(answered));
    const { method, url, headers } = incoming;
    operate(Object.assign(Readable.from([body]), { method, url, headers }) as IncomingMessage, outgoing);
  });

  return async () => {
    isStopping = true;
    server.closeAllConnections();
    await Promise.all(underWay);
  };
}
