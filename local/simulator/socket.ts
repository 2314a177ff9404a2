import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Faults } from './faults.ts';
import { type SimulatedTask, subjectOf, type TaskStore } from './tasks.ts';

/** Sends a task's live messages to its listeners. New listeners do not receive earlier messages. */
export interface SocketHub {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  emit(task: SimulatedTask, type: string, message?: unknown): void;
  hasListeners(task: SimulatedTask): boolean;
  connections(): number;
  stop(): void;
}

export function createSocketHub({ tasks, faults }: { tasks: TaskStore; faults: Faults }): SocketHub {
  const server = new WebSocketServer({ noServer: true });
  /** By task token. The number is how many more messages pass before a fault drops the connection. */
  const listeners = new Map<string, Map<WebSocket, number>>();

  function register(socket: WebSocket, data: string): void {
    const token = readToken(data);
    if (token === undefined) return;
    const task = tasks.find(token);
    const fault = faults.take('socket', task ? subjectOf(task) : {}, ({ kind }) => kind === 'drops');
    const left = fault?.kind === 'drops' ? (fault.afterMessages ?? 0) : Number.POSITIVE_INFINITY;
    if (left === 0) {
      socket.terminate();
      return;
    }
    const sockets = listeners.get(token) ?? new Map<WebSocket, number>();
    listeners.set(token, sockets.set(socket, left));
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) listeners.delete(token);
    });
  }

  server.on('connection', (socket) => {
    socket.on('message', (data) => register(socket, String(data)));
    socket.on('error', () => socket.terminate());
  });

  return {
    upgrade: (request, socket, head) => {
      if (faults.take('socket', {}, ({ kind }) => kind === 'refused')) {
        socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
        return;
      }
      server.handleUpgrade(request, socket, head, (client) => server.emit('connection', client, request));
    },
    emit: (task, type, message = null) => {
      const sockets = listeners.get(task.token);
      if (!sockets) return;
      const text = JSON.stringify({ type, id: task.id, tasktoken: task.token, message, result: true });
      for (const [socket, left] of sockets) {
        socket.send(text, () => left === 1 && socket.terminate());
        if (left === 1) sockets.delete(socket);
        else sockets.set(socket, left - 1);
      }
    },
    hasListeners: (task) => listeners.has(task.token),
    connections: () => server.clients.size,
    stop: () => {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}

function readToken(data: string): string | undefined {
  try {
    const message: unknown = JSON.parse(data);
    if (typeof message !== 'object' || message === null) return undefined;
    const { type, tasktoken } = message as Record<string, unknown>;
    return type === 'task_info' && typeof tasktoken === 'string' ? tasktoken : undefined;
  } catch {
    return undefined;
  }
}
