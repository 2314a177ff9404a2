import { WiroError } from './errors.ts';

/** The longest that `setTimeout` can wait; asked for more, it would not wait at all. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Waits for what comes before a request is sent, until `endsAt` on the clock of `performance.now()`.
 * @throws {WiroError} When the time is up. What was waited for goes on; its result is nobody's any more.
 */
export async function beforeEnd<T>(endsAt: number | undefined, work: Promise<T>): Promise<T> {
  if (endsAt === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    const fail = () =>
      reject(new WiroError('timeout', 'The time for the call was up before anything was sent'));
    timer = setTimeout(fail, Math.min(Math.max(0, endsAt - performance.now()), MAX_TIMER_MS));
  });
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
