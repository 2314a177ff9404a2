import { log } from '../runtime/log.ts';

/** The secrets could not be read, so anyone may have sent this callback. */
export class UnprovenError extends Error {
  override readonly name = 'UnprovenError';
}

/** Converts a failure to read the secrets. */
export async function orUnproven<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw new UnprovenError('The secrets that sign callbacks cannot be read', { cause });
  }
}

/** Logs callbacks that could not be checked: the first at once, later ones as a count every `everyMs`. */
export function createUnprovenLog(everyMs: number, now = Date.now): (error: UnprovenError) => void {
  let callbacks = 0;
  let nextAt = 0;
  return (error) => {
    callbacks += 1;
    if (now() < nextAt) return;
    log.error('Callbacks could not be checked', { callbacks, error });
    callbacks = 0;
    nextAt = now() + everyMs;
  };
}
