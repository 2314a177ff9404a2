import { plain } from '../text.ts';

/** What a check found. Contains no secret and no signed URL. */
export interface Judgement {
  readonly status: 'ok' | 'wrong' | 'unchecked';
  readonly message: string;
  /** What to do. */
  readonly remedy?: string;
}

export interface Finding extends Judgement {
  readonly check: string;
}

export interface Check {
  readonly name: string;
  run(signal: AbortSignal): Promise<Judgement>;
}

export const ok = (message: string): Judgement => ({ status: 'ok', message });
export const wrong = (message: string, remedy: string): Judgement => ({ status: 'wrong', message, remedy });
export const unchecked = (message: string, remedy?: string): Judgement => ({
  status: 'unchecked',
  message,
  ...(remedy !== undefined && { remedy }),
});

/** How long one check may take. */
const CHECK_MS = 10_000;

export interface RunChecksOptions {
  readonly signal?: AbortSignal;
  /** @default 10,000 */
  readonly checkMs?: number;
}

/** Runs all checks side by side. One that does not end in time, or fails, is a finding. */
export const runChecks = (
  checks: readonly Check[],
  { signal, checkMs = CHECK_MS }: RunChecksOptions = {},
): Promise<readonly Finding[]> =>
  Promise.all(
    checks.map(async ({ name, run }) => {
      const limit = AbortSignal.timeout(checkMs);
      const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
      try {
        return { check: name, ...(await Promise.race([run(either), whenAborted(either)])) };
      } catch (error) {
        signal?.throwIfAborted();
        return { check: name, ...judgeFailure(error, limit.aborted ? checkMs : undefined) };
      }
    }),
  );

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** AWS refused a call. Its message contains no part of the request. */
export class AwsRefusal extends Error {
  override readonly name = 'AwsRefusal';
  readonly isDenied: boolean;
  readonly isThrottled: boolean;

  /** The right that the call needs, such as `ssm:GetParameters`. */
  readonly action: string;

  constructor(action: string, status: number, code: string) {
    super(`AWS answered ${action} with ${[status, code].filter(Boolean).join(' ')}`);
    this.action = action;
    this.isDenied = /AccessDenied|Unauthorized|Forbidden|AuthorizationError/.test(code) || status === 403;
    this.isThrottled = /Throttl|TooMany/.test(code) || status === 429;
  }
}

function judgeFailure(error: unknown, timedOutMs: number | undefined): Judgement {
  if (timedOutMs !== undefined)
    return wrong(
      `no answer within ${timedOutMs / 1_000} s`,
      'Check the network and any proxy between, and repeat.',
    );
  if (error instanceof AwsRefusal) {
    if (error.isDenied)
      return unchecked(
        `AWS denies ${error.action}`,
        `Allow ${error.action} to these credentials to check it.`,
      );
    if (error.isThrottled) return unchecked(`AWS throttles ${error.action}`, 'Repeat in a minute.');
    return wrong(error.message, 'Read the AWS console for this resource, or deploy the stack again.');
  }
  return wrong(`not reached: ${reasonOf(error)}`, 'Check the address, the network and any proxy between.');
}

/** Why a request failed, without its URL. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  const inner = error.cause instanceof Error ? reasonOf(error.cause) : '';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return inner || code || withoutUrls(plain(error.message));
}

/** A text from outside, without what follows the host of a URL. */
export const withoutUrls = (text: string): string =>
  text.replace(/((?:https?|wss?):\/\/[^\s/"'<>?#]+)[^\s"'<>]*/gi, '$1/…').slice(0, 300);
