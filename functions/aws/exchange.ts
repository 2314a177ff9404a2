import http from 'node:http';
import https from 'node:https';

/** A request as it is sent. */
export interface HttpRequest {
  readonly method: string;
  /** Only its protocol, host and port are used. */
  readonly origin: URL;
  /** Encoded, with its query. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface ExchangeLimits {
  readonly connectMs: number;
  /** How long the whole answer may take: from the start or, with `stallMs`, once the body was sent or it begins. */
  readonly answerMs: number;
  /** How long no byte may move. For a body that may take longer than the answer. */
  readonly stallMs?: number;
  /** @default - any length */
  readonly maxAnswerBytes?: number;
}

export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** There is no whole answer. Whether the request took effect is unknown. */
export class NoAnswerError extends Error {
  override readonly name = 'TimeoutError';
}

const pool = { keepAlive: true, maxSockets: 50 };
const plain = { request: http.request, agent: new http.Agent(pool) };
const secure = { request: https.request, agent: new https.Agent(pool) };

/**
 * Sends one request, once, as a part of the current trace. Connections are kept open for later requests.
 * @throws {NoAnswerError} If no whole answer comes in time.
 */
export function exchange(
  { method, origin, path, headers, body }: HttpRequest,
  { connectMs, answerMs, stallMs, maxAnswerBytes = Number.POSITIVE_INFINITY }: ExchangeLimits,
  signal?: AbortSignal,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const isSecure = origin.protocol === 'https:';
    const { request: open, agent } = isSecure ? secure : plain;
    let isAnswered = false;
    const sent = { ...traceHeader(), ...headers, 'content-length': String(Buffer.byteLength(body)) };
    const options = { method, path, agent, headers: sent, ...(signal && { signal }) };
    const request = open(origin, options, (response) => {
      isAnswered = true;
      answering ??= startAnswering();
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= maxAnswerBytes) chunks.push(chunk);
        else request.destroy(new NoAnswerError(`an answer of more than ${maxAnswerBytes} bytes`));
      });
      response.on('error', fail);
      response.on('end', () => {
        stopTimers();
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ statusCode: response.statusCode ?? 0, headers: response.headers, text });
        // A refusal may come before the whole body is sent. Nobody reads the rest.
        if (!request.writableFinished) request.destroy();
      });
    });
    const giveUp = (message: string) => () => {
      const error = new NoAnswerError(message);
      request.destroy(error);
      // After a change of protocol, a request tells no error.
      fail(error);
    };
    const connecting = setTimeout(giveUp(`no connection within ${connectMs} ms`), connectMs);
    const startAnswering = () => setTimeout(giveUp(`no answer within ${answerMs} ms`), answerMs);
    let answering = stallMs === undefined ? startAnswering() : undefined;
    if (stallMs !== undefined) {
      request.setTimeout(stallMs, giveUp(`nothing moved for ${stallMs} ms`));
      request.on('finish', () => {
        answering ??= startAnswering();
      });
    }
    const stopTimers = () => {
      clearTimeout(connecting);
      clearTimeout(answering);
    };
    function fail(error: Error): void {
      stopTimers();
      if (signal?.aborted) return void reject(signal.reason);
      if (request.reusedSocket && !isAnswered) closeKept(agent);
      reject(error instanceof NoAnswerError ? error : new NoAnswerError(error.message, { cause: error }));
    }
    request.on('error', fail);
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => clearTimeout(connecting));
      else clearTimeout(connecting);
    });
    if (isSecure && typeof body !== 'string') sendInSlices(request, body);
    else request.end(body);
  });
}

/**
 * Closes the connections that are not in use. Where one was dead, so may be all others, because the function was frozen
 * for minutes: then each further try would meet another dead one.
 */
function closeKept({ freeSockets }: http.Agent): void {
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
}

const SLICE_BYTES = 256 * 1024;

/** TLS encrypts a write as a whole, in memory of its own. So a long body is written piece by piece. */
function sendInSlices(request: http.ClientRequest, body: Buffer): void {
  let sentBytes = 0;
  const sendOn = () => {
    while (sentBytes < body.length) {
      const slice = body.subarray(sentBytes, sentBytes + SLICE_BYTES);
      sentBytes += slice.length;
      if (!request.write(slice)) return void request.once('drain', sendOn);
    }
    request.end();
  };
  sendOn();
}

/** AWS refuses a signature that is five minutes off. */
const MOST_SKEW_MS = 4 * 60_000;

/**
 * How far a service's clock is ahead of this machine's, if a signature was minutes off.
 * @param signedAheadMs - How far it was taken to be ahead for the signature. Another answer may have corrected it since.
 */
export function clockAhead(
  { date, age }: http.IncomingHttpHeaders,
  signedAheadMs: number,
): number | undefined {
  const theirs = Date.parse(date ?? '');
  // The answer of a cache tells an old time.
  if (Number.isNaN(theirs) || age !== undefined) return undefined;
  const aheadMs = theirs - Date.now();
  return Math.abs(aheadMs - signedAheadMs) < MOST_SKEW_MS ? undefined : aheadMs;
}

const NAME = 'x-amzn-trace-id';
const LINKING = /^(?:Root|Parent|Sampled)=/;

/**
 * Returns the header that adds a call to the trace of the current invocation. Before each invocation Lambda writes the
 * trace into the environment: `Root=1-…;Parent=…;Sampled=1;Lineage=…`.
 *
 * The header omits `Lineage`, with which Lambda detects recursion and stops a chain of invocations at 16. Chains here
 * may be longer, for example when each invocation continues a copy. They always end: every hop needs a claim, hops
 * without progress are counted, and every wait has a limit. A stopped chain would leave the work until `reconcile` runs.
 *
 * Returns no header if the current invocation is not traced, as `reconcile` never is. Such a header would disable tracing
 * for every invocation that this one starts.
 */
function traceHeader(trace = process.env._X_AMZN_TRACE_ID): Readonly<Record<string, string>> {
  const parts = trace?.split(';').filter((part) => LINKING.test(part)) ?? [];
  return parts.includes('Sampled=1') ? { [NAME]: parts.join(';') } : {};
}
