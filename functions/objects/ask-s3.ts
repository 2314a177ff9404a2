import { clockAhead, exchange, type HttpAnswer, NoAnswerError } from '../aws/exchange.ts';
import { createRepeat, type Tried } from '../aws/retries.ts';
import { sha256 } from '../aws/sign.ts';
import type { S3Access } from './object-url.ts';
import { type Asked, signedRequest } from './signed-request.ts';
import { elementOf } from './xml.ts';

export interface S3Request extends Omit<Asked, 'payload'> {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** SHA-256 of the body in lower-case hex. @default - the signature covers bytes only where the bucket demands it */
  readonly sha256?: string;
  /** For messages, for example `store "a.mp4"`. */
  readonly purpose: string;
  /** How long S3 may take to answer in full once it has the body. @default - as long as no byte may move */
  readonly answerMs?: number;
  /** Whether a success says what it must. If not, it is as good as no answer. @default - it need not say anything */
  readonly isComplete?: (answer: HttpAnswer) => boolean;
}

/**
 * Asks S3, with the retries of the SDK's client, but not through its middleware: that costs as much processor time as
 * sending the bytes, and loading it as much as copying some hundred megabytes.
 * @throws {S3RefusalError} If S3 refuses. Its `name` is S3's code, as with the SDK's errors.
 * @throws {NoAnswerError} If S3 does not answer.
 */
export type AskS3 = (request: S3Request, signal?: AbortSignal) => Promise<HttpAnswer>;

/** S3 has refused a request. It looks like an error of the SDK (`s3-refusal.ts`). */
export class S3RefusalError extends Error {
  override readonly name: string;
  readonly $fault: 'client' | 'server';
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(name: string, message: string, httpStatusCode: number) {
    super(message);
    this.name = name;
    this.$fault = httpStatusCode < 500 ? 'client' : 'server';
    this.$metadata = { httpStatusCode };
  }
}

/** As many as the SDK's clients make. */
const tries = (): number => Number(process.env.AWS_MAX_ATTEMPTS) || 3;
const CONNECT_MS = 3_000;
const STALL_MS = 30_000;
/** S3's errors have about 500 bytes, and its longest list some hundred thousand. */
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface AskS3Deps extends S3Access {
  /** How long no byte may move, and how long S3 may think once it has all. @default 30,000 */
  readonly stallMs?: number;
}

/** Creates the way to S3 of one container. Connections stay open between invocations. */
export function createAskS3({ stallMs = STALL_MS, ...access }: AskS3Deps = {}): AskS3 {
  const repeat = createRepeat();
  /** How far S3's clock is ahead of this machine's. */
  let aheadMs = 0;
  /** A bucket's policy may deny bodies that are not signed. Signing a part costs another SHA-256 of it. */
  let signsBytes = false;

  async function tryOnce(request: S3Request, signal?: AbortSignal): Promise<Tried<HttpAnswer>> {
    const { body = '', answerMs = stallMs } = request;
    const isSigned = typeof body === 'string' || signsBytes;
    const { sha256: payload = isSigned ? sha256(body) : undefined } = request;
    const signedAheadMs = aheadMs;
    const at = new Date(Date.now() + signedAheadMs);
    const sent = await signedRequest({ ...request, payload }, access, at);
    const limits = { connectMs: CONNECT_MS, answerMs, stallMs, maxAnswerBytes: MAX_ANSWER_BYTES };
    try {
      const answer = await exchange(sent, limits, signal);
      const correctedMs = clockAhead(answer.headers, signedAheadMs);
      if (correctedMs !== undefined) aheadMs = correctedMs;
      const tried = judge(request, answer, correctedMs !== undefined);
      if (payload !== undefined || tried.kind === 'answered' || tried.error.name !== 'AccessDenied')
        return tried;
    } catch (error) {
      if (error instanceof NoAnswerError) return { kind: 'failed', error, fault: 'passing' };
      throw error;
    }
    const again = await tryOnce({ ...request, sha256: sha256(body) }, signal);
    signsBytes ||= again.kind === 'answered';
    return again;
  }

  return async (request, signal) => {
    signal?.throwIfAborted();
    return repeat(() => tryOnce(request, signal), { tries: tries(), ...(signal && { signal }) });
  };
}

const THROTTLED =
  /^(?:SlowDown|BandwidthLimitExceeded|RequestLimitExceeded|Throttling(?:Exception)?|RequestThrottled(?:Exception)?|TooManyRequestsException)$/;
const PASSING: ReadonlySet<string> = new Set(['TimeoutError', 'RequestTimeout', 'RequestTimeoutException']);

function judge(
  { bucket, purpose, isComplete = () => true }: S3Request,
  answer: HttpAnswer,
  isClockCorrected: boolean,
): Tried<HttpAnswer> {
  const { statusCode, headers, text } = answer;
  const isSuccess = statusCode >= 200 && statusCode < 300;
  // S3 may begin to answer before it knows whether it succeeds.
  const isFailure = !isSuccess || text.trimEnd().endsWith('</Error>');
  if (!isFailure && isComplete(answer)) return { kind: 'answered', output: answer };
  const name = textOf('Code') ?? `Status${statusCode}`;
  const region = headers['x-amz-bucket-region'];
  const isElsewhere = statusCode >= 300 && statusCode < 400;
  const why = isElsewhere
    ? `the bucket "${bucket}" is in another region${typeof region === 'string' ? `, ${region}` : ''}`
    : textOf('Message');
  const said = [`S3 answered ${statusCode} ${name}`, why].filter(Boolean).join(': ');
  const message = `Cannot ${purpose}: ${said}`;
  const isThrottled = statusCode === 429 || THROTTLED.test(name);
  const isPassing =
    isSuccess || [500, 502, 503, 504].includes(statusCode) || PASSING.has(name) || isClockCorrected;
  return {
    kind: 'failed',
    error: new S3RefusalError(name, message, statusCode),
    fault: isThrottled ? 'throttled' : isPassing ? 'passing' : 'lasting',
    askedMs: Number(headers['x-amz-retry-after'] ?? Number(headers['retry-after']) * 1_000) || 0,
  };

  function textOf(element: string): string | undefined {
    return isFailure ? elementOf(text, element)?.slice(0, MAX_TEXT) : undefined;
  }
}

const MAX_TEXT = 500;
