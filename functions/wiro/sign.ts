import { createHmac, randomInt } from 'node:crypto';
import type { Clock } from '../generation/time.ts';
import { WiroError } from './errors.ts';

/** A Wiro project either signs its requests (key and secret) or does not (key alone). Its creation fixes this. */
export interface WiroCredentials {
  readonly apiKey: string;
  readonly apiSecret?: string;
}

/**
 * Returns the headers that authenticate one request.
 * @throws {WiroError} If the key is malformed, for example because it was stored with a line break.
 * @see https://wiro.ai/docs/authentication
 */
export function sign({ apiKey, apiSecret }: WiroCredentials, nonce: string): Record<string, string> {
  if (!/^[\x21-\x7e]+$/.test(apiKey))
    throw new WiroError(
      'unauthorized',
      'The stored Wiro API key is empty or contains spaces or line breaks: store it again',
    );
  if (!apiSecret) return { 'x-api-key': apiKey };
  const signature = createHmac('sha256', apiKey)
    .update(apiSecret + nonce)
    .digest('hex');
  return { 'x-api-key': apiKey, 'x-nonce': nonce, 'x-signature': signature };
}

/** Random digits after the milliseconds. With more, the nonce would exceed a signed 64-bit integer. */
const RANDOM_DIGITS = 6;

/**
 * Creates a generator of unique, increasing nonces: the time in milliseconds, then random digits. The random digits
 * matter because many processes share one key and send within the same millisecond.
 */
export function createNonces(now: Clock, random = () => randomInt(10 ** RANDOM_DIGITS)): () => string {
  let last = 0n;
  return () => {
    const next = BigInt(now().getTime()) * 10n ** BigInt(RANDOM_DIGITS) + BigInt(random());
    last = next > last ? next : last + 1n;
    return String(last);
  };
}
