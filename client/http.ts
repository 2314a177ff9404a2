import { type Problem, UnreachableError, WiroServerlessError } from './api-error.ts';
import type { GenerationError } from './api-types.ts';
import { regionOf, type SignerOptions, signRequest } from './sign.ts';

export interface HttpOptions extends SignerOptions {
  /** @default - the global `fetch` */
  readonly fetch?: typeof fetch;
  /** Tries of a request that is safe to repeat. @default 5 */
  readonly maximumTries?: number;
  /** The time that one try may take, in milliseconds. @default 30_000 */
  readonly timeoutMs?: number;
}

export interface ApiCall {
  readonly method: 'GET' | 'POST';
  /** Path and query, from `/` on. */
  readonly path: string;
  readonly body?: unknown;
  /** Whether the API does the same once when it hears the request twice. */
  readonly isRepeatable: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The pause before the first repeat, in milliseconds. It doubles with each. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
const PASSING: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** Sends requests to the API: signed where there are credentials, and repeated where that is safe. */
export function createHttp(options: HttpOptions): (call: ApiCall) => Promise<unknown> {
  const { fetch: send = fetch, maximumTries = 5, timeoutMs = 30_000 } = options;
  const base = String(options.url).replace(/\/+$/, '');
  if (options.credentials !== undefined) regionOf(options);

  async function once({ method, path, body, signal }: ApiCall): Promise<Response> {
    const limit = AbortSignal.timeout(Math.ceil(timeoutMs));
    const together = signal ? AbortSignal.any([signal, limit]) : limit;
    together.throwIfAborted();
    const aborted = new Promise<never>((_, reject) => {
      together.addEventListener('abort', () => reject(together.reason), { once: true });
    });
    const signed = signRequest(options, `${base}${path}`, {
      method,
      // Elsewhere, nobody may have the request or the session's token; and a POST would become a GET.
      redirect: 'manual',
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    // Credentials may be slow to come.
    return send(await Promise.race([signed, aborted]), { signal: together });
  }

  return async (call) => {
    for (let tries = 1; ; tries += 1) {
      const isLast = tries >= maximumTries || !call.isRepeatable;
      try {
        const response = await once(call);
        const text = await response.text();
        if (response.ok) return readAnswer(response.status, text);
        const error = readError(response.status, text);
        if (isLast || !PASSING.has(response.status) || !error.retryable || isLimitOfDay(error)) throw error;
      } catch (error) {
        call.signal?.throwIfAborted();
        if (error instanceof WiroServerlessError) throw error;
        if (isLast)
          throw new UnreachableError(`Cannot reach the API at ${new URL(base).origin}`, { cause: error });
      }
      await pause(Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS), call.signal);
    }
  };
}

/** It opens again tomorrow. */
const isLimitOfDay = ({ code }: WiroServerlessError): boolean => code === 'daily_limit_reached';

/** @throws {WiroServerlessError} For a page of something in between, such as a proxy or a captive portal. */
function readAnswer(status: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw readError(status, text);
  }
}

function readError(status: number, text: string): WiroServerlessError {
  const error = errorIn(text);
  if (error !== undefined) return new WiroServerlessError(error, { status });
  const remedy =
    status === 403
      ? 'check the credentials, the region, the clock, and that the caller may invoke the function (lambda:InvokeFunctionUrl)'
      : 'the answer is not one of this API: check the URL, and what stands between';
  return new WiroServerlessError(
    { code: `http_${status}`, message: `HTTP ${status}: ${remedy}.`, retryable: PASSING.has(status) },
    { status },
  );
}

function errorIn(text: string): GenerationError | undefined {
  try {
    const { error } = JSON.parse(text) as {
      readonly error?: GenerationError & { readonly problems?: readonly Problem[] };
    };
    return [error, ...(error?.problems ?? [])].every(isProblem) ? error : undefined;
  } catch {
    return undefined;
  }
}

const isProblem = (given: Partial<Problem> | undefined): boolean =>
  typeof given?.code === 'string' && typeof given.message === 'string';

/** @throws The reason of `signal` once it aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
