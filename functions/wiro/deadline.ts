import { WiroError } from './errors.ts';

/** The maximum delay of `setTimeout`. With a longer one it fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Limits the work that precedes sending a request.
 * @param endsAt - On the clock of `performance.now()`. Without it there is no limit.
 * @throws {WiroError} At `endsAt`. The work itself continues, and its result is dropped.
 */
export async function beforeEnd<T>(endsAt: number | undefined, work: Promise<T>): Promise<T> {
  if (endsAt === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    const fail = () =>
      reject(new WiroError('timeout', 'The time for the call ran out before anything was sent'));
    timer = setTimeout(fail, Math.min(Math.max(0, endsAt - performance.now()), MAX_TIMER_MS));
  });
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
