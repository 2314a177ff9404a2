/** Time as the simulator lives it: every wait is divided, so that a suite can live a day in minutes. */
export interface Clock {
  now(): number;
  /** Simulated milliseconds that passed since a time that `now` gave. */
  since(time: number): number;
  /** Real milliseconds for simulated ones. */
  real(ms: number): number;
  /** Waits simulated milliseconds; rejects with the reason when `signal` is aborted. Never settles after `stop`. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** Forgets every wait, so that nothing keeps the process alive. */
  stop(): void;
}

export function createClock(divisor: number): Clock {
  const timers = new Set<NodeJS.Timeout>();
  let isStopped = false;

  const wait = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (isStopped) return;
      if (signal?.aborted) return reject(signal.reason);
      const over = () => {
        clearTimeout(timer);
        timers.delete(timer);
        signal?.removeEventListener('abort', abort);
      };
      const abort = () => {
        over();
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        over();
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
