import { clockAhead, exchange, type HttpAnswer } from './exchange.ts';
import { lambdaCredentials, type SigningCredentials, signHeaders } from './sign.ts';

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
  { answerMs, signal, endpoint, region = ownRegion(), credentials }: PostOptions,
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
  const answer = await exchange(
    {
      method: 'POST',
      origin: url,
      path: url.pathname,
      headers: { ...headers, ...signed },
      body,
    },
    { connectMs: CONNECT_MS, answerMs },
    signal,
  );
  const corrected = clockAhead(answer.headers, aheadMs);
  if (corrected !== undefined) clockAheadMs = corrected;
  return { ...answer, isClockCorrected: corrected !== undefined };
}

export const ownRegion = (): string => process.env.AWS_REGION ?? 'us-east-1';

/** The endpoint that the environment names, of an emulator for example. */
export const ownEndpointOf = ({ endpointVariable }: Pick<Service, 'endpointVariable'>): string | undefined =>
  process.env[`AWS_ENDPOINT_URL_${endpointVariable}`] || process.env.AWS_ENDPOINT_URL || undefined;

export const endpointOf = ({ name, endpointVariable }: Service, region: string): string =>
  ownEndpointOf({ endpointVariable }) ||
  `https://${name}.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}`;
