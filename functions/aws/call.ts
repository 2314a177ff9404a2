import { setTimeout as sleep } from 'node:timers/promises';
import { Hash } from '@smithy/core/serde';
import { HttpRequest } from '@smithy/core/transport';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { parseJson } from '../runtime/json.ts';
import { lambdaCredentials } from './credentials.ts';
import { traceHeader } from './trace-header.ts';

// The functions make one kind of call each to SSM, Lambda and EventBridge. Their SDK clients would add more to a cold
// start than everything else that `callback` loads. The DynamoDB client already includes the signer and HTTP handler.

export interface AwsAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed JSON, or `undefined` if the body is not JSON. */
  readonly body: unknown;
}

export interface AwsRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A failed call to an AWS service. Its message contains no part of the request, and so no secret. */
export class AwsCallError extends Error {
  override readonly name = 'AwsCallError';
}

const TRIES = 3;
const ANSWER_MS = 5_000;
// Without `throwOnRequestTimeout` the handler only logs a warning when a request times out.
const handler = new NodeHttpHandler({ connectionTimeout: 1_000, throwOnRequestTimeout: true });

/** The longest pause before a throttled call is repeated. On average it is half as long. */
const LONGEST_PAUSE_MS = 2_000;

/**
 * Sends one signed POST to an AWS service. Tries up to three times, unless the service refuses the call.
 * @param service - Its name in the endpoint, for example `ssm`. `AWS_ENDPOINT_URL_<SERVICE>` overrides the endpoint.
 * @param answerMs - How long each try waits for the answer, in milliseconds. @default 5,000
 * @param throttledMs - How long a throttled call is repeated, in milliseconds. @default - three tries
 * @throws {AwsCallError} If the service cannot be reached or refuses the call.
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
    // The pause is random, so that callers that were throttled together do not return together.
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
