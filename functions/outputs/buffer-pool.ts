/** Lends a fixed number of equal buffers. All copies of a container together use no more memory than these. */
export interface BufferPool {
  /** Waits for a free buffer. First come, first served. */
  take(signal: AbortSignal): Promise<Buffer>;
  /** Returns a buffer if one is free now and no other caller waits for it. */
  tryTake(): Buffer | undefined;
  /** Takes back a buffer that nothing uses any more, and lends it again. */
  give(buffer: Buffer): void;
}

/** @param isShared - Whether other threads can read the buffers where they are. @default false */
export function createBufferPool({
  count,
  sizeBytes,
  isShared = false,
}: {
  readonly count: number;
  readonly sizeBytes: number;
  readonly isShared?: boolean;
}): BufferPool {
  const idle: Buffer[] = [];
  const waiting: ((buffer: Buffer) => void)[] = [];
  let lent = 0;

  const create = () =>
    isShared ? Buffer.from(new SharedArrayBuffer(sizeBytes)) : Buffer.allocUnsafeSlow(sizeBytes);

  function lend(): Buffer {
    lent += 1;
    return idle.pop() ?? create();
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (lent < count) return lend();
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      const stopWaiting = () => {
        const position = waiting.indexOf(resolve);
        if (position === -1) return; // a buffer has just been lent
        waiting.splice(position, 1);
        reject(signal.reason);
      };
      waiting.push(resolve);
      signal.addEventListener('abort', stopWaiting, { once: true });
      try {
        return await promise;
      } finally {
        signal.removeEventListener('abort', stopWaiting);
      }
    },

    tryTake: () => (lent < count ? lend() : undefined),

    give(buffer) {
      lent -= 1;
      idle.push(buffer);
      const next = waiting.shift();
      if (next) next(lend());
    },
  };
}
