import { RequestError } from '../generation/errors.ts';
import { WiroError } from '../wiro/errors.ts';

/**
 * Asks Wiro while a caller waits.
 * @param what - Completes "Wiro could not be asked".
 * @throws {RequestError} `upstream_unavailable`, if Wiro gives no usable answer.
 */
export async function askWiro<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof WiroError)) throw error;
    throw new RequestError(
      'upstream_unavailable',
      `Wiro could not be asked ${what}: ${error.why}. Try again in a while.`,
      undefined,
      true,
    );
  }
}
