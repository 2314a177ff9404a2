import { Agent, createServer, type IncomingMessage, request as requestOf } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { closeServer, type LocalService, listenLocally } from '../local/aws/local-service.ts';

/** One request that a function made, and its answer. */
export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly target: string;
  readonly request: Buffer;
  readonly status: number;
  readonly answer: Buffer;
}

export interface CountingProxyOptions {
  /** Origin of what it stands in front of. */
  readonly target: string;
  readonly onExchange: (exchange: Exchange) => void;
  /** Replaces what is sent. */
  readonly change?: (body: Buffer, target: string) => Buffer;
  /** Replaces text in answers, such as the addresses of other hosts. */
  readonly rewrite?: (answer: string) => string;
}

/** Stands between one function and one service and tells what passes. `Host` stays, so that signatures hold. */
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
      outgoing.destroy(); // one of the two ends is gone: the other is to see the same
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

/** Raw headers come as name, value, name, value. */
function without(rawHeaders: readonly string[], ...names: readonly string[]): string[] {
  const left = new Set(['connection', 'keep-alive', ...names]);
  return rawHeaders.filter((_, index) => !left.has((rawHeaders[index - (index % 2)] ?? '').toLowerCase()));
}
