import {
  Agent,
  createServer,
  type IncomingMessage,
  request as requestOf,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { closeServer, type LocalService, listenLocally } from '../../local/aws/local-service.ts';
import type { Place } from './calls.ts';
import { NAMED_BY_BODY, nameOperation, type Service } from './name-operation.ts';

export interface RecordingProxyOptions {
  readonly service: Service;
  /** Origin of what it stands in front of. */
  readonly target: string;
  /** Notes a call, by what `nameOperation` calls it. @returns Where its caller is to be killed, if at all. */
  readonly onCall: (operation: string) => Place | undefined;
  /** Kills the process at the other end. */
  readonly kill: (caller: Socket) => void;
  /** Gets every request that was answered, and how. */
  readonly onAnswer?: (exchange: Exchange) => void;
  /** Replaces texts in answers, such as the addresses of other hosts. */
  readonly rewrite?: (answer: string) => string;
}

/** One request and the status that answered it. */
export interface Exchange {
  readonly service: Service;
  readonly request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>;
  /** Of the services that are named by it. */
  readonly body: Buffer | undefined;
  readonly statusCode: number;
}

/**
 * Stands between one function and one service: names every call, and kills the caller at one of them. Requests go on
 * as they came, `Host` included, so that signatures hold.
 */
export async function startRecordingProxy(options: RecordingProxyOptions): Promise<LocalService> {
  // The emulators never close an idle connection, the simulator does.
  const agent = new Agent({ keepAlive: options.service !== 'Wiro' && options.service !== 'CDN' });
  const server = createServer((request, response) => {
    serve(options, agent, request, response).catch(() => {
      // One of the two ends is gone; the other is to see the same.
      response.destroy();
    });
  });
  const endpoint = await listenLocally(server, 0);
  return {
    endpoint,
    stop: async () => {
      await closeServer(server);
      agent.destroy();
    },
  };
}

async function serve(
  { service, target, onCall, onAnswer, kill, rewrite }: RecordingProxyOptions,
  agent: Agent,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = NAMED_BY_BODY.has(service) ? await buffer(request) : undefined;
  const place = onCall(nameOperation(service, request, body));
  // The connection of a killed caller is left to the system: it must not learn of its end before it dies.
  if (place === 'undelivered') return kill(request.socket);
  const answer = await forward(target, agent, request, body);
  onAnswer?.({ service, request, body, statusCode: answer.statusCode ?? 502 });
  if (place === 'unanswered') {
    await buffer(answer);
    return kill(request.socket);
  }
  if (place === 'answered') response.once('finish', () => kill(request.socket));
  const headers = withoutConnection(answer.rawHeaders);
  if (rewrite === undefined) {
    response.writeHead(answer.statusCode ?? 502, headers);
    await pipeline(answer, response);
    return;
  }
  const text = Buffer.from(rewrite((await buffer(answer)).toString('utf8')));
  response.writeHead(answer.statusCode ?? 502, [
    ...without(headers, 'content-length', 'transfer-encoding'),
    'content-length',
    String(text.length),
  ]);
  response.end(text);
}

async function forward(
  target: string,
  agent: Agent,
  request: IncomingMessage,
  body: Buffer | undefined,
): Promise<IncomingMessage> {
  const { method = 'GET', url = '/' } = request;
  const sent = requestOf(new URL(url, target), {
    method,
    // As it is spelled: a URL object would spell it anew, and the signature would not hold.
    path: url,
    agent,
    headers: withoutConnection(request.rawHeaders),
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  sent.once('response', resolve).once('error', reject);
  // A server may answer before it has read everything: then the rest of the body is nobody's concern.
  pipeline(body === undefined ? request : Readable.from([body]), sent).catch(reject);
  return promise;
}

const withoutConnection = (rawHeaders: readonly string[]) => without(rawHeaders, 'connection', 'keep-alive');

/** Raw headers come as name, value, name, value. */
function without(rawHeaders: readonly string[], ...names: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => {
    const name = rawHeaders[index - (index % 2)] ?? '';
    return !names.includes(name.toLowerCase());
  });
}
