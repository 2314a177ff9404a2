import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { Kept } from './localize.ts';

/** A page that does not read is let go before its messages fill the memory. */
const MOST_WAITING_BYTES = 8 * 1024 ** 2;
const LONGEST_MESSAGE = 16 * 1024 ** 2;

/** Relays Wiro's socket to the page: it names a task by our reference, and never sees the task's token. */
export interface ProgressRelay {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  stop(): void;
}

export function createProgressRelay(tasks: Kept['tasks']): ProgressRelay {
  const server = new WebSocketServer({ noServer: true, maxPayload: 4_096 });

  function follow(page: WebSocket, data: string): void {
    const task = tasks.get(readReference(data));
    if (task === undefined) {
      page.close(4404, 'unknown task');
      return;
    }
    const wiro = new WebSocket(task.socketUrl, { maxPayload: LONGEST_MESSAGE, handshakeTimeout: 10_000 });
    wiro.on('open', () => wiro.send(JSON.stringify({ type: 'task_info', tasktoken: task.token })));
    wiro.on('message', (message, isBinary) => {
      // A realtime model's sound: nothing here plays it.
      if (isBinary) return;
      if (page.bufferedAmount > MOST_WAITING_BYTES) page.terminate();
      else page.send(withoutToken(String(message)));
    });
    wiro.on('error', () => wiro.terminate());
    wiro.on('close', () => page.close());
    page.on('close', () => wiro.terminate());
  }

  server.on('connection', (page) => {
    page.on('error', () => page.terminate());
    page.once('message', (data) => follow(page, String(data)));
  });
  return {
    upgrade: (request, socket, head) =>
      server.handleUpgrade(request, socket, head, (client) => server.emit('connection', client, request)),
    stop: () => {
      for (const page of server.clients) page.terminate();
      server.close();
    },
  };
}

function readReference(data: string): string {
  try {
    const { tasktoken } = JSON.parse(data) as { readonly tasktoken?: unknown };
    return typeof tasktoken === 'string' ? tasktoken : '';
  } catch {
    return '';
  }
}

/** Older messages repeat the token. */
function withoutToken(text: string): string {
  try {
    const { tasktoken: _, ...message } = JSON.parse(text) as Record<string, unknown>;
    return JSON.stringify(message);
  } catch {
    return '';
  }
}
