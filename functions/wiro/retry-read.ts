import { setTimeout as sleep } from 'node:timers/promises';
import { WiroError } from './errors.ts';

const TRIES = 4;
const PAUSE_MS = 25;

/**
 * Reads again for a moment if Wiro fails. A search reads many pages: without this, one of them would nearly always fail,
 * and an incomplete search proves nothing. Not if Wiro asks to wait, which may be longer than this function lives.
 */
export async function retryRead<T>(read: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read();
    } catch (error) {
      const mayRepeat = error instanceof WiroError && error.retryable && error.retryAfterMs === undefined;
      if (!mayRepeat || tries === TRIES) throw error;
      await sleep(PAUSE_MS * 2 ** tries * (0.5 + Math.random()));
    }
  }
}
