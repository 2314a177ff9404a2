import { endpointOf, ownRegion, type Service } from './endpoint.ts';
import { clockAhead, exchange, type HttpAnswer } from './exchange.ts';
import { lambdaCredentials, type SigningCredentials, signHeaders } from './sign.ts';

export interface SignedPost {
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostOptions {
  /** How long the whole answer may take, in milliseconds. */
  readonly answerMs: number;
  /** How long a new connection may take, in milliseconds. @default 1,000 */
  readonly connectMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @default - as the environment names it, or else AWS's */
  readonly endpoint?: string | undefined;
  /** @default AWS_REGION */
  readonly region?: string | undefined;
  /** @default - the function's own */
  readonly credentials?: SigningCredentials | undefined;
}

export interface PostAnswer extends HttpAnswer {
  /** The request was signed with a clock that was minutes off. Later ones follow the clock of the service. */
  readonly isClockCorrected: boolean;
}

const CONNECT_MS = 1_000;
/** How far the services' clock is ahead of this machine's. */
let clockAheadMs = 0;

/**
 * Sends one signed POST to an AWS service, once. Connections are kept open for later requests.
 * @throws {NoAnswerError} If no whole answer comes in time.
 */
export async function signedPost(
  service: Service,
  { path, headers, body }: SignedPost,
  { answerMs, connectMs = CONNECT_MS, signal, endpoint, region = ownRegion(), credentials }: PostOptions,
): Promise<PostAnswer> {
  signal?.throwIfAborted();
  const url = new URL(endpointOf(service, region, endpoint));
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
  const answer = await exchange(
    {
      method: 'POST',
      origin: url,
      path: url.pathname,
      headers: { ...headers, ...signed },
      body,
    },
    { connectMs, answerMs },
    signal,
  );
  const corrected = clockAhead(answer.headers, aheadMs);
  if (corrected !== undefined) clockAheadMs = corrected;
  return { ...answer, isClockCorrected: corrected !== undefined };
}
