import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { closeServer, type LocalService, listenLocally } from './local-service.ts';

/** Serves on the loopback interface. An error in `respond` becomes a response 500. */
export async function startServer(
  respond: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  port = 0,
): Promise<LocalService> {
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return void response.destroy();
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(String(error));
    });
  });
  return { endpoint: await listenLocally(server, port), stop: () => closeServer(server) };
}

/** Reads the whole body. @returns `undefined` if it is longer than `limitBytes`; the rest is read and discarded. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= limitBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return sizeBytes <= limitBytes ? Buffer.concat(chunks) : undefined;
}
