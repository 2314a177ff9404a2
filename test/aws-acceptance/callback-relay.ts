import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Send } from './send.ts';

/** A server on this machine through which a local Wiro reaches a Function URL that does not resolve. */
export interface CallbackRelay {
  /** The stack's `callbackBaseUrl`. */
  readonly url: string;
  /** Sends further requests to this Function URL. */
  leadTo(functionUrl: string): void;
  stop(): Promise<void>;
}

export async function startCallbackRelay(send: Send): Promise<CallbackRelay> {
  let target: string | undefined;
  const server = createServer((request, response) => {
    relay(request).then(
      ({ status, body }) => response.writeHead(status).end(body),
      (error: unknown) => response.writeHead(502).end(String(error)),
    );
  });

  async function relay(request: IncomingMessage) {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (target === undefined) return { status: 503, body: 'The stack is not deployed yet' };
    const { 'content-type': contentType = 'application/octet-stream' } = request.headers;
    return send({
      method: request.method ?? 'GET',
      url: target + (request.url ?? '/'),
      headers: { 'content-type': contentType },
      body: Buffer.concat(chunks),
    });
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (functionUrl) => {
      target = functionUrl.replace(/\/+$/, '');
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
