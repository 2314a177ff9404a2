/**
 * Waits for work only until `signal` is aborted, even if the work itself does not stop.
 * @throws The reason of the signal. The result of what goes on after that is dropped.
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
    // Of the two, one is not waited for any more; its failure is nobody's.
    work.catch(() => {});
    aborted.promise.catch(() => {});
  }
}
