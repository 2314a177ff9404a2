import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { LocalService } from '../../local/aws/local-service.ts';
import { holdBack, standBefore } from '../support/stand-before.ts';
import type { DynamoDbFate } from './chaos-plan.ts';

export interface ChaosDynamoDbOptions {
  /** Origin of the DynamoDB behind it. */
  readonly target: string;
  /** @param id - The generation that the request concerns. */
  readonly fateOf: (id: string | undefined, operation: string, body: string) => DynamoDbFate;
  /** Kills the process at the other end. */
  readonly kill: (caller: Socket) => void;
}

/** Stands in front of DynamoDB: throttles, fails, loses answers after the write, and kills callers, as planned. */
export function startChaosDynamoDb({ target, fateOf, kill }: ChaosDynamoDbOptions): Promise<LocalService> {
  return standBefore(target, async (request, response, handOn) => {
    const { socket } = request;
    const body = await buffer(request);
    const text = body.toString('utf8');
    const operation = String(request.headers['x-amz-target'] ?? '')
      .split('.')
      .at(-1);
    switch (fateOf(/"generation#([a-z2-7]{26})"/.exec(text)?.[1], operation ?? '', text)) {
      case 'throttled':
        return refuse(response, 400, 'ProvisionedThroughputExceededException');
      case 'failed':
        return refuse(response, 500, 'InternalServerError');
      case 'killedBefore':
        return kill(socket);
      case 'killedAfter':
        holdBack(response, () => kill(socket));
        break;
      case 'writtenUnanswered':
        holdBack(response, () => socket.resetAndDestroy());
        break;
    }
    handOn(body);
  });
}

function refuse(response: ServerResponse, status: number, type: string): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'As planned' }));
}
