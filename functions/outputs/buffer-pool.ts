/** Lends a fixed number of equal buffers, so that all copies of a container together stay within it. */
export interface BufferPool {
  /** Waits until one is free; first come, first served. */
  take(signal: AbortSignal): Promise<Buffer>;
  /** One that is free at once and that nobody waits for. */
  tryTake(): Buffer | undefined;
  /** @param isIdle - Whether nothing can still be reading it; otherwise it is left to the collector. */
  give(buffer: Buffer, isIdle: boolean): void;
}

export function createBufferPool({ count, sizeBytes }: { count: number; sizeBytes: number }): BufferPool {
  const idle: Buffer[] = [];
  const waiting: ((buffer: Buffer) => void)[] = [];
  let lent = 0;

  function lend(): Buffer {
    lent += 1;
    return idle.pop() ?? Buffer.allocUnsafeSlow(sizeBytes);
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (lent < count) return lend();
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      const stopWaiting = () => {
        const place = waiting.indexOf(resolve);
        if (place === -1) return; // just served
        waiting.splice(place, 1);
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

    give(buffer, isIdle) {
      lent -= 1;
      if (isIdle) idle.push(buffer);
      const next = waiting.shift();
      if (next) next(lend());
    },
  };
}
