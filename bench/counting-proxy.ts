import { Agent, createServer, type IncomingMessage, request as requestOf } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { closeServer, type LocalService, listenLocally } from '../local/aws/local-service.ts';

/** One request of a function and its response. */
export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly target: string;
  readonly request: Buffer;
  readonly status: number;
  readonly answer: Buffer;
}

export interface CountingProxyOptions {
  /** The origin of the service. */
  readonly target: string;
  readonly onExchange: (exchange: Exchange) => void;
  /** Changes request bodies. */
  readonly change?: (body: Buffer, target: string) => Buffer;
  /** Changes responses, for example URLs of other hosts. */
  readonly rewrite?: (answer: string) => string;
}

/** Forwards requests between one function and one service, and reports them. Keeps `Host`, so that signatures stay valid. */
export async function startCountingProxy({
  target,
  onExchange,
  change = (body) => body,
  rewrite,
}: CountingProxyOptions): Promise<LocalService> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer(async (incoming, outgoing) => {
    try {
      const { method = 'GET', url = '/', headers } = incoming;
      const operation =
        String(headers['x-amz-target'] ?? '')
          .split('.')
          .at(-1) ?? '';
      const request = change(await buffer(incoming), operation);
      const answered = await send(target, agent, incoming, request);
      const raw = await buffer(answered);
      const answer = rewrite ? Buffer.from(rewrite(raw.toString('utf8'))) : raw;
      const status = answered.statusCode ?? 502;
      onExchange({ method, url: new URL(url, target), target: operation, request, status, answer });
      outgoing.writeHead(status, [
        ...without(
          answered.rawHeaders,
          'transfer-encoding',
          ...(method === 'HEAD' ? [] : ['content-length']),
        ),
        ...(method === 'HEAD' ? [] : ['content-length', String(answer.length)]),
      ]);
      outgoing.end(answer);
    } catch {
      outgoing.destroy(); // One side has disconnected, so disconnects the other.
    }
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

async function send(
  target: string,
  agent: Agent,
  { method, url = '/', rawHeaders }: IncomingMessage,
  body: Buffer,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const isEmpty = body.length === 0 && (method === 'GET' || method === 'HEAD');
  const headers = [
    ...without(rawHeaders, 'content-length', 'transfer-encoding'),
    ...(isEmpty ? [] : ['content-length', String(body.length)]),
  ];
  requestOf(new URL(target), { method, path: url, agent, headers })
    .once('response', resolve)
    .once('error', reject)
    .end(body);
  return promise;
}

/** Removes headers from a list of alternating names and values. */
function without(rawHeaders: readonly string[], ...names: readonly string[]): string[] {
  const left = new Set(['connection', 'keep-alive', ...names]);
  return rawHeaders.filter((_, index) => !left.has((rawHeaders[index - (index % 2)] ?? '').toLowerCase()));
}
