import { log } from './log.ts';

/** For `catch`: a failure that loses nothing, and why; it is logged. */
export const logIgnored =
  (why: string, facts: Readonly<Record<string, unknown>> = {}) =>
  (error: unknown): void =>
    log.warn('A call failed that may be ignored', { why, ...facts, error });
