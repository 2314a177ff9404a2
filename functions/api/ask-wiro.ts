import { RequestError } from '../generation/errors.ts';
import { explainUnauthorized } from '../intake/explain-unauthorized.ts';
import { WiroError } from '../wiro/errors.ts';

/**
 * Asks Wiro while a caller waits.
 * @param what - Completes "Wiro could not be asked".
 * @throws {RequestError} `upstream_unauthorized` if Wiro does not accept the key, `upstream_unavailable` if it gives no
 *   usable answer.
 */
export async function askWiro<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof WiroError)) throw error;
    if (error.kind === 'unauthorized')
      throw new RequestError('upstream_unauthorized', explainUnauthorized(error), undefined, true);
    throw new RequestError(
      'upstream_unavailable',
      `Wiro could not be asked ${what}: ${withoutStop(error.why)}. Try again in a while.`,
      undefined,
      true,
    );
  }
}

/** Wiro's own sentences end in a full stop. */
const withoutStop = (why: string): string => why.replace(/\.$/, '');
