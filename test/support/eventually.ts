import { setTimeout as wait } from 'node:timers/promises';

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;

/**
 * Looks until something is there, with growing pauses, because the awaited work needs the same two cores.
 * @throws If it is not there in time, with what was looked for and the last error.
 */
export async function eventually<Value>(
  what: string,
  find: () => Promise<Value | undefined | false> | Value | undefined | false,
  timeoutMs = 45_000,
): Promise<Value> {
  const endsAt = performance.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    let cause: unknown;
    try {
      const found = await find();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > endsAt)
      throw new Error(`Still waiting for ${what} after ${Math.round(timeoutMs)} ms`, { cause });
    await wait(pauseMs);
  }
}
