import http from 'node:http';
import https from 'node:https';
import { lambdaCredentials } from './credentials.ts';
import { type SigningCredentials, signHeaders } from './sign.ts';
import { traceHeader } from './trace-header.ts';

/** A service as its endpoint and its signature name it. */
export interface Service {
  /** For example `ssm`. */
  readonly name: string;
  /** `AWS_ENDPOINT_URL_<this>` overrides the endpoint. */
  readonly endpointVariable: string;
}

export interface SignedPost {
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostOptions {
  /** How long the whole answer may take, in milliseconds. */
  readonly answerMs: number;
  readonly signal?: AbortSignal | undefined;
  /** @default - as the environment names it, or else AWS's */
  readonly endpoint?: string | undefined;
  /** @default AWS_REGION */
  readonly region?: string | undefined;
  /** @default - the function's own */
  readonly credentials?: SigningCredentials | undefined;
}

export interface PostAnswer {
  readonly statusCode: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** The request was signed with a clock that was minutes off. Later ones follow the clock of the service. */
  readonly isClockCorrected: boolean;
}

/** There is no whole answer. Whether the request took effect is unknown. */
export class NoAnswerError extends Error {
  override readonly name = 'TimeoutError';
}

const CONNECT_MS = 1_000;
/** AWS refuses a signature that is five minutes off. */
const MOST_SKEW_MS = 4 * 60_000;
const pool = { keepAlive: true, maxSockets: 50 };
const plain = { request: http.request, agent: new http.Agent(pool) };
const secure = { request: https.request, agent: new https.Agent(pool) };

/** How far the services' clock is ahead of this machine's. */
let clockAheadMs = 0;

/**
 * Sends one signed POST to an AWS service, once. Connections are kept open for later requests.
 * @throws {NoAnswerError} If no whole answer comes in time.
 */
export async function signedPost(
  service: Service,
  { path, headers, body }: SignedPost,
  { answerMs, signal, endpoint, region = process.env.AWS_REGION ?? 'us-east-1', credentials }: PostOptions,
): Promise<PostAnswer> {
  signal?.throwIfAborted();
  const url = new URL(endpoint ?? endpointOf(service, region));
  url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
  const aheadMs = clockAheadMs;
  const signed = signHeaders(
    { method: 'POST', url, headers, body },
    {
      service: service.name,
      region,
      credentials: credentials ?? (await lambdaCredentials()),
      at: new Date(Date.now() + aheadMs),
    },
  );
  const sent = {
    ...traceHeader(),
    ...headers,
    ...signed,
    'content-length': String(Buffer.byteLength(body)),
  };
  const answer = await send(url, sent, body, answerMs, signal);
  return { ...answer, isClockCorrected: correctClock(answer.headers, aheadMs) };
}

const endpointOf = ({ name, endpointVariable }: Service, region: string): string =>
  process.env[`AWS_ENDPOINT_URL_${endpointVariable}`] ||
  process.env.AWS_ENDPOINT_URL ||
  `https://${name}.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}`;

function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  answerMs: number,
  signal: AbortSignal | undefined,
): Promise<Omit<PostAnswer, 'isClockCorrected'>> {
  return new Promise((resolve, reject) => {
    const { request: open, agent } = url.protocol === 'https:' ? secure : plain;
    const request = open(url, { method: 'POST', agent, headers, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        stopTimers();
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ statusCode: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    const give = (message: string) => () => request.destroy(new NoAnswerError(message));
    const connecting = setTimeout(give(`no connection within ${CONNECT_MS} ms`), CONNECT_MS);
    const answering = setTimeout(give(`no answer within ${answerMs} ms`), answerMs);
    const stopTimers = () => {
      clearTimeout(connecting);
      clearTimeout(answering);
    };
    function fail(error: Error): void {
      stopTimers();
      if (signal?.aborted || error instanceof NoAnswerError) reject(signal?.aborted ? signal.reason : error);
      else reject(new NoAnswerError(error.message, { cause: error }));
    }
    request.on('error', fail);
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => clearTimeout(connecting));
      else clearTimeout(connecting);
    });
    request.end(body);
  });
}

/**
 * Follows the clock of the service if this machine's is minutes off.
 * @param aheadMs - With which the request was signed. Another answer may have corrected the clock since.
 * @returns Whether the request was signed with a wrong time.
 */
function correctClock({ date, age }: http.IncomingHttpHeaders, aheadMs: number): boolean {
  const theirs = Date.parse(date ?? '');
  // The answer of a cache tells an old time.
  if (Number.isNaN(theirs) || age !== undefined) return false;
  if (Math.abs(theirs - (Date.now() + aheadMs)) < MOST_SKEW_MS) return false;
  clockAheadMs = theirs - Date.now();
  return true;
}
