/**
 * Waits for `work` until `signal` aborts, even if the work itself does not stop.
 * @throws The reason of the signal. The later result of the work is dropped.
 */
export async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
    // Ignore a later rejection of the promise that lost the race.
    work.catch(() => {});
    aborted.promise.catch(() => {});
  }
}
