import { setTimeout as sleep } from 'node:timers/promises';
import { Hash } from '@smithy/core/serde';
import { HttpRequest } from '@smithy/core/transport';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { lambdaCredentials } from './credentials.ts';

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
const handler = new NodeHttpHandler({ connectionTimeout: 1_000, requestTimeout: 5_000 });

/**
 * One signed POST to an AWS service, tried up to three times where that may help.
 * @param service - As in its endpoint, such as `ssm`; `AWS_ENDPOINT_URL_<SERVICE>` replaces the endpoint.
 * @throws {AwsCallError} When it cannot be reached or refuses.
 */
export async function callAws(
  service: { readonly name: string; readonly endpointVariable: string },
  { path, headers, body }: AwsRequest,
): Promise<AwsAnswer> {
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
    try {
      const signed = await signer.sign(
        new HttpRequest({
          method: 'POST',
          protocol: endpoint.protocol,
          hostname: endpoint.hostname,
          ...(endpoint.port !== '' && { port: Number(endpoint.port) }),
          path: `${endpoint.pathname.replace(/\/$/, '')}${path}`,
          headers: { host: endpoint.host, ...headers },
          body,
        }),
      );
      const { response } = await handler.handle(new HttpRequest(signed));
      const text = await readAll(response.body);
      const answer = { statusCode: response.statusCode, headers: response.headers, body: parseJson(text) };
      if (answer.statusCode < 300) return answer;
      failure = new AwsCallError(`${service.name} answered ${answer.statusCode} ${errorName(answer)}`.trim());
      const isPassing = answer.statusCode >= 500 || /Throttl|TooMany|LimitExceeded/.test(errorName(answer));
      if (!isPassing) throw failure;
    } catch (cause) {
      if (cause instanceof AwsCallError) throw cause;
      failure = new AwsCallError(`${service.name} could not be reached`, { cause });
    }
    if (attempt === TRIES) throw failure;
    await sleep(50 * 4 ** attempt * (0.5 + Math.random()));
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
