import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { closeServer, type LocalService, listenLocally } from '../local/aws/local-service.ts';

/** The running generation that the table has. */
export const RUNNING = 'a'.repeat(26);
export const SECRET = 'secret';

const AT = { S: '2026-11-28T00:00:00.000Z' };
const STATE = {
  pk: { S: `generation#${RUNNING}` },
  sk: { S: 'state' },
  version: { N: '1' },
  revision: { N: '3' },
  id: { S: RUNNING },
  deployment: { S: 'bench' },
  origin: { S: 'api' },
  model: { S: 'wiro/flux' },
  requestHash: { S: 'h'.repeat(64) },
  attempt: { N: '1' },
  createdAt: AT,
  updatedAt: AT,
  dueAt: AT,
  looks: { N: '0' },
  announcements: { L: [] },
  pastAttempts: { L: [] },
  status: { S: 'running' },
  run: { M: { startedAt: AT, reusedUploads: { BOOL: false }, searches: { N: '0' } } },
  task: { M: { id: { S: '123' }, token: { S: 't' } } },
  emptyReads: { N: '0' },
};
const SCHEMA = {
  readAt: { S: new Date().toISOString() },
  body: {
    S: JSON.stringify({
      kind: 'model',
      modelKind: 'plain',
      prices: [],
      schema: {
        parameters: [
          { id: 'inputImage', type: 'fileinput', required: false },
          { id: 'prompt', type: 'textarea', required: false },
        ],
      },
    }),
  },
};

/** Starts what functions call when they answer: SSM, DynamoDB, Lambda and S3, each with the same answer for everybody. */
export async function startColdAws(): Promise<LocalService> {
  const server = createServer(async (request, response) => {
    const { status = 200, body = '', headers = {} } = answer(request, await text(request));
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', ...headers });
    response.end(body);
  });
  const endpoint = await listenLocally(server, 0);
  return { endpoint, stop: () => closeServer(server) };
}

interface Answer {
  readonly status?: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function answer({ method, headers, url = '' }: IncomingMessage, body: string): Answer {
  if (method === 'HEAD')
    return { headers: { etag: '"e"', 'content-length': '5', 'content-type': 'image/png' } };
  if (url.includes('/invocations')) return { status: 202 };
  const operation = String(headers['x-amz-target']).split('.').at(-1);
  return { body: JSON.stringify(result(operation, JSON.parse(body))) };
}

function result(operation: string | undefined, asked: Readonly<Record<string, unknown>>): object {
  switch (operation) {
    case 'GetParameters':
      return { Parameters: (asked.Names as string[]).map((Name) => ({ Name, Value: parameterOf(Name) })) };
    case 'GetItem': {
      const { pk, sk } = asked.Key as Record<'pk' | 'sk', { S: string }>;
      if (pk.S === STATE.pk.S && sk.S === 'state') return { Item: STATE };
      return sk.S === 'schema' ? { Item: SCHEMA } : {};
    }
    case 'UpdateItem':
      return { Attributes: STATE };
    case 'Query':
      return { Items: [] };
    default:
      return {};
  }
}

const parameterOf = (name: string): string =>
  name.endsWith('callback-secret') ? SECRET : 'https://bench.example';
