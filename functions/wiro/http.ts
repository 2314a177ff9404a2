import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { buildConnector, Client } from 'undici';
import type { Trimmer } from './answers/trim-answer.ts';
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
  /** Given, an answer of any size is read, and what is not needed is left out of a large one. */
  readonly large?: LargeAnswer;
}

export interface LargeAnswer {
  /** Loads what reads it: only those who meet a large answer pay for that. */
  readonly createTrimmer: () => Promise<Trimmer>;
  /** @default - of any size */
  readonly mostBytes?: number;
}

export interface PostTimeouts {
  /** DNS, TCP and TLS together. */
  readonly connectMs: number;
  /** Until the answer begins, counted anew with every piece of the body sent. */
  readonly headersMs: number;
  /**
   * The whole body of the answer: a trickle does not prolong it. Of a large one, each 4 MB; and twelve times as long
   * for all of it.
   */
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

/** An answer beyond this is not held whole in memory: it is trimmed, or a fault. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const LARGE_BODY_TIMES = 12;

/**
 * Sends one POST on a connection of its own and reads its answer; never repeats anything. Kept sockets would
 * save little (the TLS session is resumed) and cost much: one that went stale while the container was frozen
 * leaves open whether the request arrived.
 *
 * The time-outs are ours: undici's own count in steps of about a second and per chunk.
 */
export async function post({
  url,
  headers,
  body,
  timeouts,
  endsAt,
  large,
}: PostRequest): Promise<PostResult> {
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
    let trimmer: Trimmer | undefined;
    let largeLimit: NodeJS.Timeout | undefined;

    const end = (result: PostResult) => {
      if (isOver) return; // what tearing down brings up comes too late
      isOver = true;
      clearTimeout(phase);
      clearTimeout(limit);
      clearTimeout(largeLimit);
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

    const tooLarge = (most: number) => fail('tooLarge', `its answer exceeds ${most} bytes`);
    const bodyTooSlow = () => `its answer did not end within ${timeouts.bodyMs} ms`;

    function trim(chunk: Uint8Array): void {
      try {
        trimmer?.write(chunk);
      } catch (error) {
        fail('tooLarge', error instanceof Error ? error.message : 'its answer is too large', error);
      }
    }

    /** From here on nothing is held that is not needed, and what counts is that it moves. */
    async function beginTrimming(createTrimmer: () => Promise<Trimmer>, resume: () => void): Promise<void> {
      const allMs = LARGE_BODY_TIMES * timeouts.bodyMs;
      const failLarge = () =>
        fail('timeout', `its answer of over ${sizeBytes} bytes did not end within ${allMs} ms`);
      largeLimit = setTimeout(failLarge, Math.min(allMs, MAX_TIMER_MS));
      startPhase(timeouts.bodyMs, bodyTooSlow());
      try {
        trimmer = await createTrimmer();
      } catch (error) {
        return fail('cutOff', 'what reads large answers could not be loaded', error);
      }
      if (isOver) return;
      for (const chunk of chunks.splice(0)) trim(chunk);
      resume();
    }

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
          startPhase(timeouts.bodyMs, bodyTooSlow());
        },
        onResponseData(controller, chunk) {
          const piecesBefore = Math.floor(sizeBytes / MAX_ANSWER_BYTES);
          sizeBytes += chunk.length;
          if (sizeBytes <= MAX_ANSWER_BYTES) return void chunks.push(chunk);
          // Of an error the status says enough.
          if (status > 299) return end({ kind: 'answered', status, text: '' });
          if (large === undefined) return tooLarge(MAX_ANSWER_BYTES);
          if (large.mostBytes !== undefined && sizeBytes > large.mostBytes) return tooLarge(large.mostBytes);
          if (largeLimit === undefined) {
            controller.pause();
            chunks.push(chunk);
            void beginTrimming(large.createTrimmer, () => controller.resume());
          } else if (trimmer === undefined) {
            chunks.push(chunk);
          } else {
            if (Math.floor(sizeBytes / MAX_ANSWER_BYTES) > piecesBefore)
              startPhase(timeouts.bodyMs, bodyTooSlow());
            trim(chunk);
          }
        },
        onResponseEnd: () =>
          end({
            kind: 'answered',
            status,
            text: trimmer === undefined ? Buffer.concat(chunks).toString('utf8') : trimmer.end(),
          }),
        onResponseError: (_, error) =>
          // Of an error the status says enough, however its page breaks off.
          status > 299
            ? end({ kind: 'answered', status, text: Buffer.concat(chunks).toString('utf8') })
            : fail('cutOff', describe(error), causeOf(error)),
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
