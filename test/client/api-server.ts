import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';

export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** `reset`: the connection breaks before an answer. */
export type Answer =
  | 'reset'
  | {
      readonly status: number;
      readonly body?: unknown;
      readonly text?: string;
      readonly bytes?: Buffer;
      readonly location?: string;
    };

/** A server that gives these answers, one after the other, and the last one for ever. */
export async function serveAnswers(...answers: readonly Answer[]) {
  const heard: Heard[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const answer = answers[Math.min(heard.length, answers.length - 1)] ?? 'reset';
    heard.push({
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    });
    if (answer === 'reset') request.socket.destroy();
    else
      response
        .writeHead(answer.status, {
          'content-type': 'application/json',
          ...(answer.location !== undefined && { location: answer.location }),
        })
        .end(answer.bytes ?? answer.text ?? JSON.stringify(answer.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}
