import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LOCAL_CREDENTIALS } from './credentials.ts';
import type { LocalService } from './local-service.ts';
import { readBody, startServer } from './server.ts';

/** An AWS error response. `code` is AWS's name, for example `ParameterNotFound`. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export function sendAwsError(response: ServerResponse, error: unknown): void {
  const { code, message, status } =
    error instanceof AwsError ? error : new AwsError('InternalFailure', String(error), 500);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'x-amzn-errortype': code,
    'x-amzn-requestid': randomUUID(),
  });
  response.end(JSON.stringify({ __type: code, message }));
}

/**
 * Refuses requests without a signature, signed with other keys, or signed for another service or region. Does not
 * verify the signature itself.
 * @throws {AwsError}
 */
export function requireSignature(request: IncomingMessage, service: string, region: string): void {
  const { authorization = '' } = request.headers;
  const [, accessKeyId, signedRegion, signedService] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request,/.exec(authorization) ?? [];
  if (!accessKeyId)
    throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
  if (accessKeyId !== LOCAL_CREDENTIALS.accessKeyId)
    throw new AwsError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
      403,
    );
  if (signedService !== service || signedRegion !== region)
    throw new AwsError(
      'InvalidSignatureException',
      `Credential should be scoped to service '${service}' in region '${region}', not '${signedService}' in '${signedRegion}'.`,
      403,
    );
}

/** The `x-amz-…` headers that sign a request or name its operation. */
const HEADERS = [
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-target',
  'x-amz-user-agent',
];

/** Refuses `x-amz-…` headers that would be ignored. @throws {AwsError} `NotImplemented`, 501. */
export function requireHeaders(
  { headers }: IncomingMessage,
  service: string,
  more: readonly string[] = [],
): void {
  for (const name of Object.keys(headers))
    if (name.startsWith('x-amz-') && !HEADERS.includes(name) && !more.includes(name))
      throw notImplemented(`The embedded ${service} does not support the header "${name}".`);
}

/** Refuses members of an input that would be ignored. @throws {AwsError} `NotImplemented`, 501. */
export function requireMembers(
  input: Readonly<Record<string, unknown>>,
  members: readonly string[],
  operation: string,
): void {
  for (const [name, value] of Object.entries(input))
    if (value !== null && !members.includes(name))
      throw notImplemented(`The embedded AWS does not support the member "${name}" of ${operation}.`);
}

/** Refuses values of a member that would be ignored. @throws {AwsError} `NotImplemented`, 501. */
export function requireValue(name: string, value: unknown, supported: readonly unknown[]): void {
  if (value !== undefined && value !== null && !supported.includes(value))
    throw notImplemented(
      `The embedded AWS does not support the value "${String(value)}" of the member "${name}".`,
    );
}

export const notImplemented = (message: string): AwsError => new AwsError('NotImplemented', message, 501);

/** An operation of a service. */
export interface Operation {
  /** The members of its input that have an effect. Others are refused. */
  readonly members: readonly string[];
  readonly run: (input: Readonly<Record<string, unknown>>) => unknown;
}

export type Operations = Readonly<Record<string, Operation>>;

export interface JsonEndpointOptions {
  readonly prefix: string;
  readonly service: string;
  readonly region: string;
  /** @default - any free port */
  readonly port?: number | undefined;
}

/** Serves operations of an AWS service with the JSON 1.1 protocol: `X-Amz-Target: <prefix>.<operation>`. */
export function startJsonEndpoint(
  { prefix, service, region, port = 0 }: JsonEndpointOptions,
  operations: Operations,
): Promise<LocalService> {
  return startServer(async (request, response) => {
    const body = await readBody(request, 16 * 1024 * 1024);
    try {
      requireSignature(request, service, region);
      requireHeaders(request, service);
      const target = String(request.headers['x-amz-target'] ?? '');
      const name = target.startsWith(`${prefix}.`) ? target.slice(prefix.length + 1) : '';
      const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
      if (!operation)
        throw new AwsError(
          'UnknownOperationException',
          `The embedded ${service} does not support the operation "${target}"`,
        );
      const input = parseInput(body);
      requireMembers(input, operation.members, name);
      const answer = await operation.run(input);
      response.writeHead(200, {
        'content-type': 'application/x-amz-json-1.1',
        'x-amzn-requestid': randomUUID(),
      });
      response.end(JSON.stringify(answer));
    } catch (error) {
      sendAwsError(response, error);
    }
  }, port);
}

function parseInput(body: Buffer | undefined): Record<string, unknown> {
  let input: unknown;
  try {
    input = JSON.parse(body?.toString('utf8') || '{}');
  } catch {
    input = undefined;
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new AwsError('SerializationException', 'The request is not a JSON object');
  return input as Record<string, unknown>;
}
