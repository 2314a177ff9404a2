import { EventEmitter } from 'node:events';
import realHttp from 'node:http';
import realNet from 'node:net';
import { Readable, Writable } from 'node:stream';
import realTls from 'node:tls';
import { gzipSync } from 'node:zlib';
import type { Container } from './containers.ts';
import { untilAborted } from './objects.ts';
import { type CdnAnswer, Player, type Script } from './script.ts';
import { OUTPUT_BYTES, type WireAnswer, type Wiro } from './wiro.ts';

type Connect = (
  target: { readonly protocol: string; readonly hostname: string; readonly port: string },
  callback: (error: Error | null, socket: unknown) => void,
) => void;

interface RequestOptions {
  readonly path: string;
  readonly createConnection: (options: object, use: (error: Error | null, socket: unknown) => void) => void;
}

/** A connection that stands for as long as nobody closes it. */
class Socket extends EventEmitter {
  /** What is asked goes past it. */
  _write(): void {}
  setNoDelay(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroy(): this {
    return this;
  }
}

const PIECE_BYTES = 64 * 1024;

function* inPieces(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) yield bytes.subarray(from, from + PIECE_BYTES);
}

const broken = (code: string) => Object.assign(new Error(code), { code });

/**
 * What Node's `http` and `net` are to the client of Wiro's API, and undici to who fetches outputs. Everything above is
 * the functions' own: phases, time-outs, limits, the reading of answers, redirects, checks of addresses.
 */
export function createConnections(
  container: Container,
  { wiro, cdn }: { readonly wiro: Wiro; readonly cdn: Cdn },
): Readonly<Record<string, unknown>> {
  /** Opened by Node itself: its failure is the next call's. */
  let next: ReturnType<Wiro['decide']> | undefined;

  /** A request to Wiro: what is written into it is sent once it is complete. */
  class Outgoing extends Writable {
    #text = '';
    readonly #operation: string;
    readonly #decided: ReturnType<Wiro['decide']>;

    constructor({ path: wanted, createConnection }: RequestOptions) {
      // It is closed when its connection is, not when it is sent.
      super({ autoDestroy: false });
      const path = wanted.replace(/^\/v1\//, '');
      this.#operation = path.startsWith('Run/') ? 'Run' : path;
      this.#decided = wiro.decide(this.#operation);
      next = this.#decided;
      createConnection({}, () => {});
    }

    override _write(chunk: Buffer, _encoding: string, done: () => void): void {
      this.#text += chunk.toString('latin1');
      done();
    }

    override _final(done: () => void): void {
      done();
      void this.#send().catch((error: unknown) => this.destroy(error as Error));
    }

    async #send(): Promise<void> {
      const operation = this.#operation;
      const call = { service: 'wiro', operation, latencyMs: 200 } as const;
      const answer = await container.outside(
        call,
        (): WireAnswer =>
          this.destroyed ? { kind: 'silent' } : wiro.answer(operation, this.#text, this.#decided),
      );
      if (answer.kind === 'silent') return;
      if (answer.kind !== 'answered') throw broken('ECONNRESET');
      if (answer.afterMs > 0) await container.wait(answer.afterMs);
      if (this.destroyed) return;
      const response = Readable.from(inPieces(Buffer.from(answer.text)), { objectMode: false });
      this.emit('response', Object.assign(response, { statusCode: answer.status, headers: {} }));
    }
  }

  const net = {
    ...realNet,
    connect() {
      const socket = new Socket();
      const isRefused = next?.kind === 'unreachable';
      void container.wait(10).then(() => {
        if (isRefused) socket.emit('error', broken('ECONNREFUSED'));
        else socket.emit('connect');
      });
      return socket;
    },
  };

  // --- outputs --------------------------------------------------------------------------------------------------

  class Agent {
    readonly connect: Connect;
    readonly headersTimeout: number;
    readonly bodyTimeout: number;

    constructor(options: { connect: Connect; headersTimeout: number; bodyTimeout: number }) {
      this.connect = options.connect;
      this.headersTimeout = options.headersTimeout;
      this.bodyTimeout = options.bodyTimeout;
    }

    async destroy(): Promise<void> {}
  }

  async function request(
    this: Agent,
    { origin, path, headers, signal }: CdnRequest,
  ): Promise<{ statusCode: number; headers: Record<string, string>; body: Readable }> {
    const url = new URL(path, origin);
    const decided = cdn.decide();
    await new Promise<void>((resolve, reject) => {
      const target = { protocol: url.protocol, hostname: url.hostname, port: url.port };
      this.connect(target, (error) => (error === null ? resolve() : reject(error)));
    });
    if (decided.kind === 'unreachable') throw broken('ECONNREFUSED');
    const silent = decided.kind === 'silent';
    const call = { service: 'cdn', operation: 'GET', subject: path, latencyMs: 50 } as const;
    const answer = await untilAborted(
      container.outside(call, () => cdn.answer(url, headers, decided)),
      signal,
    );
    if (silent) {
      await untilAborted(container.wait(this.headersTimeout), signal);
      throw broken('UND_ERR_HEADERS_TIMEOUT');
    }
    const body = Readable.from(pieces(answer.bytes, decided, this.bodyTimeout, signal), {
      objectMode: false,
    });
    return { statusCode: answer.status, headers: answer.headers, body };
  }

  async function* pieces(
    bytes: Buffer,
    { kind }: CdnAnswer,
    bodyTimeout: number,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, void> {
    if (kind === 'slow') {
      // As much as a host must send not to count as stalled, and no end in sight.
      for (;;) {
        yield SLOW_PIECE;
        await untilAborted(container.wait(20_000), signal);
      }
    }
    if (kind !== 'stalled' && kind !== 'cutOff') return yield bytes;
    yield bytes.subarray(0, bytes.length / 2);
    if (kind === 'stalled') await untilAborted(container.wait(bodyTimeout), signal);
    throw broken(kind === 'stalled' ? 'UND_ERR_BODY_TIMEOUT' : 'ECONNRESET');
  }

  type Lookup = (
    hostname: string,
    options: object,
    callback: (error: Error | null, address: unknown, family?: number) => void,
  ) => void;

  /** How Node connects to an output's host: by the lookup that it is given, unless it has an address. */
  function connectTls({ host, lookup }: { readonly host: string; readonly lookup: Lookup }): Socket {
    const socket = new Socket();
    const end = (error: Error | null) =>
      error === null ? socket.emit('secureConnect') : socket.emit('error', error);
    const connect = (error: Error | null) => void container.wait(10).then(() => end(error));
    if (realNet.isIP(host) === 0) lookup(host, { all: true }, connect);
    else connect(null);
    return socket;
  }

  return {
    'node:http': { ...realHttp, request: (options: RequestOptions) => new Outgoing(options) },
    // Hosts are asked by the client that understands all answers.
    'plain-ranges': {
      createPlainRanges: () => ({ read: async () => ({ kind: 'otherwise' }), close() {} }),
    },
    'undici/lib/dispatcher/agent.js': Agent,
    'undici/lib/api/api-request.js': request,
    'node:net': net,
    'node:tls': { ...realTls, connect: connectTls },
    'node:dns': {
      lookup: (_hostname: string, _options: object, callback: (error: null, addresses: unknown) => void) =>
        callback(null, [{ address: '93.184.216.34', family: 4 }]),
    },
  };
}

interface CdnRequest {
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const SLOW_PIECE = Buffer.alloc(64 * 1024, 1);
const OTHER = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(96, 7)]);
const LARGE_BYTES = 2_000_000_000;

/** The hosts of outputs in memory. */
export class Cdn {
  isHealed = false;
  readonly #answers: Player<CdnAnswer>;

  constructor(script: Script) {
    this.#answers = new Player(script.cdn);
  }

  decide(): CdnAnswer {
    return this.isHealed ? { kind: 'right' } : this.#answers.next();
  }

  answer(
    url: URL,
    asked: Readonly<Record<string, string>>,
    decided: CdnAnswer,
  ): { status: number; headers: Record<string, string>; bytes: Buffer } {
    const plain = (status: number, contentType: string, text: string) => ({
      status,
      headers: { 'content-type': contentType, 'content-length': String(Buffer.byteLength(text)) },
      bytes: Buffer.from(text),
    });
    switch (decided.kind) {
      case 'status':
        return plain(decided.status, 'text/plain', 'no');
      case 'page':
        return plain(200, 'text/html', '<html><body>Just a moment</body></html>');
      case 'errorJson':
        return plain(200, 'application/json', '{"error": "expired"}');
      case 'empty':
        return plain(200, 'image/png', '');
      case 'redirect':
        if (url.hostname === 'cdn2.wiro.test') break;
        return { status: 302, headers: { location: decided.to }, bytes: Buffer.alloc(0) };
      case 'slow':
        return {
          status: 200,
          headers: { 'content-type': 'image/png', 'content-length': String(LARGE_BYTES) },
          bytes: SLOW_PIECE,
        };
      case 'otherSize':
        return file(Buffer.concat([OUTPUT_BYTES, Buffer.from('more')]), asked);
      case 'otherType':
        return file(OTHER, asked, {}, 'image/jpeg');
      case 'encoding': {
        const isReal = decided.name === 'gzip';
        const bytes = isReal ? gzipSync(OUTPUT_BYTES) : OUTPUT_BYTES;
        return file(bytes, isReal ? {} : asked, { 'content-encoding': decided.name });
      }
    }
    return file(OUTPUT_BYTES, asked);
  }
}

function file(
  bytes: Buffer,
  { range }: Readonly<Record<string, string>>,
  further: Readonly<Record<string, string>> = {},
  contentType = 'image/png',
): { status: number; headers: Record<string, string>; bytes: Buffer } {
  const [, from = '0', to = '0'] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  const headers = { 'content-type': contentType, etag: `"${bytes.length}"`, ...further };
  if (range === undefined)
    return { status: 200, headers: { ...headers, 'content-length': String(bytes.length) }, bytes };
  const part = bytes.subarray(Number(from), Number(to) + 1);
  return {
    status: 206,
    headers: {
      ...headers,
      'content-length': String(part.length),
      'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`,
    },
    bytes: part,
  };
}
