/** Runs `work` over `items`, at most `atOnce` at a time, and answers in their order. The first failure is thrown, after all have ended. */
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
 * Does `work` with each of `items` as they come, at most `atOnce` at a time. A failure of `work` or of `items` is
 * thrown once whatever is under way has ended; nothing more is begun after it.
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
