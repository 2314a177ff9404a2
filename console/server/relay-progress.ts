import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { createRedaction } from '../../functions/wiro/redact.ts';
import type { Kept } from './localize.ts';

/** A page that does not read is let go before its messages fill the memory. */
const MOST_WAITING_BYTES = 8 * 1024 ** 2;
const LONGEST_MESSAGE = 16 * 1024 ** 2;
/** The page shows no longer line. */
const LONGEST_TEXT = 10_000;

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
      else page.send(withoutSecrets(String(message), task.token));
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

/**
 * Removes what others could use: the token, which older messages repeat, and signatures and links to results, which a
 * model may write to its log. A language model's answer keeps its links.
 */
function withoutSecrets(text: string, token: string): string {
  const redact = createRedaction([token], LONGEST_TEXT);
  try {
    const { tasktoken: _, ...fields } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const isAnswer = Array.isArray((fields.message as { readonly segments?: unknown } | null)?.segments);
    return JSON.stringify(fields, (_, value: unknown) => {
      if (typeof value !== 'string') return value;
      return isAnswer ? value.replaceAll(token, '…') : redact(value);
    });
  } catch {
    return '';
  }
}
