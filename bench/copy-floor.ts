import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { connect as connectTcp, type OnReadOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { crc32 } from 'node:zlib';

// Copies the file with as little processor time as the same work can take in Node: once, or `count` times if it is small.
// Without the functions' checks, retries and limits: for comparison only.
const PART = 8 * 1024 ** 2;
const LANES = 4;
const S3 = process.env.AWS_ENDPOINT_URL_S3 ?? '';
const [origin = '', key = '', file = 'file.mp4', count = '1', atOnce = '1'] = process.argv.slice(2);
const isTls = origin.startsWith('https');
const agent = isTls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
const source = new URL(`${origin}/${file}`);

async function send(method: string, url: string, body?: Buffer): Promise<IncomingMessage> {
  const request = (isTls ? httpsRequest : httpRequest)(url, {
    agent,
    method,
    headers: { 'content-length': body?.length ?? 0 },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response;
}

/** One connection that reads ranges straight into a given buffer. */
function connect() {
  const head = Buffer.alloc(4_096);
  let headBytes = 0;
  let filled: number | undefined;
  let current: { readonly into: Buffer; readonly resolve: () => void } | undefined;
  const onread: OnReadOpts = {
    buffer: () =>
      current === undefined || filled === undefined
        ? head.subarray(headBytes)
        : current.into.subarray(filled),
    callback(bytes) {
      if (current === undefined) return true;
      if (filled === undefined) {
        headBytes += bytes;
        const end = head.subarray(0, headBytes).indexOf('\r\n\r\n');
        if (end < 0) return true;
        filled = head.copy(current.into, 0, end + 4, headBytes);
      } else filled += bytes;
      if (filled < current.into.length) return true;
      const { resolve } = current;
      current = undefined;
      filled = undefined;
      headBytes = 0;
      resolve();
      return true;
    },
  };
  const options = { host: source.hostname, port: Number(source.port), onread };
  const socket = isTls ? connectTls(options) : connectTcp(options);
  return {
    read(into: Buffer, start: number): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      current = { into, resolve };
      socket.once('error', reject);
      const range = `bytes=${start}-${start + into.length - 1}`;
      socket.write(`GET ${source.pathname} HTTP/1.1\r\nhost: ${source.host}\r\nrange: ${range}\r\n\r\n`);
      return promise.finally(() => socket.off('error', reject));
    },
    close: () => socket.destroy(),
  };
}

async function main(): Promise<void> {
  const size = Number((await send('HEAD', source.href)).headers['content-length']);
  console.log(count === '1' ? await copyLarge(size) : await copySmall(size));
  process.exit();
}

async function copySmall(size: number): Promise<string> {
  const sums = new Set<string>();
  let next = 0;
  async function runLane(): Promise<void> {
    const bytes = Buffer.allocUnsafeSlow(size);
    const connection = connect();
    while (next < Number(count)) {
      next += 1;
      const url = `${S3}/bench/${key}-${next}`;
      await connection.read(bytes, 0);
      crc32(bytes);
      sums.add(createHash('sha256').update(bytes).digest('hex'));
      await send('PUT', url, bytes);
    }
    connection.close();
  }
  await Promise.all(Array.from({ length: Number(atOnce) }, runLane));
  return [...sums].join();
}

async function copyLarge(size: number): Promise<string> {
  const parts = Math.ceil(size / PART);
  const sha256 = createHash('sha256');
  const waiting = new Map<number, () => void>();
  let turn = 0;
  let next = 0;
  async function digest(part: number, bytes: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(part, () => {
      sha256.update(bytes);
      resolve();
    });
    for (let update = waiting.get(turn); update; update = waiting.get(turn)) {
      waiting.delete(turn);
      turn += 1;
      update();
    }
    return promise;
  }
  async function runLane(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(PART);
    const connection = connect();
    while (next < parts) {
      const part = next;
      next += 1;
      const start = part * PART;
      const bytes = buffer.subarray(0, Math.min(PART, size - start));
      await connection.read(bytes, start);
      crc32(bytes);
      const url = `${S3}/bench/${key}?partNumber=${part + 1}&uploadId=u`;
      await Promise.all([digest(part, bytes), send('PUT', url, bytes)]);
    }
    connection.close();
  }
  await send('POST', `${S3}/bench/${key}?uploads`);
  await Promise.all(Array.from({ length: Math.min(LANES, parts) }, runLane));
  await send('POST', `${S3}/bench/${key}?uploadId=u`);
  return sha256.digest('hex');
}

// Bundled as CommonJS like a function, so top-level await is not available.
void main();
