import {
  Agent,
  createServer,
  type IncomingMessage,
  request as requestOf,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { closeServer, type LocalService, listenLocally } from '../../local/aws/local-service.ts';
import type { DynamoDbFate } from './chaos-plan.ts';

export interface ChaosDynamoDbOptions {
  /** Origin of the DynamoDB behind it. */
  readonly target: string;
  /** @param id - The generation that the request concerns. */
  readonly fateOf: (id: string | undefined, operation: string) => DynamoDbFate;
  /** Kills the process at the other end. */
  readonly kill: (caller: Socket) => void;
}

/** Stands in front of DynamoDB: throttles, fails, loses answers after the write, and kills callers, as planned. */
export async function startChaosDynamoDb(options: ChaosDynamoDbOptions): Promise<LocalService> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((request, response) => {
    serve(options, agent, request, response).catch(() => response.destroy());
  });
  const endpoint = await listenLocally(server, 0);
  return {
    endpoint,
    stop: async () => {
      await closeServer(server);
      agent.destroy();
    },
  };
}

async function serve(
  { target, fateOf, kill }: ChaosDynamoDbOptions,
  agent: Agent,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await buffer(request);
  const operation = String(request.headers['x-amz-target'] ?? '')
    .split('.')
    .at(-1);
  const fate = fateOf(/"generation#([a-z2-7]{26})"/.exec(body.toString('utf8'))?.[1], operation ?? '');
  switch (fate) {
    case 'throttled':
      return refuse(response, 400, 'ProvisionedThroughputExceededException');
    case 'failed':
      return refuse(response, 500, 'InternalServerError');
    case 'killedBefore':
      return kill(request.socket);
  }
  const answer = await forward(target, agent, request, body);
  const answered = await buffer(answer);
  if (fate === 'killedAfter') return kill(request.socket);
  if (fate === 'writtenUnanswered') return void request.socket.resetAndDestroy();
  response.writeHead(answer.statusCode ?? 502, { ...answer.headers, connection: 'keep-alive' });
  response.end(answered);
}

function refuse(response: ServerResponse, status: number, type: string): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'As planned' }));
}

function forward(
  target: string,
  agent: Agent,
  { method = 'POST', url = '/', headers }: IncomingMessage,
  body: Buffer,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    requestOf(new URL(url, target), { method, agent, headers: { ...headers, connection: 'keep-alive' } })
      .once('response', resolve)
      .once('error', reject)
      .end(body);
  });
}
