import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { S3Event } from 'aws-lambda';
import { LOCAL_CREDENTIALS } from './credentials.ts';
import { closeServer, type LocalService, listenLocally } from './local-service.ts';
import { answerPreflight, type CorsRule, corsHeaders } from './s3-cors.ts';
import { S3Error } from './s3-errors.ts';
import { objectCreatedEvent } from './s3-event.ts';
import { isForm, type OperationDeps, operate } from './s3-operations.ts';
import { parseRequest } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';
import { verifySignature } from './s3-signature.ts';
import { openS3Store } from './s3-store.ts';

export interface S3Options {
  /** The directory that keeps objects across restarts. Only one process may use it. */
  readonly dataDir: string;
  /** @default - any free port */
  readonly port?: number;
  /** Called after an object is stored and before the response. The caller does not wait for it; it must not throw. */
  readonly onObjectCreated?: (event: S3Event) => void;
}

/**
 * Starts S3 on the loopback interface, in path style (`http://127.0.0.1:port/bucket/key`): objects, multipart
 * uploads, conditions, checksums, presigned URLs and forms, and CORS. Requests must be signed with `LOCAL_CREDENTIALS`.
 * Versions, ACLs, tags, encryption, other bucket settings and permissions are not supported. A request that needs them
 * gets 501: `SUPPORTED` lists the parameters and headers of each operation.
 */
export async function startS3({ dataDir, port = 0, onObjectCreated }: S3Options): Promise<LocalService> {
  const deps: OperationDeps = {
    store: await openS3Store(dataDir, () => new Date()),
    now: () => new Date(),
    announce: (bucket, object, by) => onObjectCreated?.(objectCreatedEvent(bucket, object, by)),
  };
  const underWay = new Set<Promise<void>>();
  const server = createServer((incoming, outgoing) => {
    const answered = answer(deps, incoming, outgoing)
      .catch((error: unknown) => {
        console.error('The embedded S3 could not respond:', error);
        outgoing.destroy();
      })
      .finally(() => underWay.delete(answered));
    underWay.add(answered);
  });
  return {
    endpoint: await listenLocally(server, port),
    stop: async () => {
      await closeServer(server);
      await Promise.all(underWay);
    },
  };
}

async function answer(
  deps: OperationDeps,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const requestId = randomBytes(8).toString('hex').toUpperCase();
  const hostId = randomBytes(24).toString('base64');
  const response = await respond(deps, incoming, { RequestId: requestId, HostId: hostId });
  const { status, headers, body } = response;
  const isBodyless = incoming.method === 'HEAD' || status === 204 || status === 304;
  outgoing.writeHead(status, {
    'x-amz-request-id': requestId,
    'x-amz-id-2': hostId,
    server: 'AmazonS3',
    ...headers,
    ...(typeof body === 'object' || isBodyless ? {} : { 'content-length': Buffer.byteLength(body ?? '') }),
  });
  if (typeof body === 'object') {
    // Fails if the client disconnects or the file cannot be read. In the second case, the client sees an incomplete
    // response.
    await pipeline(body, outgoing).catch(() => outgoing.destroy());
    return;
  }
  outgoing.end(isBodyless ? undefined : body);
  // The connection can only be reused once the rest of a refused request is read.
  incoming.resume();
}

async function respond(
  deps: OperationDeps,
  incoming: IncomingMessage,
  ids: { readonly RequestId: string; readonly HostId: string },
): Promise<S3Response> {
  let rules: readonly CorsRule[] | undefined;
  try {
    const request = parseRequest(incoming);
    rules = await deps.store.corsRules(request.bucket);
    if (request.method === 'OPTIONS') return answerPreflight(rules, incoming);
    if (!isForm(request)) verifySignature(request, LOCAL_CREDENTIALS, deps.now());
    return withHeaders(await operate(deps, request), corsHeaders(rules, incoming));
  } catch (error) {
    if (!(error instanceof S3Error) && !incoming.destroyed) console.error('The embedded S3 failed:', error);
    const { code, message, status } = error instanceof S3Error ? error : new S3Error('InternalError');
    const described = { Code: code, Message: message, Resource: incoming.url, ...ids };
    return withHeaders(xmlResponse('Error', described, status), corsHeaders(rules, incoming));
  }
}

const withHeaders = (response: S3Response, headers: Record<string, string>): S3Response => ({
  ...response,
  headers: { ...response.headers, ...headers },
});
