import { setTimeout as sleep } from 'node:timers/promises';
import { Hash } from '@smithy/core/serde';
import { HttpRequest } from '@smithy/core/transport';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { lambdaCredentials } from './credentials.ts';
import { traceHeader } from './trace-header.ts';

// SSM, Lambda and EventBridge are each asked one thing. Their SDK clients would cost more at a cold start than
// everything else that `callback` loads; the signer and the HTTP handler come with the DynamoDB client anyway.

export interface AwsAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed when it is JSON, else `undefined`. */
  readonly body: unknown;
}

export interface AwsRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An AWS service that did not do what it was asked. Its message names no secret: requests are not part of it. */
export class AwsCallError extends Error {
  override readonly name = 'AwsCallError';
}

const TRIES = 3;
const ANSWER_MS = 5_000;
// By itself the handler only warns of a request that takes longer, and waits on.
const handler = new NodeHttpHandler({ connectionTimeout: 1_000, throwOnRequestTimeout: true });

/** The longest wait before a throttled call is repeated; on average half of it. */
const LONGEST_PAUSE_MS = 2_000;

/**
 * One signed POST to an AWS service, tried up to three times where that may help.
 * @param service - As in its endpoint, such as `ssm`; `AWS_ENDPOINT_URL_<SERVICE>` replaces the endpoint.
 * @param answerMs - How long one try waits for its answer, in milliseconds. @default 5,000
 * @param throttledMs - How long a call that is throttled is repeated, in milliseconds. @default - three tries
 * @throws {AwsCallError} When it cannot be reached or refuses.
 */
export async function callAws(
  service: { readonly name: string; readonly endpointVariable: string },
  { path, headers, body }: AwsRequest,
  {
    throttledMs = 0,
    answerMs = ANSWER_MS,
  }: { readonly throttledMs?: number; readonly answerMs?: number } = {},
): Promise<AwsAnswer> {
  const startedAt = performance.now();
  const region = process.env.AWS_REGION ?? 'us-east-1';
  const endpoint = new URL(
    process.env[`AWS_ENDPOINT_URL_${service.endpointVariable}`] ??
      process.env.AWS_ENDPOINT_URL ??
      `https://${service.name}.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}`,
  );
  const signer = new SignatureV4({
    service: service.name,
    region,
    credentials: lambdaCredentials,
    sha256: Sha256,
  });
  for (let attempt = 1; ; attempt += 1) {
    let failure: AwsCallError;
    let isThrottled = false;
    try {
      const signed = await signer.sign(
        new HttpRequest({
          method: 'POST',
          protocol: endpoint.protocol,
          hostname: endpoint.hostname,
          ...(endpoint.port !== '' && { port: Number(endpoint.port) }),
          path: `${endpoint.pathname.replace(/\/$/, '')}${path}`,
          headers: { host: endpoint.host, ...traceHeader(), ...headers },
          body,
        }),
      );
      const { response } = await handler.handle(new HttpRequest(signed), { requestTimeout: answerMs });
      const text = await readAll(response.body);
      const answer = { statusCode: response.statusCode, headers: response.headers, body: parseJson(text) };
      if (answer.statusCode < 300) return answer;
      failure = new AwsCallError(`${service.name} answered ${answer.statusCode} ${errorName(answer)}`.trim());
      isThrottled = answer.statusCode === 429 || /Throttl|TooMany|LimitExceeded/.test(errorName(answer));
      if (answer.statusCode < 500 && !isThrottled) throw failure;
    } catch (cause) {
      if (cause instanceof AwsCallError) throw cause;
      failure = new AwsCallError(`${service.name} could not be reached`, { cause });
    }
    const hasTurnLeft = isThrottled && performance.now() - startedAt < throttledMs;
    if (attempt >= TRIES && !hasTurnLeft) throw failure;
    // Any part of the pause: callers that were turned away together must not come back together.
    await sleep(
      isThrottled && throttledMs > 0
        ? Math.random() * Math.min(100 * 2 ** attempt, LONGEST_PAUSE_MS)
        : 50 * 4 ** attempt * (0.5 + Math.random()),
    );
  }
}

class Sha256 extends Hash {
  constructor(secret?: ConstructorParameters<typeof Hash>[1]) {
    super('sha256', secret);
  }
}

function errorName({ headers, body }: AwsAnswer): string {
  const named = typeof body === 'object' && body !== null && '__type' in body ? String(body.__type) : '';
  return (headers['x-amzn-errortype'] ?? named).split('#').at(-1)?.split(':')[0] ?? '';
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
