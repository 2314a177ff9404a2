import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { createWiroClient, type WiroTimeouts } from '../../functions/wiro/client.ts';
import type { RunRequest, WiroClient } from '../../functions/wiro/types.ts';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A real HTTP server that answers every request with `answer`, and records the requests. */
export async function wiroThat(answer: (response: ServerResponse, request: SeenRequest) => void) {
  const seen: SeenRequest[] = [];
  const connections = { count: 0 };
  const server = createServer(async (request, response) => {
    const bytes = await buffer(request).catch(() => undefined);
    if (bytes === undefined) return; // the caller gave up
    const body = bytes.toString('latin1');
    const { method = '', url = '', headers } = request;
    const seenRequest = { method, path: url, headers, body };
    seen.push(seenRequest);
    answer(response, seenRequest);
  });
  server.on('connection', () => {
    connections.count += 1;
  });
  return { apiUrl: `${await listen(server)}/v1`, seen, connections };
}

export const wiroThatAnswers = (body: unknown, status = 200) =>
  wiroThat((response) => {
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });

/** A bare TCP server, for tests that break the rules of HTTP. */
export async function serverThat(serve: (socket: Socket) => void) {
  const connections = { count: 0 };
  const server = net.createServer((socket) => {
    connections.count += 1;
    socket.on('error', () => {});
    serve(socket);
  });
  return { origin: await listen(server), connections };
}

export async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port on which no server listens. */
export async function deadOrigin(): Promise<string> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

export const CREDENTIALS = { apiKey: 'the-api-key', apiSecret: 'the-api-secret' };

export const clientOf = (apiUrl: string, timeouts: Partial<WiroTimeouts> = {}): WiroClient =>
  createWiroClient({
    apiUrl,
    credentials: async () => CREDENTIALS,
    now: () => new Date(1_734_513_809_000),
    timeouts: { connectMs: 5_000, headersMs: 5_000, bodyMs: 5_000, stallMs: 5_000, ...timeouts },
  });

export const runRequest = (changes: Partial<RunRequest> = {}): RunRequest => ({
  model: 'wiro/story-maker',
  parameters: { prompt: 'two people' },
  files: {},
  callbackUrl: 'https://callback.example/d/g/1/signature',
  timeoutMs: 5_000,
  ...changes,
});
