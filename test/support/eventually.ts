import { setTimeout as wait } from 'node:timers/promises';

const PAUSE_MS = 15;

/**
 * Looks again and again until something is there.
 * @throws When it is not there in time, with what was looked for and the last error.
 */
export async function eventually<Value>(
  what: string,
  find: () => Promise<Value | undefined | false> | Value | undefined | false,
  timeoutMs = 45_000,
): Promise<Value> {
  const endsAt = performance.now() + timeoutMs;
  for (let last: unknown; ; ) {
    try {
      const found = await find();
      if (found !== undefined && found !== false) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > endsAt)
      throw new Error(`Still waiting for ${what} after ${timeoutMs} ms`, { cause: last });
    await wait(PAUSE_MS);
  }
}
