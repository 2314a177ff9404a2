import { UnreachableError, WiroServerlessError } from '../client/index.ts';
import { InterruptedError } from './interrupt.ts';
import { plain, plainLines } from './text.ts';

/** How the program ends. `docs/cli.md` lists these. */
export const EXIT = {
  done: 0,
  /** What was asked for did not succeed: a generation failed, or the deployment refused a request. */
  failed: 1,
  /** The command line or a file is wrong. Nothing was started. */
  usage: 2,
  /** No deployment was found or reached, or AWS refused the credentials. */
  unreachable: 3,
} as const;

/** A problem that the user can solve. The program prints only its message. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export const usageError = (message: string): CliError => new CliError(message, EXIT.usage);

export const unreachable = (message: string, cause?: unknown): CliError =>
  new CliError(message, EXIT.unreachable, { cause });

/** Why the program ends, and with which code. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError || error instanceof InterruptedError) return error.exitCode;
  if (error instanceof UnreachableError) return EXIT.unreachable;
  // Not an answer of the API itself: AWS refuses the caller, or something stands between.
  if (error instanceof WiroServerlessError && /^http_(?:403|5\d\d)$/.test(error.code))
    return EXIT.unreachable;
  return EXIT.failed;
}

/** Describes an error to a person, with every problem of a refused request. */
export function describeError(error: unknown): string {
  if (error instanceof WiroServerlessError)
    return error.problems.map(({ message }) => plain(message)).join('\n');
  if (!(error instanceof Error)) return plain(String(error));
  const { cause } = error;
  const reason = cause instanceof Error ? reasonOf(cause) : '';
  // Our own sentences may be several.
  const message =
    (error instanceof CliError ? plainLines(error.message) : plain(error.message)) ||
    'An unknown error occurred';
  const sentence =
    reason === '' || message.includes(reason) ? message : `${message.replace(/\.$/, '')} (${reason})`;
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** The innermost reason: `fetch failed` says nothing, its cause does. */
function reasonOf(error: Error): string {
  const inner = error.cause instanceof Error ? reasonOf(error.cause) : '';
  return inner || plain(error.message) || ('code' in error ? String(error.code) : '');
}
