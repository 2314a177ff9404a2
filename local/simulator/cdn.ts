import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { Clock } from './clock.ts';
import type { CdnFault } from './fault-rules.ts';
import type { Faults } from './faults.ts';
import type { FileStore, StoredFile } from './files.ts';
import { sendText } from './http-answers.ts';

export interface CdnDeps {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly files: Pick<FileStore, 'find'>;
}

/** Serves uploads and outputs, whole or by range, without authentication. */
export function createCdn({ clock, faults, files }: CdnDeps) {
  /** The number of requests for each file while a `notYet` fault applies. */
  const reads = new Map<string, number>();

  return async (url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const file = files.find(url.pathname);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return sendText(response, 'Method not allowed', 405, { allow: 'GET, HEAD' });
    if (!file) return sendText(response, 'Not found', 404);
    // A redirected request has already had its fault.
    const isExempt = !url.pathname.startsWith('/cdn/') || url.searchParams.has('redirected');
    const fault = isExempt ? undefined : faults.take('cdn', { ...file.task, path: url.pathname });
    if (fault?.kind === 'status') return sendText(response, `${fault.status}`, fault.status);
    if (fault?.kind === 'notYet') {
      const seen = (reads.get(file.path) ?? 0) + 1;
      reads.set(file.path, seen);
      if (seen <= fault.reads) return sendText(response, 'Not found', 404);
    }
    if (fault?.kind === 'redirect') {
      const location = fault.location ?? `${url.pathname}?redirected=1`;
      return sendText(response, '', fault.status ?? 302, { location });
    }
    if (fault?.kind === 'page') {
      const type = fault.contentType ?? 'text/html';
      return sendText(response, fault.body ?? '<html>Checking your browser …</html>', 200, {
        'content-type': type,
      });
    }
    if (fault?.kind === 'slow') await clock.wait(fault.delayMs);
    await sendFile(file, fault, request, response);
  };
}

async function sendFile(
  file: StoredFile,
  fault: CdnFault | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const sizeBytes = Math.max(0, file.bytes.sizeBytes + (fault?.kind === 'otherSize' ? fault.deltaBytes : 0));
  const etag = `"${file.bytes.sha256.slice(0, 32)}"`;
  const headers: Record<string, string | number> = {
    'content-type': fault?.kind === 'contentType' ? fault.contentType : file.contentType,
    etag,
    'last-modified': new Date(file.addedAt).toUTCString(),
    'access-control-allow-origin': '*',
  };
  if (fault?.kind === 'encoding') headers['content-encoding'] = fault.contentEncoding;
  if (fault?.kind === 'encoding' && fault.isTrue) {
    const bytes = gzipSync(await file.bytes.all());
    response.writeHead(200, { ...headers, 'content-length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return;
  }
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const mayRange = fault?.kind !== 'ignoresRange';
  if (mayRange) headers['accept-ranges'] = 'bytes';
  const isStale = (request.headers['if-range'] ?? etag) !== etag;
  const range = mayRange && !isStale ? readRange(request.headers.range, sizeBytes) : undefined;
  if (range === 'unsatisfiable') {
    response
      .writeHead(416, { ...headers, 'content-range': `bytes */${sizeBytes}`, 'content-length': 0 })
      .end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
  const length = end - start + 1;
  if (range) headers['content-range'] = `bytes ${start}-${end}/${sizeBytes}`;
  if (fault?.kind !== 'chunked') headers['content-length'] = length;
  response.writeHead(range ? 206 : 200, headers);
  response.flushHeaders();
  if (request.method === 'HEAD' || length === 0) {
    response.end();
    return;
  }
  await sendBody(bodyOf(file, start, end, fault), length, fault, response);
}

/** Returns the bytes of the range, followed by zeros if a fault makes the file longer. */
function bodyOf({ bytes }: StoredFile, start: number, end: number, fault: CdnFault | undefined): Readable {
  if (fault?.kind !== 'otherSize' || end < bytes.sizeBytes) return bytes.read(start, end);
  const real = start < bytes.sizeBytes ? bytes.read(start, bytes.sizeBytes - 1) : Readable.from([]);
  return Readable.from(
    (async function* () {
      yield* real;
      yield Buffer.alloc(end + 1 - Math.max(start, bytes.sizeBytes));
    })(),
    { objectMode: false },
  );
}

/** Sends the body. A fault may end or stall the connection early. */
async function sendBody(
  body: Readable,
  length: number,
  fault: CdnFault | undefined,
  response: ServerResponse,
): Promise<void> {
  const breaksOff = fault?.kind === 'truncated' || fault?.kind === 'reset' || fault?.kind === 'stalled';
  let left = breaksOff ? Math.min(fault.afterBytes ?? Math.floor(length / 2), length - 1) : length;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const passing = chunk.subarray(0, left);
    left -= passing.length;
    if (!response.write(passing)) await drainOrClose(response);
    // The client has disconnected.
    if (response.destroyed) return;
    if (left === 0) break;
  }
  if (!breaksOff) response.end();
  else if (fault.kind === 'truncated') response.socket?.end();
  else if (fault.kind === 'reset') response.socket?.resetAndDestroy();
}

async function drainOrClose(response: ServerResponse): Promise<void> {
  const settled = new AbortController();
  const { signal } = settled;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  settled.abort();
}

/** Reads a single byte range. Several ranges get the whole file, which HTTP allows. */
function readRange(
  header: string | undefined,
  sizeBytes: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, first, last] = found ?? [];
  if (!found || (!first && !last)) return undefined;
  const start = first ? Number(first) : Math.max(0, sizeBytes - Number(last));
  const end = first && last ? Math.min(Number(last), sizeBytes - 1) : sizeBytes - 1;
  if (first && last && Number(last) < start) return undefined;
  return start >= sizeBytes || (!first && Number(last) === 0) ? 'unsatisfiable' : { start, end };
}
