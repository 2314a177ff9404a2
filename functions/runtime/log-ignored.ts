import { log } from './log.ts';

/** Creates a handler for `catch` that logs a harmless failure. `why` says why it is harmless. */
export const logIgnored =
  (why: string, facts: Readonly<Record<string, unknown>> = {}) =>
  (error: unknown): void =>
    log.warn('A call failed, and the failure is harmless', { why, ...facts, error });
