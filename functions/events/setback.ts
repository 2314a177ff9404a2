import { NotConfiguredError } from '../aws/not-configured.ts';
import type { Generation } from '../generation/generation.ts';
import type { Setback } from '../generation/transitions/trouble.ts';
import { log } from '../runtime/log.ts';

/** Logs an unexpected error and converts it into a setback, after which the step is retried. */
export function unexpectedSetback(message: string, generationId: string, error: unknown): Setback {
  if (error instanceof NotConfiguredError) {
    reportNotConfigured(error, generationId);
    return { code: 'not_configured', message: `This deployment lacks its secrets: ${error.message}.` };
  }
  log.error(message, { generationId, error });
  return {
    code: 'internal_error',
    message: 'This deployment could not reach one of its own AWS services (its log names the service).',
  };
}

/** Raises an alarm: without its secrets the deployment runs nothing until a person stores them. */
export function reportNotConfigured(error: NotConfiguredError, generationId?: string): void {
  log.error(
    'This deployment lacks its secrets',
    { generationId, why: error.message, alarm: 'not_configured' },
    { FruitlessLooks: 1 },
  );
}

/** Logs a setback. The record shows the same. */
export function logSetback(message: string, { id, trouble, dueAt }: Generation): void {
  if (trouble === undefined) return;
  log.warn(message, { generationId: id, code: trouble.code, tries: trouble.count, nextTryAt: dueAt });
}
