import type { IncomingMessage, ServerResponse } from 'node:http';
import { signRequest } from '../../client/sign.ts';
import type { Deployment } from './deployment.ts';
import { type Kept, localize } from './localize.ts';

/** As much as the API takes. */
const MOST_BYTES = 6 * 1024 ** 2;
/** Longer than the API's own time limit. */
const LIMIT_MS = 60_000;

interface ApiRelay {
  readonly deployment: Deployment;
  readonly kept: Kept;
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
}

/** Relays a request of the page to the deployment's API, signed with the developer's credentials. */
export async function relayApi(
  request: IncomingMessage,
  response: ServerResponse,
  /** Path and query at the API. */
  path: string,
  { deployment, kept, signal }: ApiRelay,
): Promise<void> {
  const { method = 'GET' } = request;
  const body = method === 'POST' ? await readBody(request) : undefined;
  if (body === 'too large')
    return fail(response, 413, 'request_too_large', 'The request is too large: nothing was sent.', false);
  const signed = await sign(deployment, method, path, body).catch((error: unknown) => error as Error);
  if (signed instanceof Error)
    return refuseApi(
      response,
      401,
      `Cannot sign the request with your AWS credentials: ${reasonOf(signed)}. Nothing was sent. Sign in to AWS again, then try again.`,
    );
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const together = AbortSignal.any([signal, gone.signal, AbortSignal.timeout(LIMIT_MS)]);
  const answer = await ask(signed, together).catch((error: unknown) => error as Error);
  if (answer instanceof Error) {
    const where = new URL(deployment.apiUrl).origin;
    const message = `Cannot reach the API at ${where}: ${reasonOf(answer)}.`;
    return fail(response, 502, 'http_502', message, true);
  }
  const { status, after, text } = answer;
  if (after !== null) response.setHeader('retry-after', after);
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(localizeText(text, kept, request.headers.host ?? ''));
}

async function sign(
  { apiUrl, region, credentials }: Deployment,
  method: string,
  path: string,
  body: Buffer | undefined,
): Promise<Request> {
  const url = `${apiUrl.replace(/\/+$/, '')}${path}`;
  const options = { url: apiUrl, region, ...(credentials && { credentials }) };
  return signRequest(options, url, {
    method,
    redirect: 'manual',
    ...(body && body.length > 0 && { body, headers: { 'content-type': 'application/json' } }),
  });
}

async function ask(request: Request, signal: AbortSignal) {
  const answer = await fetch(request, { signal });
  return { status: answer.status, after: answer.headers.get('retry-after'), text: await answer.text() };
}

const reasonOf = ({ cause, message }: Error): string =>
  (cause instanceof Error ? cause.message : message).replace(/\.$/, '');

/** Says no in the API's own form, so that the page can show the reason. */
export function refuseApi(response: ServerResponse, status: number, reason: string): void {
  fail(response, status, `http_${status}`, reason, false);
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
