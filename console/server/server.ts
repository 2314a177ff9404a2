import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient, type Generation } from '../../client/index.ts';
import type { Endpoint } from '../samples/index.ts';
import type { Deployment } from './deployment.ts';
import { findInput } from './find-input.ts';
import { type Caller, findForeign, findRefusal, isSame } from './find-refusal.ts';
import { type Kept, keepOutput } from './localize.ts';
import { preparePage } from './page.ts';
import { createReferences } from './references.ts';
import { refuseApi, relayApi } from './relay-api.ts';
import { relayFile, sayNo } from './relay-file.ts';
import { createProgressRelay } from './relay-progress.ts';
import { relayUpload } from './relay-upload.ts';

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

/** A link that ends sooner is asked for anew. */
const MARGIN_MS = 60_000;

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#4338ca"/><path d="M6 10l5 13 5-10 5 10 5-13" fill="none" stroke="#fff" stroke-width="3"/></svg>';

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Serves the console to the browsers of this machine. */
export async function startConsole({ deployment, html, port = 0 }: ConsoleOptions): Promise<Console> {
  const page = preparePage(html);
  const kept: Kept = {
    outputs: createReferences(20_000),
    tasks: createReferences(),
    uploads: createReferences(),
  };
  const progress = createProgressRelay(kept.tasks);
  const token = randomBytes(24).toString('base64url');
  const session = randomBytes(24).toString('base64url');
  const { apiUrl, region, credentials } = deployment;
  const client = createClient({ url: apiUrl, region, ...(credentials && { credentials }) });
  /** Ends what still waits for an answer, which would keep the process alive. */
  const stopping = new AbortController();
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) response.destroy();
      else sayNo(response, 502, error instanceof Error ? error.message : String(error));
    });
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    // A WebSocket is not held to the same origin by the browser.
    const isForeign = request.headers.origin === undefined || findRefusal(callerOf(request), facts());
    if (urlOf(request)?.pathname === '/progress' && !isForeign)
      return progress.upgrade(request, socket, head);
    // Whoever keeps its end open would keep the server from stopping.
    socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', () =>
      socket.destroy(),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const listening = (server.address() as AddressInfo).port;
  const facts = () => ({ port: listening, session });
  // Cookies do not tell ports apart.
  const cookie = `wiro-console-${listening}`;

  function callerOf({ method = 'GET', headers }: IncomingMessage): Caller {
    const cookies = (headers.cookie ?? '').split(/; */).map((pair) => pair.split('='));
    return {
      method,
      host: headers.host,
      origin: headers.origin,
      site: headers['sec-fetch-site']?.toString(),
      session: cookies.find(([name]) => name === cookie)?.[1],
    };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = urlOf(request);
    if (url === undefined) return sayNo(response, 400, 'This address is not valid.');
    const { pathname, search, searchParams } = url;
    const caller = callerOf(request);
    const given = searchParams.get('token');
    const isOpening = pathname === '/' && given !== null;
    const refusal = isOpening ? findForeign(caller, listening) : findRefusal(caller, facts());
    const isForApi = pathname.startsWith('/api/');
    if (refusal && isForApi) return refuseApi(response, refusal.status, refusal.reason);
    if (refusal) return sayNo(response, refusal.status, refusal.reason);
    if (isOpening) return open(response, given);
    if (isForApi) {
      const path = `${pathname.slice('/api'.length)}${search}`;
      return relayApi(request, response, path, { deployment, kept, signal: stopping.signal });
    }
    if (pathname.startsWith('/uploads/')) {
      const upload = kept.uploads.get(pathname.slice('/uploads/'.length));
      if (request.method !== 'PUT' || upload === undefined)
        return sayNo(response, 404, 'There is no such upload.');
      return relayUpload(request, response, upload);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return sayNo(response, 405, 'Use GET.');
    if (pathname === '/') return sendPage(request, response);
    if (pathname === '/about') return sendAbout(response);
    if (pathname === '/icon.svg') {
      response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(ICON);
      return;
    }
    const file = await fileAt(pathname);
    if (file === undefined) return sayNo(response, 404, 'There is no such file, or its bucket is not known.');
    return relayFile(request, response, file, searchParams.has('download'));
  }

  /** Exchanges the token in the link for a cookie that no script can read, and no other site's request carries. */
  function open(response: ServerResponse, given: string): void {
    if (!isSame(given, token)) {
      sayNo(response, 401, 'This link is of an earlier start: open the one that the console printed last.');
      return;
    }
    const attributes = 'Path=/; HttpOnly; SameSite=Strict';
    response.writeHead(303, { location: '/', 'set-cookie': `${cookie}=${session}; ${attributes}` }).end();
  }

  function sendPage(request: IncomingMessage, response: ServerResponse): void {
    const isGzipTaken = /\bgzip\b/.test(request.headers['accept-encoding']?.toString() ?? '');
    const body = isGzipTaken ? page.gzipped : page.html;
    response.writeHead(200, {
      ...page.headers,
      ...(isGzipTaken && { 'content-encoding': 'gzip' }),
      'content-length': body.length,
    });
    response.end(body);
  }

  function sendAbout(response: ServerResponse): void {
    const {
      name,
      inputBucket: bucket,
      eventBus: bus,
      isSimulated = false,
      s3,
      eventsUrl,
      wiroUrl,
    } = deployment;
    const kind = credentials === undefined ? 'local' : 'stack';
    const endpoint: Endpoint = {
      kind,
      url: apiUrl,
      region,
      bucket,
      bus,
      s3Url: s3.endpoint,
      eventsUrl,
      wiroUrl,
    };
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify({ name, isSimulated, endpoint }));
  }

  /** The only files are those that records of the API name. */
  async function fileAt(pathname: string) {
    const [kind, id = '', ...rest] = partsOf(pathname);
    const index = Number(rest.at(-1));
    if (!Number.isInteger(index)) return undefined;
    const read = () => client.get(id, { signal: stopping.signal });
    if (kind === 'inputs' && rest.length === 2)
      return findInput(await read(), rest[0] ?? '', index, deployment);
    if (kind !== 'files' || rest.length !== 1) return undefined;
    const known = kept.outputs.get(`${id}/${index}`);
    if (known !== undefined && Date.parse(known.urlExpiresAt) - MARGIN_MS > Date.now()) return known;
    return remember(await read()).outputs[index];
  }

  function remember(generation: Generation): Generation {
    for (const [index, output] of generation.outputs.entries())
      keepOutput(`${generation.id}/${index}`, output, kept);
    return generation;
  }

  return {
    link: `http://127.0.0.1:${listening}/?token=${token}`,
    stop: async () => {
      stopping.abort();
      progress.stop();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** @returns Nothing for what is no address: any program of this machine can send that. */
function urlOf({ url = '/' }: IncomingMessage): URL | undefined {
  const path = url.replace(/^\/+/, '/');
  return URL.canParse(path, 'http://console') ? new URL(path, 'http://console') : undefined;
}

/** The decoded parts of a path. None if one cannot be decoded. */
function partsOf(pathname: string): readonly string[] {
  try {
    return pathname.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return [];
  }
}
