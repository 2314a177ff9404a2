import { setTimeout as sleep } from 'node:timers/promises';
import { parseJson } from '../runtime/json.ts';
import { EndpointError, type Service } from './endpoint.ts';
import { saidIn } from './said.ts';
import { type SignedPost, signedPost } from './signed-post.ts';

// The functions make one kind of call each to SSM, Lambda and EventBridge. Their SDK clients would add more to a cold
// start than everything else that `callback` loads.

export interface AwsAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The parsed JSON, or `undefined` if the body is not JSON. */
  readonly body: unknown;
}

/** A failed call to an AWS service. Its message contains no part of what was sent, and so no secret. */
export class AwsCallError extends Error {
  override readonly name = 'AwsCallError';
}

const TRIES = 3;
const ANSWER_MS = 5_000;

/** The longest pause before a throttled call is repeated. On average it is half as long. */
const LONGEST_PAUSE_MS = 2_000;

/**
 * Sends one signed POST to an AWS service. Tries up to three times, unless the service refuses the call.
 * @param answerMs - How long each try waits for the answer, in milliseconds. @default 5,000
 * @param throttledMs - How long a throttled call is repeated, in milliseconds. @default - three tries
 * @throws {AwsCallError} If the service cannot be reached or refuses the call.
 * @throws {EndpointError} If the environment demands an endpoint that does not exist.
 */
export async function callAws(
  service: Service,
  request: SignedPost,
  {
    throttledMs = 0,
    answerMs = ANSWER_MS,
  }: { readonly throttledMs?: number; readonly answerMs?: number } = {},
): Promise<AwsAnswer> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    let failure: AwsCallError;
    let isThrottled = false;
    try {
      const { statusCode, headers, text, isClockCorrected } = await signedPost(service, request, {
        answerMs,
      });
      const answer = { statusCode, headers, body: parseJson(text) };
      if (answer.statusCode < 300) return answer;
      failure = new AwsCallError(`${service.name} answered ${answer.statusCode} ${explain(answer)}`.trim());
      isThrottled = answer.statusCode === 429 || /Throttl|TooMany|LimitExceeded/.test(errorName(answer));
      if (answer.statusCode < 500 && !isThrottled && !isClockCorrected) throw failure;
    } catch (cause) {
      if (cause instanceof AwsCallError || cause instanceof EndpointError) throw cause;
      failure = new AwsCallError(`${service.name} could not be reached`, { cause });
    }
    const hasTurnLeft = isThrottled && performance.now() - startedAt < throttledMs;
    if (attempt >= TRIES && !hasTurnLeft) throw failure;
    // The pause is random, so that callers that were throttled together do not return together.
    await sleep(
      isThrottled && throttledMs > 0
        ? Math.random() * Math.min(100 * 2 ** attempt, LONGEST_PAUSE_MS)
        : 50 * 4 ** attempt * (0.5 + Math.random()),
    );
  }
}

/** What a service says of a denial names who lacks which right. Of another refusal it may repeat the request. */
const DENIAL = /AccessDenied|KMS|KeyId|Decryption/i;

function explain(answer: AwsAnswer): string {
  const name = errorName(answer);
  const said = DENIAL.test(name) ? saidIn(answer.body) : undefined;
  return said === undefined ? name : `${name}: ${said}`;
}

function errorName({ headers, body }: AwsAnswer): string {
  const named = typeof body === 'object' && body !== null && '__type' in body ? String(body.__type) : '';
  return (
    String(headers['x-amzn-errortype'] ?? named)
      .split('#')
      .at(-1)
      ?.split(':')[0] ?? ''
  );
}
