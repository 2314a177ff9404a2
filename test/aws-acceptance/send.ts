import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export interface Sending {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

export type Send = (sending: Sending) => Promise<Answer>;

const SILENCE_MS = 60_000;

/**
 * Sends HTTP requests.
 * @param via - The address for all requests. The host of each URL is sent in `Host`, as if it had resolved to that
 * address: an emulator's names do not resolve.
 */
export function createSend(via?: string): Send {
  return ({ method, url, headers = {}, body, signal }) => {
    const target = new URL(url);
    const place = via === undefined ? target : new URL(via);
    const request = place.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          protocol: place.protocol,
          hostname: place.hostname,
          port: place.port,
          path: target.pathname + target.search,
          method,
          headers: {
            ...headers,
            host: target.host,
            ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
          },
          // One connection per request: none is lost on a connection that the server has just closed.
          agent: false,
          timeout: SILENCE_MS,
          ...(signal && { signal }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks),
            }),
          );
        },
      );
      sent.on('timeout', () =>
        sent.destroy(new Error(`${target.host} said nothing for ${SILENCE_MS / 1000} s`)),
      );
      sent.on('error', reject);
      sent.end(body);
    });
  };
}
