import type { Generation } from './api-types.ts';
import { pause } from './http.ts';
import type { TaskMessage } from './task-message.ts';
import { watchTask } from './watch-task.ts';

export interface WaitOptions {
  /** Stops waiting. The generation continues. */
  readonly signal?: AbortSignal;
  /** Called with the record each time it is read. */
  readonly onRecord?: (generation: Generation) => void;
  /** Called with what Wiro's socket tells while the task runs, where the runtime has `WebSocket` (Node 22, browsers). */
  readonly onProgress?: (message: TaskMessage) => void;
  /** Called when Wiro's socket opens, and when it closes: until another opens, only the record tells of progress. */
  readonly onSocket?: (isOpen: boolean) => void;
  /** The longest pause between two readings of the record, in milliseconds. @default 5_000 */
  readonly maximumPollMs?: number;
}

const FIRST_POLL_MS = 300;

/** Whether a generation has ended. */
export const hasEnded = ({ status }: Pick<Generation, 'status'>): boolean =>
  status === 'succeeded' || status === 'failed' || status === 'cancelled';

/** Reads a generation until it has ended: often at first, and at once when the socket tells of the end. */
export async function waitForEnd(
  read: () => Promise<Generation>,
  { signal, onRecord, onProgress, onSocket, maximumPollMs = 5_000 }: WaitOptions,
): Promise<Generation> {
  let stopWatching: (() => void) | undefined;
  let watched: string | undefined;
  let wake = () => {};
  try {
    for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 1.5, maximumPollMs)) {
      const generation = await read();
      onRecord?.(generation);
      if (hasEnded(generation)) return generation;
      const { progress } = generation;
      // A retry or a requeue has another task, with its own token.
      if (onProgress !== undefined && progress !== undefined && progress.token !== watched) {
        stopWatching?.();
        watched = progress.token;
        stopWatching = watchTask(progress, {
          onMessage: onProgress,
          ...(onSocket && { onOpen: () => onSocket(true) }),
          onEnd: () => {
            onSocket?.(false);
            pauseMs = FIRST_POLL_MS;
            wake();
          },
        });
      }
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const sleeping = new AbortController();
      const together = signal ? AbortSignal.any([signal, sleeping.signal]) : sleeping.signal;
      const slept = pause(Math.min(pauseMs, maximumPollMs), together).catch(() => signal?.throwIfAborted());
      await Promise.race([slept, woken]);
      sleeping.abort();
    }
  } finally {
    stopWatching?.();
  }
}
