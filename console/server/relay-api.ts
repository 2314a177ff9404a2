import type { IncomingMessage, ServerResponse } from 'node:http';
import { signRequest } from '../../client/sign.ts';
import type { Deployment } from './deployment.ts';
import { type Kept, localize } from './localize.ts';

/** As much as the API takes. */
const MOST_BYTES = 6 * 1024 ** 2;
/** Longer than the API's own time limit. */
const LIMIT_MS = 60_000;

/** Relays a request of the page to the deployment's API, signed with the developer's credentials. */
export async function relayApi(
  request: IncomingMessage,
  response: ServerResponse,
  /** Path and query at the API. */
  path: string,
  { deployment, kept }: { readonly deployment: Deployment; readonly kept: Kept },
): Promise<void> {
  const { method = 'GET' } = request;
  const body = method === 'POST' ? await readBody(request) : undefined;
  if (body === 'too large')
    return fail(response, 413, 'request_too_large', 'The request is too large: nothing was sent.', false);
  const asked = await ask(deployment, method, path, body).catch((error: unknown) => error as Error);
  if (asked instanceof Error) {
    const reason = asked.cause instanceof Error ? asked.cause.message : asked.message;
    const where = new URL(deployment.apiUrl).origin;
    return fail(response, 502, 'http_502', `Cannot reach the API at ${where}: ${reason}.`, true);
  }
  const text = await asked.text();
  const after = asked.headers.get('retry-after');
  if (after !== null) response.setHeader('retry-after', after);
  response.writeHead(asked.status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(localizeText(text, kept, request.headers.host ?? ''));
}

async function ask(
  { apiUrl, region, credentials }: Deployment,
  method: string,
  path: string,
  body: Buffer | undefined,
): Promise<Response> {
  const url = `${apiUrl.replace(/\/+$/, '')}${path}`;
  const options = { url: apiUrl, region, ...(credentials && { credentials }) };
  const request = await signRequest(options, url, {
    method,
    redirect: 'manual',
    ...(body && body.length > 0 && { body, headers: { 'content-type': 'application/json' } }),
  });
  return fetch(request, { signal: AbortSignal.timeout(LIMIT_MS) });
}

/** An answer that is no JSON, such as a proxy's page, stays as it is: the client says so. */
function localizeText(text: string, kept: Kept, host: string): string {
  try {
    return JSON.stringify(localize(JSON.parse(text), kept, host));
  } catch {
    return text;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer | 'too large'> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MOST_BYTES) chunks.push(chunk);
  }
  return size <= MOST_BYTES ? Buffer.concat(chunks) : 'too large';
}

function fail(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  retryable: boolean,
): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { code, message, retryable } }));
}
