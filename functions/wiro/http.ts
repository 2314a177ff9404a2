import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { buildConnector, Client, Dispatcher } from 'undici';
import type { Trimmer } from './answers/trim-answer.ts';
import { MAX_TIMER_MS } from './deadline.ts';
import { openSocket } from './open-socket.ts';
import { readRetryAfter } from './retry-after.ts';

export interface PostRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream must yield exactly `sizeBytes`. It is destroyed when the call ends. */
  readonly body: string | { readonly stream: Readable; readonly sizeBytes: number };
  readonly timeouts: PostTimeouts;
  /** The deadline of the whole call, on the clock of `performance.now()`. */
  readonly endsAt?: number;
  /** How to read an answer larger than 4 MB. Without it, such an answer fails with `tooLarge`. */
  readonly large?: LargeAnswer;
}

export interface LargeAnswer {
  /** Loads the trimmer. Only a large answer needs it, so it is loaded on demand. */
  readonly createTrimmer: () => Promise<Trimmer>;
  /** @default - no limit */
  readonly mostBytes?: number;
}

export interface PostTimeouts {
  /** DNS, TCP and TLS together. */
  readonly connectMs: number;
  /** Until the answer begins. Restarts with every chunk of the request body sent. */
  readonly headersMs: number;
  /**
   * For the whole body of the answer: received data does not extend it. For a large answer it applies to each 4 MB,
   * and the whole answer may take twelve times as long.
   */
  readonly bodyMs: number;
}

export type PostResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly text: string;
      /** How long Wiro asks to wait before the next call. */
      readonly retryAfterMs?: number;
    }
  | {
      readonly kind: 'failed';
      readonly failure: 'unreachable' | 'timeout' | 'cutOff' | 'tooLarge';
      /** `false` only if no connection was established, so that certainly no byte of the request was sent. */
      readonly isSent: boolean;
      readonly message: string;
      readonly cause?: unknown;
    };

/** A larger answer is trimmed while it is read, or fails with `tooLarge`. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const LARGE_BODY_TIMES = 12;

/**
 * Sends one POST on its own connection and reads the answer. Never retries.
 *
 * Connections are not kept alive. Resuming the TLS session already makes a new one cheap, and a socket that went
 * stale while Lambda froze the container would leave it open whether the request arrived.
 *
 * This function sets its own timers, because undici's timeouts have a resolution of about a second and restart with
 * every chunk.
 */
export async function post(request: PostRequest): Promise<PostResult> {
  const createClient = await loadHttp();
  return new Promise((resolve) => {
    const { url, headers, body, timeouts, endsAt } = request;
    const call = createCall(resolve);
    const isTimeUp = () => endsAt !== undefined && performance.now() >= endsAt;
    const failTimeUp = () => call.fail('timeout', 'the time for the whole call ran out');
    const isStream = typeof body !== 'string';
    if (isStream) call.onEnd(() => body.stream.destroy());
    const connect = connectOnce(call, () => {
      // A busy event loop delays the timer. Check the clock too, so that no request is sent late.
      if (isTimeUp()) return failTimeUp();
      call.startPhase(timeouts.headersMs, `no answer came within ${timeouts.headersMs} ms`);
    });
    const client = createClient(url.origin, connect);
    call.onEnd(() => void client.destroy().catch(() => {})); // the result is final, even if closing the socket fails

    if (isTimeUp()) return failTimeUp();
    if (endsAt !== undefined) {
      const limit = setTimeout(failTimeUp, Math.min(endsAt - performance.now(), MAX_TIMER_MS));
      call.onEnd(() => clearTimeout(limit));
    }
    call.startPhase(timeouts.connectMs, `no connection was established within ${timeouts.connectMs} ms`);
    if (isStream) body.stream.on('error', () => {}); // undici reports it through `onResponseError`
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
          call.startPhase(
            timeouts.headersMs,
            `no data moved for ${timeouts.headersMs} ms, and no answer came`,
          ),
        ...createAnswerReader(call, request),
      },
    );
  });
}

/** One call. It ends once, with an answer or a failure, and everything that it opened ends with it. */
interface Call {
  isOver(): boolean;
  /** From here on, a failure does not tell whether the request arrived. */
  noteSent(): void;
  isSent(): boolean;
  onEnd(clean: () => void): void;
  end(result: PostResult): void;
  fail(failure: 'timeout' | 'cutOff' | 'tooLarge', message: string, cause?: unknown): void;
  /** Ends the call with a timeout, unless the next phase starts in time. */
  startPhase(milliseconds: number, message: string): void;
}

function createCall(resolve: (result: PostResult) => void): Call {
  let isOver = false;
  let isSent = false;
  let phase: NodeJS.Timeout | undefined;
  const cleaning: (() => void)[] = [];

  const call: Call = {
    isOver: () => isOver,
    noteSent() {
      isSent = true;
    },
    isSent: () => isSent,
    onEnd(clean) {
      if (isOver) clean();
      else cleaning.push(clean);
    },
    end(result) {
      if (isOver) return; // destroying the client below raises further errors
      isOver = true;
      clearTimeout(phase);
      for (const clean of cleaning) clean();
      resolve(result);
    },
    fail(failure, message, cause) {
      call.end({ kind: 'failed', failure: isSent ? failure : 'unreachable', isSent, message, cause });
    },
    startPhase(milliseconds, message) {
      clearTimeout(phase);
      if (!isOver)
        phase = setTimeout(() => call.fail('timeout', message), Math.min(milliseconds, MAX_TIMER_MS));
    },
  };
  return call;
}

/** undici reconnects if it believes that nothing was sent. This refuses that: one call is one connection. */
function connectOnce(call: Call, onConnected: () => void): buildConnector.connector {
  let socket: Socket | undefined;
  return (target, callback) => {
    if (socket !== undefined) return callback(new Error('the connection was closed'), null);
    const opening = openSocket(target, () => {
      onConnected();
      if (call.isOver()) return;
      call.noteSent(); // undici starts writing after the callback
      callback(null, opening);
    });
    opening.on('error', (error) => {
      if (!call.isSent()) callback(error, null);
    });
    call.onEnd(() => opening.destroy());
    socket = opening;
  };
}

/** Reads the answer: whole up to 4 MB, only its needed parts beyond. */
function createAnswerReader(
  call: Call,
  { timeouts, large }: PostRequest,
): Pick<
  Dispatcher.DispatchHandler,
  'onResponseStart' | 'onResponseData' | 'onResponseEnd' | 'onResponseError'
> {
  let status = 0;
  let asked: { readonly retryAfterMs?: number } = {};
  let sizeBytes = 0;
  const chunks: Buffer[] = [];
  let trimmer: Trimmer | undefined;
  let isLarge = false;
  const { bodyMs } = timeouts;

  const startBodyPhase = () => call.startPhase(bodyMs, `its answer did not end within ${bodyMs} ms`);
  const tooLarge = (most: number) => call.fail('tooLarge', `its answer exceeds ${most} bytes`);
  const textSoFar = () => Buffer.concat(chunks).toString('utf8');

  function trim(chunk: Uint8Array): void {
    try {
      trimmer?.write(chunk);
    } catch (error) {
      call.fail('tooLarge', error instanceof Error ? error.message : 'its answer is too large', error);
    }
  }

  /** Switches to a large answer: keeps only the needed parts, and limits the time for each 4 MB. */
  async function beginTrimming(createTrimmer: () => Promise<Trimmer>, resume: () => void): Promise<void> {
    isLarge = true;
    const allMs = LARGE_BODY_TIMES * bodyMs;
    const failLarge = () =>
      call.fail('timeout', `its answer of over ${sizeBytes} bytes did not end within ${allMs} ms`);
    const limit = setTimeout(failLarge, Math.min(allMs, MAX_TIMER_MS));
    call.onEnd(() => clearTimeout(limit));
    startBodyPhase();
    try {
      trimmer = await createTrimmer();
    } catch (error) {
      return call.fail('cutOff', 'the code that reads large answers could not be loaded', error);
    }
    if (call.isOver()) return;
    for (const chunk of chunks.splice(0)) trim(chunk);
    resume();
  }

  return {
    onResponseStart(_, statusCode, headers) {
      if (statusCode < 200) return;
      status = statusCode;
      const retryAfterMs = readRetryAfter(headers);
      if (retryAfterMs !== undefined) asked = { retryAfterMs };
      startBodyPhase();
    },
    onResponseData(controller, chunk) {
      const piecesBefore = Math.floor(sizeBytes / MAX_ANSWER_BYTES);
      sizeBytes += chunk.length;
      if (sizeBytes <= MAX_ANSWER_BYTES) return void chunks.push(chunk);
      // The status of an error is enough.
      if (status > 299) return call.end({ kind: 'answered', status, text: '', ...asked });
      if (large === undefined) return tooLarge(MAX_ANSWER_BYTES);
      if (large.mostBytes !== undefined && sizeBytes > large.mostBytes) return tooLarge(large.mostBytes);
      if (!isLarge) {
        controller.pause();
        chunks.push(chunk);
        void beginTrimming(large.createTrimmer, () => controller.resume());
      } else if (trimmer === undefined) {
        chunks.push(chunk);
      } else {
        if (Math.floor(sizeBytes / MAX_ANSWER_BYTES) > piecesBefore) startBodyPhase();
        trim(chunk);
      }
    },
    onResponseEnd: () =>
      call.end({ kind: 'answered', status, text: trimmer?.end() ?? textSoFar(), ...asked }),
    onResponseError: (_, error) =>
      // The status of an error is enough, even if its page is incomplete.
      status > 299
        ? call.end({ kind: 'answered', status, text: textSoFar(), ...asked })
        : call.fail('cutOff', describe(error), causeOf(error)),
  };
}

type CreateClient = (origin: string, connect: buildConnector.connector) => Client;

let createClient: Promise<CreateClient> | undefined;

/** Loads undici on the first call, so that a function that never calls Wiro starts faster. */
export function loadHttp(): Promise<CreateClient> {
  createClient ??= import('undici/lib/dispatcher/client.js').then(
    ({ default: UndiciClient }) =>
      (origin, connect) =>
        new UndiciClient(origin, { connect, pipelining: 0, headersTimeout: 0, bodyTimeout: 0 }),
  );
  return createClient;
}

/** Returns a code such as `ECONNRESET`, or else the message. Neither contains any part of the request. */
function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code === undefined || code.startsWith('UND_ERR') ? error.message || 'the connection failed' : code;
}

/** Drops a parser's error: it carries the answer that it could not parse, which may contain a token. */
const causeOf = (error: Error): Error | undefined => ('data' in error ? undefined : error);
