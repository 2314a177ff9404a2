import type { ServerResponse } from 'node:http';
import type { RequestError } from './request.ts';

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'access-control-allow-origin': '*',
  });
  response.end(text);
}

export function sendText(
  response: ServerResponse,
  text: string,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  const length = Buffer.byteLength(text);
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': length,
    ...headers,
  });
  response.end(text);
}

/** Wiro's form of an error response. */
export function refusal({ code, message }: Pick<RequestError, 'code' | 'message'>) {
  return { result: false, errors: [{ code, message }] };
}
