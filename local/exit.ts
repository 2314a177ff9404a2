import { InterruptedError } from './stop-signal.ts';

const GRACE_MS = 1_000;

/** Ends the process with `code` once its output is written. Forces the end if something keeps the process alive. */
export function exitSoon(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), GRACE_MS).unref();
}

/** Describes an error in one sentence. */
export function describeError(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined };
  const detail = cause instanceof Error && !message.includes(cause.message) ? ` (${cause.message})` : '';
  const sentence = `${message.replace(/\s+/g, ' ').trim() || 'An unknown error occurred'}${detail}`;
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof InterruptedError ? error.exitCode : 1;
}
