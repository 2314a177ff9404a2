import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { send } from './outgoing.ts';

export interface RemoteFile {
  readonly url: string;
  readonly name: string;
  /** @default - as the other side states it, if it is one that is shown */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isPublicOnly?: boolean;
}

/** What a page may show in place. A document would run its scripts with this server's address. */
const SHOWN =
  /^(image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml|heic)|video\/[\w.+-]+|audio\/[\w.+-]+|text\/plain|application\/json)$/i;
const PASSED = ['content-length', 'content-range', 'accept-ranges', 'etag', 'last-modified'] as const;

/** Relays a file to the page, or a part of it: players ask for ranges. */
export async function relayFile(
  request: IncomingMessage,
  response: ServerResponse,
  { url, name, contentType, headers = {}, isPublicOnly = false }: RemoteFile,
  isDownload: boolean,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { range } = request.headers;
  const answer = await send(url, {
    method: 'GET',
    headers: { ...headers, ...(range !== undefined && { range }) },
    isPublicOnly,
    signal: gone.signal,
  });
  const status = answer.statusCode ?? 502;
  if (status !== 200 && status !== 206) {
    answer.destroy();
    return sayNo(response, status === 416 ? 416 : 502, `The file's store answered HTTP ${status}.`);
  }
  const type = contentType ?? answer.headers['content-type'] ?? '';
  const isShown = SHOWN.test(type.split(';')[0]?.trim() ?? '');
  for (const header of PASSED) {
    const value = answer.headers[header];
    if (value !== undefined) response.setHeader(header, value);
  }
  response.setHeader('content-type', isShown ? type : 'application/octet-stream');
  response.setHeader('content-security-policy', "default-src 'none'; sandbox");
  response.setHeader('cache-control', 'private, max-age=900');
  response.setHeader('content-disposition', dispositionOf(name, isDownload || !isShown));
  response.writeHead(status);
  if (request.method === 'HEAD') {
    answer.destroy();
    response.end();
    return;
  }
  await pipeline(answer, response);
}

export function sayNo(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${reason}\n`);
}

/** Characters that turn the direction of a text show `a\u202egnp.exe` as `aexe.png`. */
const UNSEEN = /\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Names the file in both forms of RFC 6266. A hostile name must not become a header or a path. */
export function dispositionOf(name: string, isDownload: boolean): string {
  const base = name.split(/[/\\]/).at(-1)?.replaceAll(UNSEEN, '') || 'file';
  const plain = base.replaceAll(/[^\w. -]/g, '_').slice(0, 150);
  const whole = encodeURIComponent(base.toWellFormed()).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16)}`,
  );
  return `${isDownload ? 'attachment' : 'inline'}; filename="${plain}"; filename*=UTF-8''${whole}`;
}
