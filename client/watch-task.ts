import type { Generation } from './api-types.ts';
import { readTaskMessage, type TaskMessage } from './task-message.ts';

export interface TaskListener {
  readonly onMessage: (message: TaskMessage) => void;
  readonly onOpen?: () => void;
  /** Called once the task has ended, or the socket has closed. */
  readonly onEnd: () => void;
}

/**
 * Follows a running task on Wiro's socket. The socket only tells: how the generation ends is in its record.
 * @returns Stops following.
 */
export function watchTask(
  { socketUrl, token }: NonNullable<Generation['progress']>,
  { onMessage, onOpen, onEnd }: TaskListener,
): () => void {
  // Node 20 has none: the record is polled all the same.
  if (typeof WebSocket === 'undefined') return () => {};
  const socket = open(socketUrl);
  if (socket === undefined) return () => {};
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    socket.close();
    onEnd();
  };
  socket.addEventListener('open', () => {
    socket.send(JSON.stringify({ type: 'task_info', tasktoken: token }));
    if (!isOver) onOpen?.();
  });
  socket.addEventListener('message', ({ data }) => {
    if (isOver) return;
    const message = readTaskMessage(data);
    if (message === undefined) return;
    onMessage(message);
    if (message.kind === 'stage' && (message.stage === 'finished' || message.stage === 'cancelled')) end();
  });
  socket.addEventListener('close', end);
  socket.addEventListener('error', end);
  return () => {
    isOver = true;
    socket.close();
  };
}

function open(url: string): WebSocket | undefined {
  try {
    return new WebSocket(url);
  } catch {
    return undefined;
  }
}
