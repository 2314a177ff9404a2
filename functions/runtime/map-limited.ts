/**
 * Applies `work` to `items`, at most `atOnce` at a time, and returns the results in order. After a failure it starts
 * nothing more, waits for the running work and throws the first failure.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length && failures.length === 0; index = next++) {
      try {
        results[index] = await work(items[index] as T, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}

/**
 * Applies `work` to `items` as they arrive, at most `atOnce` at a time. After a failure of `work` or `items` it starts
 * nothing more, waits for the running work and throws the failure.
 */
export async function forEachLimited<T>(
  items: AsyncIterator<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let isOver = false;
  const worker = async () => {
    while (!isOver) {
      try {
        const next = await items.next();
        if (next.done) isOver = true;
        else await work(next.value);
      } catch (error) {
        isOver = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}
