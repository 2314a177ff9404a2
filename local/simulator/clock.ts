/** The simulator's time. It divides every wait, so that a test suite can simulate a day in minutes. */
export interface Clock {
  now(): number;
  /** The simulated milliseconds since `time`, a value of `now`. */
  since(time: number): number;
  /** Converts simulated milliseconds to real ones. */
  real(ms: number): number;
  /** Waits simulated milliseconds. Rejects with the reason if `signal` is aborted. Never settles after `stop`. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** Clears all timers, so that they do not keep the process alive. */
  stop(): void;
}

export function createClock(divisor: number): Clock {
  const timers = new Set<NodeJS.Timeout>();
  let isStopped = false;

  const wait = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (isStopped) return;
      if (signal?.aborted) return reject(signal.reason);
      const cleanUp = () => {
        clearTimeout(timer);
        timers.delete(timer);
        signal?.removeEventListener('abort', abort);
      };
      const abort = () => {
        cleanUp();
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        cleanUp();
        resolve();
      }, ms / divisor);
      timers.add(timer);
      signal?.addEventListener('abort', abort);
    });

  return {
    now: () => Date.now(),
    since: (time) => (Date.now() - time) * divisor,
    real: (ms) => ms / divisor,
    wait,
    stop: () => {
      isStopped = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
