import { type Client, createClient } from '../../client/index.ts';
import type { Account } from './account.ts';
import type { Answer, Send } from './send.ts';
import { sign } from './sign.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The deployed API, called like an application does: with requests signed by Signature Version 4. */
export interface Api {
  readonly url: string;
  call(method: string, path: string, body?: string | Buffer): Promise<ApiAnswer>;
  readonly submit: Client['submit'];
  readonly read: Client['get'];
}

/** @param url - The stack's `ApiUrl`. */
export function createApi(account: Account, send: Send, url: string): Api {
  const base = url.replace(/\/+$/, '');
  const call: Api['call'] = async (method, path, body) => {
    const headers = { 'content-type': 'application/json' };
    const request = { method, url: base + path, headers, ...(body !== undefined && { body }) };
    return readAnswer(await send(await sign(account, 'lambda', request)));
  };
  const client = createClient({
    url: base,
    region: account.region,
    credentials: account.credentials,
    fetch: fetchBy(send),
  });
  return { url: base, call, submit: client.submit, read: client.get };
}

/** An emulator's host names do not resolve: `send` knows their address. */
const fetchBy =
  (send: Send): typeof fetch =>
  async (input, init) => {
    const request = new Request(input, init);
    const { status, headers, body } = await send({
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      ...(request.body && { body: Buffer.from(await request.arrayBuffer()) }),
      ...(init?.signal && { signal: init.signal }),
    });
    return new Response(new Uint8Array(body), {
      status,
      headers: { 'content-type': String(headers['content-type'] ?? '') },
    });
  };

export function readAnswer({ status, body }: Answer): ApiAnswer {
  const text = body.toString('utf8');
  try {
    return { status, body: JSON.parse(text) };
  } catch {
    return { status, body: text };
  }
}
