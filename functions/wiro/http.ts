import http, { type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
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
 */
export function post(request: PostRequest): Promise<PostResult> {
  return new Promise((resolve) => {
    const { url, body, timeouts, endsAt } = request;
    const { connectMs, headersMs } = timeouts;
    const call = createCall(resolve);
    const isTimeUp = () => endsAt !== undefined && performance.now() >= endsAt;
    const failTimeUp = () => call.fail('timeout', 'the time for the whole call ran out');
    const fail = (error: Error) => call.fail('cutOff', describe(error), causeOf(error));
    let answer: IncomingMessage | undefined;
    const isStream = typeof body !== 'string';
    if (isStream) {
      // An answer that has begun breaks off, and its status may be enough.
      body.stream.on('error', (error) => (answer ? answer.destroy(error) : fail(error)));
      call.onEnd(() => body.stream.destroy());
    }

    if (isTimeUp()) return failTimeUp();
    if (endsAt !== undefined) {
      const limit = setTimeout(failTimeUp, Math.min(endsAt - performance.now(), MAX_TIMER_MS));
      call.onEnd(() => clearTimeout(limit));
    }
    call.startPhase(connectMs, `no connection was established within ${connectMs} ms`);
    const outgoing = http.request({
      method: 'POST',
      path: url.pathname,
      headers: {
        host: url.host,
        ...request.headers,
        'accept-encoding': 'identity',
        'content-length': String(isStream ? body.sizeBytes : Buffer.byteLength(body)),
      },
      // Without an agent, the connection ends with the call.
      createConnection(_, use) {
        const socket = openSocket(url, () => {
          // A busy event loop delays the timer. Check the clock too, so that no request is sent late.
          if (isTimeUp()) return failTimeUp();
          call.noteSent();
          call.startPhase(headersMs, `no answer came within ${headersMs} ms`);
          use(null, socket);
          if (isStream) sendStream(body.stream);
          else outgoing.end(body);
        });
        socket.on('error', (error) => {
          if (!call.isSent()) fail(error);
        });
        call.onEnd(() => socket.destroy());
        return undefined;
      },
    });
    call.onEnd(() => outgoing.destroy());
    outgoing
      .on('response', (response) => {
        answer = response;
        void readAnswer(call, response, request);
      })
      .on('error', (error) => {
        if (!answer) fail(error);
      })
      // An answer that switches protocols, for example, is no response.
      .on('close', () => {
        if (!answer) call.fail('cutOff', 'the connection was closed without an answer');
      });

    function sendStream(stream: Readable): void {
      stream.on('data', () => {
        if (!answer) call.startPhase(headersMs, `no data moved for ${headersMs} ms, and no answer came`);
      });
      stream.pipe(outgoing);
    }
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
      if (isOver) return; // destroying the connection below raises further errors
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

/** Reads the answer: whole up to 4 MB, only its needed parts beyond. */
async function readAnswer(
  call: Call,
  response: IncomingMessage,
  { timeouts: { bodyMs }, large }: PostRequest,
): Promise<void> {
  const { statusCode: status = 0, headers } = response;
  const retryAfterMs = readRetryAfter(headers);
  const chunks: Buffer[] = [];
  let trimmer: Trimmer | undefined;
  let sizeBytes = 0;

  const answer = (text: string) =>
    call.end({ kind: 'answered', status, text, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  const textSoFar = () => Buffer.concat(chunks).toString('utf8');
  const startBodyPhase = () => call.startPhase(bodyMs, `its answer did not end within ${bodyMs} ms`);
  const tooLarge = (most: number) => call.fail('tooLarge', `its answer exceeds ${most} bytes`);

  /** From here on only the needed parts are kept, and the time is limited for each 4 MB. */
  async function beginTrimming(createTrimmer: LargeAnswer['createTrimmer']): Promise<Trimmer> {
    const allMs = LARGE_BODY_TIMES * bodyMs;
    const failLarge = () =>
      call.fail('timeout', `its answer of over ${sizeBytes} bytes did not end within ${allMs} ms`);
    const limit = setTimeout(failLarge, Math.min(allMs, MAX_TIMER_MS));
    call.onEnd(() => clearTimeout(limit));
    startBodyPhase();
    let created: Trimmer;
    try {
      created = await createTrimmer();
    } catch (error) {
      call.fail('cutOff', 'the code that reads large answers could not be loaded', error);
      throw error;
    }
    for (const chunk of chunks.splice(0)) trim(created, chunk);
    return created;
  }

  function trim(by: Trimmer, chunk: Buffer): void {
    try {
      by.write(chunk);
    } catch (error) {
      call.fail('tooLarge', error instanceof Error ? error.message : 'its answer is too large', error);
    }
  }

  startBodyPhase();
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const piecesBefore = Math.floor(sizeBytes / MAX_ANSWER_BYTES);
      sizeBytes += chunk.length;
      if (sizeBytes <= MAX_ANSWER_BYTES) {
        chunks.push(chunk);
        continue;
      }
      // The status of an error is enough.
      if (status > 299) return answer('');
      if (large === undefined) return tooLarge(MAX_ANSWER_BYTES);
      if (large.mostBytes !== undefined && sizeBytes > large.mostBytes) return tooLarge(large.mostBytes);
      if (trimmer === undefined) trimmer = await beginTrimming(large.createTrimmer);
      else if (Math.floor(sizeBytes / MAX_ANSWER_BYTES) > piecesBefore) startBodyPhase();
      trim(trimmer, chunk);
      if (call.isOver()) return;
    }
    answer(trimmer?.end() ?? textSoFar());
  } catch (error) {
    // The status of an error is enough, even if its page is incomplete.
    if (status > 299) return answer(textSoFar());
    const reason = error instanceof Error ? error : new Error('the connection failed');
    call.fail('cutOff', describe(reason), causeOf(reason));
  }
}

/** Returns a code such as `ECONNRESET`, or else the message. Neither contains any part of the request. */
function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // A parser's code says less than its message.
  return code === undefined || code.startsWith('HPE_') ? error.message || 'the connection failed' : code;
}

/** Drops a parser's error: it carries the answer that it could not parse, which may contain a token. */
const causeOf = (error: Error): Error | undefined => ('rawPacket' in error ? undefined : error);
