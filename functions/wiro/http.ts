import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { buildConnector, Client } from 'undici';
import { MAX_TIMER_MS } from './deadline.ts';
import { openSocket } from './open-socket.ts';

export interface PostRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream must give exactly `sizeBytes`; it is destroyed when the call is over. */
  readonly body: string | { readonly stream: Readable; readonly sizeBytes: number };
  readonly timeouts: PostTimeouts;
  /** When the whole call must be over, on the clock of `performance.now()`. */
  readonly endsAt?: number;
}

export interface PostTimeouts {
  /** DNS, TCP and TLS together. */
  readonly connectMs: number;
  /** Until the answer begins, counted anew with every piece of the body sent. */
  readonly headersMs: number;
  /** The whole body of the answer: a trickle does not prolong it. */
  readonly bodyMs: number;
}

export type PostResult =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  | {
      readonly kind: 'failed';
      readonly failure: 'unreachable' | 'timeout' | 'cutOff' | 'tooLarge';
      /** `false` only when certainly not one byte of the request went out: no connection was established. */
      readonly isSent: boolean;
      readonly message: string;
      readonly cause?: unknown;
    };

/** A JSON answer beyond this is a fault, not an answer. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Sends one POST on a connection of its own and reads its answer; never repeats anything. Kept sockets would
 * save little (the TLS session is resumed) and cost much: one that went stale while the container was frozen
 * leaves open whether the request arrived.
 *
 * The time-outs are ours: undici's own count in steps of about a second and per chunk.
 */
export async function post({ url, headers, body, timeouts, endsAt }: PostRequest): Promise<PostResult> {
  const createClient = await loadHttp();
  return new Promise((resolve) => {
    let isOver = false;
    let isSent = false;
    let status = 0;
    let sizeBytes = 0;
    const chunks: Buffer[] = [];
    let socket: Socket | undefined;
    let phase: NodeJS.Timeout | undefined;
    let limit: NodeJS.Timeout | undefined;

    const end = (result: PostResult) => {
      if (isOver) return; // what tearing down brings up comes too late
      isOver = true;
      clearTimeout(phase);
      clearTimeout(limit);
      if (typeof body !== 'string') body.stream.destroy();
      client.destroy().catch(() => {}); // the call is over, whatever becomes of its socket
      socket?.destroy();
      resolve(result);
    };
    const fail = (failure: 'timeout' | 'cutOff' | 'tooLarge', message: string, cause?: unknown) =>
      end({ kind: 'failed', failure: isSent ? failure : 'unreachable', isSent, message, cause });
    const isTimeUp = () => endsAt !== undefined && performance.now() >= endsAt;
    const failTimeUp = () => fail('timeout', 'the time for the whole call was up');
    const startPhase = (milliseconds: number, message: string) => {
      clearTimeout(phase);
      if (!isOver) phase = setTimeout(() => fail('timeout', message), Math.min(milliseconds, MAX_TIMER_MS));
    };

    // undici connects again where it thinks nothing was lost. Here one call is one connection.
    const connectOnce: buildConnector.connector = (target, callback) => {
      if (socket !== undefined) return callback(new Error('the connection was closed'), null);
      const opening = openSocket(target, () => {
        // A timer may be late where the event loop was busy; a request is not sent late.
        if (isTimeUp()) return failTimeUp();
        isSent = true; // from here on undici writes
        startPhase(timeouts.headersMs, `no answer came within ${timeouts.headersMs} ms`);
        callback(null, opening);
      });
      opening.on('error', (error) => {
        if (!isSent) callback(error, null);
      });
      socket = opening;
    };
    const client = createClient(url.origin, connectOnce);

    if (isTimeUp()) return failTimeUp();
    if (endsAt !== undefined)
      limit = setTimeout(failTimeUp, Math.min(endsAt - performance.now(), MAX_TIMER_MS));
    startPhase(timeouts.connectMs, `no connection within ${timeouts.connectMs} ms`);
    const isStream = typeof body !== 'string';
    if (isStream) body.stream.on('error', () => {}); // it is reported through `onResponseError`
    client.dispatch(
      {
        method: 'POST',
        path: url.pathname,
        headers: {
          ...headers,
          'accept-encoding': 'identity',
          ...(isStream && { 'content-length': String(body.sizeBytes) }),
        },
        body: isStream ? body.stream : body,
      },
      {
        onRequestStart() {},
        onBodySent: () =>
          startPhase(timeouts.headersMs, `for ${timeouts.headersMs} ms nothing moved, and no answer came`),
        onResponseStart(_, statusCode) {
          if (statusCode < 200) return;
          status = statusCode;
          startPhase(timeouts.bodyMs, `its answer did not end within ${timeouts.bodyMs} ms`);
        },
        onResponseData(_, chunk) {
          sizeBytes += chunk.length;
          if (sizeBytes > MAX_ANSWER_BYTES) fail('tooLarge', `its answer exceeds ${MAX_ANSWER_BYTES} bytes`);
          else chunks.push(chunk);
        },
        onResponseEnd: () => end({ kind: 'answered', status, text: Buffer.concat(chunks).toString('utf8') }),
        onResponseError: (_, error) => fail('cutOff', describe(error), causeOf(error)),
      },
    );
  });
}

type CreateClient = (origin: string, connect: buildConnector.connector) => Client;

let createClient: Promise<CreateClient> | undefined;

/** Loads undici with the first call, not with this file: who never calls does not pay for it. */
export function loadHttp(): Promise<CreateClient> {
  createClient ??= import('undici/lib/dispatcher/client.js').then(
    ({ default: UndiciClient }) =>
      (origin, connect) =>
        new UndiciClient(origin, { connect, pipelining: 0, headersTimeout: 0, bodyTimeout: 0 }),
  );
  return createClient;
}

/** A code such as `ECONNRESET`, or the message where there is none. Neither holds anything of the request. */
function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code === undefined || code.startsWith('UND_ERR') ? error.message || 'the connection failed' : code;
}

/** A parser's error carries the answer that it could not parse, which may hold a token. */
const causeOf = (error: Error): Error | undefined => ('data' in error ? undefined : error);
