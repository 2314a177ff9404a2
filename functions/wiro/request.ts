import type { Clock } from '../generation/time.ts';
import { type Answer, parseAnswer, quote, type Refusal } from './answers/parse-answer.ts';
import { type Fields, present } from './answers/values.ts';
import { beforeEnd } from './deadline.ts';
import { WiroError, type WiroErrorDetails, type WiroErrorKind } from './errors.ts';
import { type LargeAnswer, type PostRequest, type PostResult, type PostTimeouts, post } from './http.ts';
import { createRedaction, type Redaction } from './redact.ts';
import { meaningOf } from './refusal.ts';
import { createNonces, sign, type WiroCredentials } from './sign.ts';

export interface RequestDeps {
  /** Base of the API, ending in `/v1`; `http:` too, for a simulator. */
  readonly apiUrl: string;
  readonly credentials: () => Promise<WiroCredentials>;
  readonly now: Clock;
}

/** A request that is ready to be sent, and what must be taken out of every text that comes back. */
export interface SignedRequest {
  readonly send: (
    body: PostRequest['body'],
    contentType: string,
    timeouts: PostTimeouts,
  ) => Promise<PostResult>;
  readonly redact: Redaction;
  /** The credentials it was signed with, for who redacts on. */
  readonly secrets: readonly (string | undefined)[];
}

/** Signs requests, each with a nonce of its own. */
export type SignRequest = (path: string, options?: RequestOptions) => Promise<SignedRequest>;

export interface RequestOptions {
  /** When the whole call must be over, on the clock of `performance.now()`. */
  readonly endsAt?: number | undefined;
  /** For calls whose answers may be of any size. */
  readonly large?: LargeAnswer;
  /** What the request holds and no message may: a token, a callback URL. */
  readonly secrets?: readonly (string | undefined)[];
}

export function createSignRequest({ apiUrl, credentials, now }: RequestDeps): SignRequest {
  const base = parseApiUrl(apiUrl);
  const nextNonce = createNonces(now);
  return async (path, { endsAt, large, secrets = [] } = {}) => {
    const { apiKey, apiSecret } = await beforeEnd(endsAt, credentials());
    const headers = sign({ apiKey, ...present({ apiSecret }) }, nextNonce());
    return {
      secrets: [apiKey, apiSecret],
      redact: createRedaction([apiKey, apiSecret, headers['x-signature'], ...secrets]),
      send: (body, contentType, timeouts) =>
        post({
          url: new URL(`${base}/${path}`),
          headers: { ...headers, accept: 'application/json', 'content-type': contentType },
          body,
          timeouts,
          ...present({ endsAt, large }),
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

/** What an answer that means something says: yes, or no with the reason. */
export type Reply =
  /** `text` is what was parsed. */
  | { readonly kind: 'accepted'; readonly fields: Fields; readonly text: string }
  | { readonly kind: 'refused'; readonly error: WiroError };

/**
 * Reads the result of any call but a Run.
 * @throws {WiroError} When there is no answer that means something.
 */
export function readReply(result: PostResult, path: string, redact: Redaction): Reply {
  const error = (kind: WiroErrorKind, why: string, details?: WiroErrorDetails) =>
    new WiroError(kind, `Cannot call Wiro's ${path}: ${why}`, { ...details, why });
  if (result.kind === 'failed') throw error(result.failure, result.message, present({ cause: result.cause }));

  const { status } = result;
  const answer = parseAnswer(result.text);
  if (status < 200 || status > 299) {
    const kind = kindOf(status, answer);
    const said = saidIn(answer, redact);
    const refusal = answer.kind === 'refused' ? answer.refusals[0] : undefined;
    throw error(kind, `it answered ${status}${said && `: ${said}`}`, {
      status,
      ...present({ code: refusal?.code }),
      // What is not Wiro's own answer is a gateway's, and may pass; but what is too large for it stays so.
      ...((status >= 500 || (answer.kind === 'unreadable' && kind === 'status' && status !== 413)) && {
        retryable: true,
      }),
      isRefusal: kind === 'status' && status < 500 && refusesWhatWasSent(answer),
    });
  }
  switch (answer.kind) {
    case 'accepted':
      return { ...answer, text: result.text };
    case 'unreadable':
      throw error('badAnswer', 'it answered something that is no answer of its API');
    case 'refused': {
      const [first] = answer.refusals;
      const why = `it says: ${saidIn(answer, redact) || 'nothing more'}`;
      const isRefusal = refusesWhatWasSent(answer);
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
  // As with 200: nothing but funds helps.
  const isBalance =
    status < 500 &&
    answer.kind === 'refused' &&
    answer.refusals.some((refusal) => meaningOf(refusal).kind === 'insufficientBalance');
  return isBalance ? 'insufficientBalance' : 'status';
}

const NOT_OF_WHAT_WAS_SENT: ReadonlySet<string> = new Set([
  'unauthorized',
  'insufficientBalance',
  'concurrencyLimit',
]);

const refusesWhatWasSent = (answer: Answer): boolean =>
  answer.kind === 'refused' &&
  !answer.refusals.some((refusal) => NOT_OF_WHAT_WAS_SENT.has(meaningOf(refusal).kind));

const saidIn = (answer: Answer, redact: Redaction): string =>
  answer.kind === 'refused' ? quote(answer.refusals, redact) : '';

function refusalError(
  refusal: Refusal = { message: '' },
  error: (kind: WiroErrorKind, details: WiroErrorDetails) => WiroError,
): WiroError {
  const meaning = meaningOf(refusal);
  const code = present({ code: refusal.code });
  if (meaning.kind === 'open') return error('refused', { ...code, retryable: true }); // a server error may pass
  return error(meaning.kind, { ...code, ...present({ field: meaning.field }) });
}
