import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import dynalite from 'dynalite';
import { closeServer, type LocalService, listenLocally } from './local-service.ts';

export interface DynamoDbOptions {
  /** Where tables outlive a restart; one process at a time. @default - in memory */
  readonly dataDir?: string;
  /** @default - any free one */
  readonly port?: number;
}

/**
 * Starts dynalite on the loopback interface. It differs from DynamoDB in these ways: no transactions, streams or
 * TTL; an index is never behind; a failed condition never returns the item, whatever
 * `ReturnValuesOnConditionCheckFailure` asks for; an empty string as the key of an index is taken; a query of
 * an index may name attributes that are not projected, and does not find them; signatures are not checked.
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
 * Keeps from dynalite what it would throw at the whole process: a client that vanishes in the middle of a
 * request, and a database that is closed under a request.
 * @returns Cuts all connections, lets no request in any more, and waits for those that dynalite is busy with.
 */
function guard(server: Server): () => Promise<void> {
  const [operate] = server.listeners('request') as RequestListener[];
  if (operate === undefined) throw new Error('Cannot guard dynalite: it listens to no requests');
  const underWay = new Set<Promise<void>>();
  let isStopping = false;

  server.removeAllListeners('request');
  server.on('request', async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const body = await buffer(incoming).catch(() => undefined);
    if (body === undefined || isStopping) return void outgoing.destroy();
    const answered = new Promise<void>((resolve) => {
      const end = outgoing.end.bind(outgoing);
      // Its client may be gone by then: the response says nothing about when dynalite is done with it.
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
