import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';

export type CdnHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** A host of outputs that does what a test says, and counts connections. */
export async function startCdn(handler: CdnHandler, tls?: { key: string; cert: string }) {
  const requests: IncomingMessage[] = [];
  let connections = 0;
  const listener: CdnHandler = (request, response) => {
    requests.push(request);
    handler(request, response);
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  (server as Server).on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    host: `127.0.0.1:${port}`,
    url: (path = '/out.png') => `${tls ? 'https' : 'http'}://127.0.0.1:${port}${path}`,
    requests,
    ranges: () => requests.map(({ headers }) => headers.range),
    connections: () => connections,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface ServedFile {
  readonly bytes: Buffer;
  readonly etag?: string;
  readonly contentType?: string;
}

/** Serves a file as CDNs do: ranges, If-Range, Content-Length. */
export function serve({ bytes, etag, contentType }: ServedFile): CdnHandler {
  return (request, response) => {
    const common = {
      ...(etag === undefined ? {} : { etag }),
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      'accept-ranges': 'bytes',
    };
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const ifRange = request.headers['if-range'];
    if (from === undefined || (ifRange !== undefined && ifRange !== etag)) {
      response.writeHead(200, { ...common, 'content-length': bytes.length }).end(bytes);
      return;
    }
    if (Number(from) >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      return;
    }
    const part = bytes.subarray(Number(from), Number(to) + 1);
    response
      .writeHead(206, {
        ...common,
        'content-length': part.length,
        'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`,
      })
      .end(part);
  };
}

/** Bytes of no known format, the same in every run. */
export function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = seed;
  for (let at = 0; at + 4 <= sizeBytes; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
