import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LOCAL_CREDENTIALS } from './credentials.ts';
import { type LambdaHost, PayloadTooLargeError, ThrottledError } from './lambda-host.ts';
import { LOCAL_ACCOUNT, PAYLOAD_LIMIT } from './lambda-types.ts';
import type { LocalService } from './local-service.ts';
import { readBody, startServer } from './server.ts';

export interface FunctionUrlOptions {
  readonly functionName: string;
  /** With `iam`, the event names a caller. A signature is not required, so that plain curl works. */
  readonly auth: 'public' | 'iam';
  /** @default - any free port */
  readonly port?: number;
}

/**
 * Serves a Function URL. Converts HTTP requests to payload format 2.0 and both forms of results to HTTP responses.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 */
export function startFunctionUrl(
  host: Pick<LambdaHost, 'invoke'>,
  { functionName, auth, port = 0 }: FunctionUrlOptions,
): Promise<LocalService> {
  return startServer(async (request, response) => {
    const body = await readBody(request, PAYLOAD_LIMIT.synchronous);
    if (body === undefined) return sendMessage(response, 413, 'Request Entity Too Large');
    try {
      const event = JSON.stringify(eventOf(request, body, auth));
      const result = await host.invoke(functionName, event);
      if (result.kind === 'failed') throw new Error('the function failed');
      send(response, answerOf(JSON.parse(result.payload)), request.method === 'HEAD');
    } catch (error) {
      if (error instanceof PayloadTooLargeError)
        return sendMessage(response, 413, 'Request Entity Too Large');
      if (error instanceof ThrottledError) return sendMessage(response, 429, error.message);
      // Like AWS, hides the error from the caller. The function's log contains it.
      response.writeHead(502, { 'content-type': 'application/json' }).end('Internal Server Error');
    }
  }, port);
}

function sendMessage(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
}

function eventOf(request: IncomingMessage, body: Buffer, auth: 'public' | 'iam') {
  const [rawPath = '/', rawQueryString = ''] = splitOnce(request.url ?? '/', '?');
  const headers = headersOf(request);
  const now = new Date();
  const domainName = headers.host ?? '';
  const cookies = headers.cookie?.split(/; */);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    ...(cookies && { cookies }),
    headers,
    ...(rawQueryString && { queryStringParameters: queryOf(rawQueryString) }),
    requestContext: {
      accountId: auth === 'iam' ? LOCAL_ACCOUNT : 'anonymous',
      apiId: 'local',
      ...(auth === 'iam' && { authorizer: { iam: LOCAL_CALLER } }),
      domainName,
      domainPrefix: domainName.split('.')[0],
      http: {
        method: request.method,
        path: decodePath(rawPath),
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: commonLogTime(now),
      timeEpoch: now.getTime(),
    },
    ...bodyOf(body, headers['content-type']),
  };
}

const LOCAL_CALLER = {
  accessKey: LOCAL_CREDENTIALS.accessKeyId,
  accountId: LOCAL_ACCOUNT,
  callerId: LOCAL_CREDENTIALS.accessKeyId,
  cognitoIdentity: null,
  principalOrgId: null,
  userArn: `arn:aws:iam::${LOCAL_ACCOUNT}:user/local`,
  userId: LOCAL_CREDENTIALS.accessKeyId,
};

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade'];

/** Writes names in lower case, joins repeated headers, and adds AWS's `x-forwarded-…` headers. */
function headersOf(request: IncomingMessage): Record<string, string> {
  const given = Object.entries(request.headersDistinct)
    .filter(([name]) => !HOP_BY_HOP.includes(name))
    .map(([name, values = []]) => [name, values.join(name === 'cookie' ? '; ' : ',')]);
  return {
    ...Object.fromEntries(given),
    'x-forwarded-for': request.socket.remoteAddress ?? '127.0.0.1',
    'x-forwarded-port': String(request.socket.localPort ?? ''),
    'x-forwarded-proto': 'http',
  };
}

function queryOf(rawQueryString: string): Record<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    const before = query.get(name);
    query.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(query);
}

function decodePath(rawPath: string): string {
  try {
    return decodeURIComponent(rawPath);
  } catch {
    return rawPath;
  }
}

const TEXT_TYPE = /^(text\/|application\/(json|javascript|xml)\b|[^;]+\+(json|xml)\b)/i;

/** Passes text as text, and everything else, including form data, in base64. */
function bodyOf(body: Buffer, contentType: string | undefined) {
  if (body.length === 0) return { isBase64Encoded: false };
  return contentType === undefined || TEXT_TYPE.test(contentType)
    ? { body: body.toString('utf8'), isBase64Encoded: false }
    : { body: body.toString('base64'), isBase64Encoded: true };
}

/** For example `12/Mar/2026:19:03:58 +0000`. */
function commonLogTime(date: Date): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(date.toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** A result with a `statusCode` describes the response. Any other value is the body of a 200 response. */
function answerOf(value: unknown): Answer {
  if (typeof value !== 'object' || value === null || !('statusCode' in value)) {
    const body = typeof value === 'string' ? value : JSON.stringify(value);
    return { status: 200, headers: [['content-type', 'application/json']], body: Buffer.from(body) };
  }
  const { statusCode, headers, cookies, body, isBase64Encoded } = value as Readonly<Record<string, unknown>>;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new Error('the status code is invalid');
  const given = Object.entries((headers ?? {}) as Record<string, unknown>).map(
    ([name, header]) => [name.toLowerCase(), String(header)] as const,
  );
  const hasType = given.some(([name]) => name === 'content-type');
  return {
    status,
    headers: [
      ...(hasType ? [] : ([['content-type', 'application/json']] as const)),
      ...given.filter(([name]) => name !== 'content-length' && name !== 'transfer-encoding'),
      ...(Array.isArray(cookies) ? cookies.map((cookie) => ['set-cookie', String(cookie)] as const) : []),
    ],
    body: Buffer.from(
      typeof body === 'string' ? body : body === undefined || body === null ? '' : JSON.stringify(body),
      isBase64Encoded === true ? 'base64' : 'utf8',
    ),
  };
}

function send(response: ServerResponse, { status, headers, body }: Answer, withoutBody: boolean): void {
  for (const [name, value] of headers) response.appendHeader(name, value);
  const isEmpty = status === 204 || status === 304;
  if (!isEmpty) response.setHeader('content-length', body.length);
  response.writeHead(status);
  response.end(isEmpty || withoutBody ? undefined : body);
}
