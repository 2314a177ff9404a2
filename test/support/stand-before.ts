import { tracingChannel } from 'node:diagnostics_channel';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { closeServer, type LocalService, listenLocally } from '../../local/aws/local-service.ts';

/** Passes a request on to the server, which writes the response. @param body - Required if it was read already. */
export type HandOn = (body?: Buffer) => void;

/**
 * A proxy on its own port in front of a server of this process. Passes requests on unchanged, including `Host`, so that
 * signatures stay valid. It makes no second connection, because tests send thousands of requests on two cores.
 * @param target - The server's origin. The server must start after this file is loaded.
 * @param meet - Gets every request. If it fails, the connection is closed.
 */
export async function standBefore(
  target: string,
  meet: (request: IncomingMessage, response: ServerResponse, handOn: HandOn) => Promise<void>,
): Promise<LocalService> {
  const behind = servers.get(new URL(target).port);
  if (behind === undefined) throw new Error(`Cannot stand before ${target}: it is no server of this process`);
  const server = createServer((request, response) => {
    const handOn = (body?: Buffer) =>
      void behind.emit('request', body === undefined ? request : withBody(request, body), response);
    meet(request, response, handOn).catch(() => response.destroy());
  });
  return { endpoint: await listenLocally(server, 0), stop: () => closeServer(server) };
}

/** Drops an answer. @param onAnswered - Called once the server has answered. */
export function holdBack(response: ServerResponse, onAnswered: () => void): void {
  const end = () => {
    onAnswered();
    return response;
  };
  Object.assign(response, { flushHeaders: () => {}, write: () => true, end });
}

/** Changes the text of an answer that is written at once. An answer in pieces is cut off. */
export function changeText(response: ServerResponse, change: (text: string) => string): void {
  const [writeHead, end] = [response.writeHead.bind(response), response.end.bind(response)];
  let headers: OutgoingHttpHeaders = {};
  const cut = () => {
    response.destroy();
    return false;
  };
  Object.assign(response, {
    writeHead: (status: number, given: OutgoingHttpHeaders = {}) => {
      response.statusCode = status;
      headers = given;
      return response;
    },
    flushHeaders: cut,
    write: cut,
    end: (given: string | Uint8Array = '') => {
      const text = change(Buffer.from(given as string).toString('utf8'));
      writeHead(response.statusCode, { ...headers, 'content-length': Buffer.byteLength(text) });
      return end(text);
    },
  });
}

const servers = new Map<string, Server>();

tracingChannel('net.server.listen').asyncEnd.subscribe((message) => {
  const { server } = message as { readonly server: Server };
  const port = String((server.address() as AddressInfo | null)?.port);
  servers.set(port, server);
  server.once('close', () => servers.delete(port));
});

function withBody(
  { method, url, headers, rawHeaders, socket }: IncomingMessage,
  body: Buffer,
): IncomingMessage {
  return Object.assign(Readable.from([body]), {
    method,
    url,
    headers,
    rawHeaders,
    socket,
  }) as IncomingMessage;
}
