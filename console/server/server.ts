import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAnswer } from './answer.ts';
import type { Deployment } from './deployment.ts';
import { createGate } from './gate.ts';
import type { Kept } from './localize.ts';
import { preparePage } from './page.ts';
import { createReferences } from './references.ts';
import { sayNo } from './relay-file.ts';
import { createProgressRelay } from './relay-progress.ts';
import { urlOf } from './request-url.ts';

export interface ConsoleOptions {
  readonly deployment: Deployment;
  /** The page's HTML, with everything in it. */
  readonly html: string;
  /** @default - any free port */
  readonly port?: number;
}

export interface Console {
  /** The link to open. Whoever has it can use the deployment while the console runs. */
  readonly link: string;
  stop(): Promise<void>;
}

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Serves the console to the browsers of this machine. */
export async function startConsole({ deployment, html, port = 0 }: ConsoleOptions): Promise<Console> {
  const kept: Kept = {
    outputs: createReferences(20_000),
    tasks: createReferences(),
    uploads: createReferences(),
  };
  const progress = createProgressRelay(kept.tasks);
  /** Ends what still waits for an answer, which would keep the process alive. */
  const stopping = new AbortController();
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const listening = (server.address() as AddressInfo).port;
  const gate = createGate(listening);
  const answer = createAnswer({
    deployment,
    page: preparePage(html),
    kept,
    gate,
    signal: stopping.signal,
  });
  server.on('request', (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) response.destroy();
      else sayNo(response, 502, error instanceof Error ? error.message : String(error));
    });
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    // A WebSocket is not held to the same origin by the browser.
    const isForeign = request.headers.origin === undefined || gate.findRefusal(request);
    if (urlOf(request)?.pathname === '/progress' && !isForeign)
      return progress.upgrade(request, socket, head);
    // Whoever keeps its end open would keep the server from stopping.
    socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', () =>
      socket.destroy(),
    );
  });
  return {
    link: `http://127.0.0.1:${listening}/?token=${gate.token}`,
    stop: async () => {
      stopping.abort();
      progress.stop();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
