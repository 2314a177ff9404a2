import { setTimeout as wait } from 'node:timers/promises';

/** Waits 0.1 s, 0.2 s, 0.4 s and so on, varied randomly by up to half. */
export async function pauseBriefly(attempt: number, signal?: AbortSignal): Promise<void> {
  await wait(100 * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, signal && { signal });
}
