import type { IncomingMessage, ServerResponse } from 'node:http';
import { createClient, type Generation } from '../../client/index.ts';
import type { Endpoint } from '../samples/index.ts';
import type { Deployment } from './deployment.ts';
import { findInput } from './find-input.ts';
import type { Gate } from './gate.ts';
import { type Kept, keepOutput } from './localize.ts';
import type { Page } from './page.ts';
import { refuseApi, relayApi } from './relay-api.ts';
import { type RemoteFile, relayFile, sayNo } from './relay-file.ts';
import { relayUpload } from './relay-upload.ts';
import { partsOf, urlOf } from './request-url.ts';

interface AnswerDeps {
  readonly deployment: Deployment;
  readonly page: Page;
  readonly kept: Kept;
  readonly gate: Gate;
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
}

/** A link that ends sooner is asked for anew. */
const MARGIN_MS = 60_000;

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#4338ca"/><path d="M6 10l5 13 5-10 5 10 5-13" fill="none" stroke="#fff" stroke-width="3"/></svg>';

/** Answers requests for the page, the API, files and uploads. */
export function createAnswer({ deployment, page, kept, gate, signal }: AnswerDeps) {
  const findFile = createFindFile({ deployment, kept, signal });

  async function answerSession(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { pathname, search, searchParams } = url;
    if (pathname.startsWith('/api/')) {
      const path = `${pathname.slice('/api'.length)}${search}`;
      return relayApi(request, response, path, { deployment, kept, signal });
    }
    if (pathname.startsWith('/uploads/')) {
      const upload = kept.uploads.get(pathname.slice('/uploads/'.length));
      if (request.method !== 'PUT' || upload === undefined)
        return sayNo(response, 404, 'There is no such upload.');
      return relayUpload(request, response, upload);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return sayNo(response, 405, 'Use GET.');
    if (pathname === '/') return sendPage(request, response, page);
    if (pathname === '/about') return sendAbout(response, deployment);
    if (pathname === '/icon.svg') {
      response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(ICON);
      return;
    }
    const file = await findFile(pathname);
    if (file === undefined) return sayNo(response, 404, 'There is no such file, or its bucket is not known.');
    return relayFile(request, response, file, searchParams.has('download'));
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = urlOf(request);
    if (url === undefined) return sayNo(response, 400, 'This address is not valid.');
    const token = url.pathname === '/' ? url.searchParams.get('token') : null;
    const refusal = token === null ? gate.findRefusal(request) : gate.findForeign(request);
    if (refusal && url.pathname.startsWith('/api/'))
      return refuseApi(response, refusal.status, refusal.reason);
    if (refusal) return sayNo(response, refusal.status, refusal.reason);
    if (token !== null) return gate.open(response, token);
    return answerSession(request, response, url);
  };
}

/** The only files are those that records of the API name. */
function createFindFile({ deployment, kept, signal }: Omit<AnswerDeps, 'page' | 'gate'>) {
  const { apiUrl, region, credentials } = deployment;
  const client = createClient({ url: apiUrl, region, ...(credentials && { credentials }) });

  function remember(generation: Generation): Generation {
    for (const [index, output] of generation.outputs.entries())
      keepOutput(`${generation.id}/${index}`, output, kept);
    return generation;
  }

  return async (pathname: string): Promise<RemoteFile | undefined> => {
    const [kind, id = '', ...rest] = partsOf(pathname);
    const index = Number(rest.at(-1));
    if (!Number.isInteger(index)) return undefined;
    const read = () => client.get(id, { signal });
    if (kind === 'inputs' && rest.length === 2)
      return findInput(await read(), rest[0] ?? '', index, deployment);
    if (kind !== 'files' || rest.length !== 1) return undefined;
    const known = kept.outputs.get(`${id}/${index}`);
    if (known !== undefined && Date.parse(known.urlExpiresAt) - MARGIN_MS > Date.now()) return known;
    return remember(await read()).outputs[index];
  };
}

function sendPage(
  { headers }: IncomingMessage,
  response: ServerResponse,
  { html, gzipped, headers: given }: Page,
): void {
  const isGzipTaken = /\bgzip\b/.test(headers['accept-encoding']?.toString() ?? '');
  const body = isGzipTaken ? gzipped : html;
  response.writeHead(200, {
    ...given,
    ...(isGzipTaken && { 'content-encoding': 'gzip' }),
    'content-length': body.length,
  });
  response.end(body);
}

function sendAbout(response: ServerResponse, deployment: Deployment): void {
  const { name, isSimulated = false, apiUrl, region, credentials, s3 } = deployment;
  const { inputBucket: bucket, eventBus: bus, eventsUrl, wiroUrl } = deployment;
  const kind = credentials === undefined ? 'local' : 'stack';
  const endpoint: Endpoint = {
    ...{ kind, url: apiUrl, region, bucket, bus },
    ...{ s3Url: s3.endpoint, eventsUrl, wiroUrl },
  };
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ name, isSimulated, endpoint }));
}
