import { NotConfiguredError } from '../aws/not-configured.ts';
import type { Generation } from '../generation/generation.ts';
import type { Setback } from '../generation/transitions.ts';
import { log } from '../runtime/log.ts';

/** What an error that nobody foresaw is to its generation: a setback that may pass. Says it in the log. */
export function unexpectedSetback(message: string, generationId: string, error: unknown): Setback {
  if (error instanceof NotConfiguredError) {
    reportNotConfigured(error, generationId);
    return { code: 'not_configured', message: `This deployment lacks its secrets: ${error.message}.` };
  }
  log.error(message, { generationId, error });
  return {
    code: 'internal_error',
    message: 'This deployment could not reach one of its own services (its log says which).',
  };
}

/** Has somebody called: nothing can be run, and it does not pass by itself. */
export function reportNotConfigured(error: NotConfiguredError, generationId?: string): void {
  log.error(
    'This deployment lacks its secrets',
    { generationId, why: error.message, alarm: 'not_configured' },
    { FruitlessLooks: 1 },
  );
}

/** One line for every setback; the record says the same. */
export function logSetback(message: string, { id, trouble, dueAt }: Generation): void {
  if (trouble === undefined) return;
  log.warn(message, { generationId: id, code: trouble.code, tries: trouble.count, nextTryAt: dueAt });
}
