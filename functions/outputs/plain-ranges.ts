import type { OnReadOpts, Socket } from 'node:net';
import type { buildConnector } from 'undici';
import {
  createRangeReceiver,
  type RangeReceiver,
  type RangeToReceive,
  type Received,
} from './range-receiver.ts';

export interface PlainRangesDeps {
  /** Opens connections to checked addresses. What they bring goes where `onread` says. */
  readonly connectorFor: (onread: OnReadOpts) => buildConnector.connector;
  readonly headersMs: number;
  /** How long a body may bring no bytes, or almost none. */
  readonly stallMs: number;
  readonly minBytesPerMs: number;
}

export interface PlainRange extends RangeToReceive {
  readonly url: URL;
  readonly signal: AbortSignal;
}

/** Reads ranges straight into the caller's buffers, without a copy in between. */
export interface PlainRanges {
  /** Never rejects. Once it settles, nothing is written into the buffer any more. */
  read(range: PlainRange): Promise<Received>;
  close(): void;
}

interface Connection {
  readonly socket: Socket;
  readonly receiver: RangeReceiver;
}

/** How long a connection is kept without use. Hosts keep theirs for 5 s or longer. */
const KEPT_MS = 4_000;

/**
 * Understands one kind of answer: a plain 206 with the range, of the version, that was asked for. At any other answer it
 * closes the connection. The caller then asks again by a client that understands them all.
 */
export function createPlainRanges(deps: PlainRangesDeps): PlainRanges {
  const { connectorFor, headersMs, stallMs, minBytesPerMs } = deps;
  const open = new Set<Socket>();
  /** Not in use, by origin. No more than were once in use together. */
  const kept = new Map<string, Set<Connection>>();
  let isClosed = false;

  function connect(url: URL, signal: AbortSignal): Promise<Connection> {
    // A signal does not tell of an abort that came before.
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    let socket: Socket | undefined;
    const receiver = createRangeReceiver(() => socket?.destroy());
    const { hostname, host, protocol, port, origin } = url;
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    // The connector has a time limit of its own.
    connectorFor(receiver.onread)({ hostname, host, protocol, port }, (error, connected) => {
      signal.removeEventListener('abort', stop);
      if (error !== null) return reject(error);
      if (isClosed || signal.aborted) {
        connected.destroy();
        return reject(new Error('the connections were closed'));
      }
      socket = connected;
      open.add(connected);
      const connection = { socket: connected, receiver };
      const onGone = () => {
        open.delete(connected);
        const others = kept.get(origin);
        others?.delete(connection);
        if (others?.size === 0) kept.delete(origin);
        receiver.fail(new Error('the connection was closed'));
      };
      connected
        .on('end', onGone)
        .on('close', onGone)
        .on('timeout', () => connected.destroy());
      resolve(connection);
    });
    return promise;
  }

  function takeKept(origin: string): Connection | undefined {
    const [connection] = kept.get(origin) ?? [];
    if (connection === undefined) return undefined;
    kept.get(origin)?.delete(connection);
    connection.socket.ref().setTimeout(0);
    return connection;
  }

  function keep(origin: string, connection: Connection): void {
    const others = kept.get(origin) ?? new Set();
    kept.set(origin, others.add(connection));
    connection.socket.unref().setTimeout(KEPT_MS);
  }

  async function readOn({ socket, receiver }: Connection, range: PlainRange): Promise<Received> {
    const { url, start, version, into, signal } = range;
    const stop = () => receiver.fail(new Error('the reading was stopped'));
    const limit = setTimeout(() => {
      if (receiver.received() === undefined)
        receiver.fail(new Error(`no answer came within ${headersMs} ms`));
    }, headersMs);
    let before: number | undefined;
    const watch = setInterval(() => {
      const received = receiver.received();
      // The head may have come just now. So the first whole interval of the body is the first that counts.
      const came = received === undefined || before === undefined ? undefined : received - before;
      if (came !== undefined && came < stallMs * minBytesPerMs)
        receiver.fail(new Error(`only ${came} bytes came in ${stallMs} ms`));
      before = received;
    }, stallMs);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const received = receiver.receive(range);
      if (signal.aborted) stop();
      else
        socket.write(
          [
            `GET ${url.pathname}${url.search} HTTP/1.1`,
            `host: ${url.host}`,
            'accept: */*',
            'accept-encoding: identity',
            'user-agent: wiro-serverless',
            ...(version === undefined ? [] : [`if-range: ${version.etag}`]),
            `range: bytes=${start}-${start + into.length - 1}`,
            '\r\n',
          ].join('\r\n'),
          'latin1',
        );
      return await received;
    } finally {
      clearTimeout(limit);
      clearInterval(watch);
      signal.removeEventListener('abort', stop);
    }
  }

  async function readOnce(range: PlainRange, connection: Connection): Promise<Received> {
    const received = await readOn(connection, range);
    if (received.kind === 'whole' && !connection.socket.destroyed) keep(range.url.origin, connection);
    return received;
  }

  return {
    async read(range) {
      const { url, signal } = range;
      const before = takeKept(url.origin);
      if (before) {
        const received = await readOnce(range, before);
        // The host may have closed a kept connection just then. Nothing came, so a new one takes its place.
        if (received.kind !== 'cutOff' || received.filled > 0 || signal.aborted) return received;
      }
      try {
        return await readOnce(range, await connect(url, signal));
      } catch (error) {
        return {
          kind: 'cutOff',
          filled: 0,
          error: error instanceof Error ? error : new Error(String(error)),
        };
      }
    },

    close() {
      isClosed = true;
      for (const socket of open) socket.destroy();
    },
  };
}
