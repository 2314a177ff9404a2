import type { Clock } from '../generation/time.ts';
import { type Answer, NO_REASON, parseAnswer, quote, type Refusal } from './answers/parse-answer.ts';
import { type Fields, omitUndefined } from './answers/values.ts';
import { beforeEnd } from './deadline.ts';
import { WiroError, type WiroErrorDetails, type WiroErrorKind } from './errors.ts';
import { type LargeAnswer, type PostRequest, type PostResult, type PostTimeouts, post } from './http.ts';
import { createRedaction, type Redaction } from './redact.ts';
import { meaningOf } from './refusal.ts';
import { createNonces, sign, type WiroCredentials } from './sign.ts';

export interface RequestDeps {
  /** The API's base URL, ending in `/v1`. A simulator may use `http:`. */
  readonly apiUrl: string;
  readonly credentials: () => Promise<WiroCredentials>;
  readonly now: Clock;
}

/** A request that is ready to send, and the redaction that every text in its answer needs. */
export interface SignedRequest {
  readonly send: (
    body: PostRequest['body'],
    contentType: string,
    timeouts: PostTimeouts,
  ) => Promise<PostResult>;
  readonly redact: Redaction;
  /** The credentials it was signed with, for further redaction. */
  readonly secrets: readonly (string | undefined)[];
}

/** Signs a request with a new nonce. */
export type SignRequest = (path: string, options?: RequestOptions) => Promise<SignedRequest>;

export interface RequestOptions {
  /** The deadline of the whole call, on the clock of `performance.now()`. */
  readonly endsAt?: number | undefined;
  /** For a call whose answer may have any size. */
  readonly large?: LargeAnswer;
  /** Parts of the request that no message may contain: a token, a callback URL. */
  readonly secrets?: readonly (string | undefined)[];
}

export function createSignRequest({ apiUrl, credentials, now }: RequestDeps): SignRequest {
  const base = parseApiUrl(apiUrl);
  const nextNonce = createNonces(now);
  return async (path, { endsAt, large, secrets = [] } = {}) => {
    const { apiKey, apiSecret } = await beforeEnd(endsAt, credentials());
    const headers = sign({ apiKey, ...omitUndefined({ apiSecret }) }, nextNonce());
    return {
      secrets: [apiKey, apiSecret],
      redact: createRedaction([apiKey, apiSecret, headers['x-signature'], ...secrets]),
      send: (body, contentType, timeouts) =>
        post({
          url: new URL(`${base}/${path}`),
          headers: { ...headers, accept: 'application/json', 'content-type': contentType },
          body,
          timeouts,
          ...omitUndefined({ endsAt, large }),
        }),
    };
  };
}

function parseApiUrl(apiUrl: string): string {
  const url = URL.canParse(apiUrl) ? new URL(apiUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password)
    throw new Error(
      'The URL of the Wiro API must be a plain http or https URL, for example https://api.wiro.ai/v1',
    );
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** A readable answer of Wiro's. */
export type Reply =
  /** `text` is the JSON that `fields` were parsed from. */
  | { readonly kind: 'accepted'; readonly fields: Fields; readonly text: string }
  | { readonly kind: 'refused'; readonly error: WiroError };

/**
 * Reads the result of any call except Run.
 * @throws {WiroError} If there is no readable answer.
 */
export function readReply(result: PostResult, path: string, redact: Redaction): Reply {
  const error = (kind: WiroErrorKind, why: string, details?: WiroErrorDetails) =>
    new WiroError(kind, `Cannot call Wiro's ${path}: ${why}`, { ...details, why });
  if (result.kind === 'failed')
    throw error(result.failure, result.message, omitUndefined({ cause: result.cause }));

  const { status } = result;
  const answer = parseAnswer(result.text);
  if (status < 200 || status > 299) {
    const kind = kindOf(status, answer);
    const said = quoteErrors(answer, redact);
    const refusal = answer.kind === 'refused' ? answer.refusals[0] : undefined;
    throw error(kind, `it answered ${status}${said && `: ${said}`}`, {
      status,
      ...omitUndefined({ code: refusal?.code, retryAfterMs: result.retryAfterMs }),
      // An unreadable answer comes from a gateway, and a retry may succeed. A 413 stays: the request is too large.
      ...((status >= 500 || (answer.kind === 'unreadable' && kind === 'status' && status !== 413)) && {
        retryable: true,
      }),
      isRefusal: kind === 'status' && status < 500 && isContentRefused(answer),
    });
  }
  switch (answer.kind) {
    case 'accepted':
      return { ...answer, text: result.text };
    case 'unreadable':
      throw error('badAnswer', 'the body it returned is not an answer of its API');
    case 'refused': {
      const [first] = answer.refusals;
      const why = `it says: ${quoteErrors(answer, redact) || NO_REASON}`;
      const isRefusal = isContentRefused(answer);
      return {
        kind: 'refused',
        error: refusalError(first, (kind, details) => error(kind, why, { ...details, isRefusal })),
      };
    }
  }
}

function kindOf(status: number, answer: Answer): WiroErrorKind {
  if (status === 401) return 'unauthorized';
  if (status === 429) return 'busy';
  // Code 97 means the same under any status below 500.
  const isBalance =
    status < 500 &&
    answer.kind === 'refused' &&
    answer.refusals.some((refusal) => meaningOf(refusal).kind === 'insufficientBalance');
  return isBalance ? 'insufficientBalance' : 'status';
}

/** Refusals that do not concern the content sent. */
const UNRELATED_TO_CONTENT: ReadonlySet<string> = new Set([
  'unauthorized',
  'insufficientBalance',
  'concurrencyLimit',
]);

const isContentRefused = (answer: Answer): boolean =>
  answer.kind === 'refused' &&
  !answer.refusals.some((refusal) => UNRELATED_TO_CONTENT.has(meaningOf(refusal).kind));

const quoteErrors = (answer: Answer, redact: Redaction): string =>
  answer.kind === 'refused' ? quote(answer.refusals, redact) : '';

function refusalError(
  refusal: Refusal = { message: '' },
  error: (kind: WiroErrorKind, details: WiroErrorDetails) => WiroError,
): WiroError {
  const meaning = meaningOf(refusal);
  const code = omitUndefined({ code: refusal.code });
  if (meaning.kind === 'open') return error('refused', { ...code, retryable: true }); // it may be a transient server error
  return error(meaning.kind, { ...code, ...omitUndefined({ field: meaning.field }) });
}
