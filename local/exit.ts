import { InterruptedError } from './stop-signal.ts';

const GRACE_MS = 1_000;

/** Ends the process with `code` once all is written, and soon even if something still keeps it alive. */
export function exitSoon(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), GRACE_MS).unref();
}

/** What went wrong as one sentence for a person. */
export function sentenceOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined };
  const detail = cause instanceof Error && !message.includes(cause.message) ? ` (${cause.message})` : '';
  const sentence = `${message.replace(/\s+/g, ' ').trim() || 'Something went wrong'}${detail}`;
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof InterruptedError ? error.exitCode : 1;
}
