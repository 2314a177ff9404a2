import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { LocalService } from '../../local/aws/local-service.ts';
import { changeText, holdBack, standBefore } from '../support/stand-before.ts';
import type { Place } from './calls.ts';
import { NAMED_BY_BODY, nameOperation, type Service } from './name-operation.ts';

export interface RecordingProxyOptions {
  readonly service: Service;
  /** Origin of what it stands in front of. */
  readonly target: string;
  /** Notes a call, by what `nameOperation` calls it. @returns Where its caller is to be killed, if at all. */
  readonly onCall: (operation: string) => Place | undefined;
  /** Kills the process at the other end. */
  readonly kill: (caller: Socket) => void;
  /** Gets every request of which an answer came through, and how it was answered. */
  readonly onAnswer?: (exchange: Exchange) => void;
  /** Replaces texts in answers, such as the addresses of other hosts. */
  readonly rewrite?: (answer: string) => string;
}

/** One request and the status that answered it. */
export interface Exchange {
  readonly service: Service;
  readonly request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>;
  /** Of the services that are named by it. */
  readonly body: Buffer | undefined;
  readonly statusCode: number;
}

/** Stands between one function and one service: names every call, and kills the caller at one of them. */
export function startRecordingProxy({
  service,
  target,
  onCall,
  kill,
  onAnswer,
  rewrite,
}: RecordingProxyOptions): Promise<LocalService> {
  return standBefore(target, async (request, response, handOn) => {
    const body = NAMED_BY_BODY.has(service) ? await buffer(request) : undefined;
    const { socket } = request;
    // By a link it is Wiro that calls, which nobody kills.
    const isByLink = request.url?.includes('X-Amz-Signature=');
    const place = isByLink ? undefined : onCall(nameOperation(service, request, body));
    // The connection of a killed caller is left to the system: it must not learn of its end before it dies.
    if (place === 'undelivered') return kill(socket);
    if (place === 'unanswered') holdBack(response, () => kill(socket));
    else if (rewrite) changeText(response, rewrite);
    if (place === 'answered') response.once('finish', () => kill(socket));
    if (onAnswer)
      response.once('close', () => {
        if (response.headersSent) onAnswer({ service, request, body, statusCode: response.statusCode });
      });
    handOn(body);
  });
}
