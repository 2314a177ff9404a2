import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Deployment } from '../../console/server/deployment.ts';
import { type Console, startConsole } from '../../console/server/server.ts';

export interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** An upstream that answers with what a test gives it, and remembers what it was asked. */
export interface Upstream {
  readonly url: string;
  readonly heard: Heard[];
  answer: (heard: Heard) => { status?: number; headers?: Record<string, string>; body: string | Buffer };
  readonly server: Server;
}

export async function startUpstream(): Promise<Upstream> {
  const heard: Heard[] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = '', url = '', headers } = incoming;
    const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
    heard.push(one);
    const { status = 200, headers: given = {}, body } = upstream.answer(one);
    response.writeHead(status, given).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstream: Upstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    answer: () => ({ body: '{}' }),
    server,
  };
  return upstream;
}

export interface ConsoleWorld {
  readonly api: Upstream;
  readonly store: Upstream;
  readonly console: Console;
  readonly origin: string;
  readonly host: string;
  /** As the browser has it once the link was opened. */
  readonly cookie: string;
  ask(path: string, options?: AskOptions): Promise<Answer>;
  stop(): Promise<void>;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export const HTML = '<!doctype html><style>p{}</style><p>Console</p><script>1</script>';

/** A console over an API and a store that answer what a test wants. */
export async function startConsoleWorld(change: Partial<Deployment> = {}): Promise<ConsoleWorld> {
  const [api, store] = await Promise.all([startUpstream(), startUpstream()]);
  const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
  const page = await startConsole({
    html: HTML,
    deployment: {
      name: 'test',
      apiUrl: api.url,
      region: 'eu-central-1',
      inputBucket: 'inputs',
      s3: { endpoint: store.url, credentials: async () => keys },
      ...change,
    },
  });
  const { origin, host } = new URL(page.link);
  const opened = await ask(page.link, { headers: { host } });
  const [cookie = ''] = (opened.headers['set-cookie']?.[0] ?? '').split(';');
  return {
    api,
    store,
    console: page,
    origin,
    host,
    cookie,
    ask: (path, { headers, ...options } = {}) =>
      ask(`${origin}${path}`, { ...options, headers: { host, cookie, origin, ...headers } }),
    stop: async () => {
      await page.stop();
      for (const { server } of [api, store]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

/** Like a browser, or an attacker: every header can be set. The path is sent as it is written. */
export function ask(url: string, { method = 'GET', headers = {}, body }: AskOptions = {}): Promise<Answer> {
  const { hostname, port, origin } = new URL(url);
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        path: url.slice(origin.length) || '/',
        method,
        headers: given as Record<string, string>,
      },
      async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
