import { createHmac, randomInt } from 'node:crypto';
import type { Clock } from '../generation/time.ts';
import { WiroError } from './errors.ts';

/** A Wiro project signs (key and secret) or does not (key alone): fixed when it was created. */
export interface WiroCredentials {
  readonly apiKey: string;
  readonly apiSecret?: string;
}

/**
 * The headers that authenticate one request.
 * @throws {WiroError} When the key cannot be one, for example because a line break was stored with it.
 * @see https://wiro.ai/docs/authentication
 */
export function sign({ apiKey, apiSecret }: WiroCredentials, nonce: string): Record<string, string> {
  if (!/^[\x21-\x7e]+$/.test(apiKey))
    throw new WiroError(
      'unauthorized',
      'The Wiro API key is empty or has spaces or line breaks in it: store it anew',
    );
  if (!apiSecret) return { 'x-api-key': apiKey };
  const signature = createHmac('sha256', apiKey)
    .update(apiSecret + nonce)
    .digest('hex');
  return { 'x-api-key': apiKey, 'x-nonce': nonce, 'x-signature': signature };
}

/** Random digits after the milliseconds: as many as a signed integer of 64 bits has room for. */
const RANDOM_DIGITS = 6;

/**
 * Gives every request a nonce of its own, an integer that grows: the time in milliseconds, then random digits. Many
 * processes share one key, and send within the same millisecond.
 */
export function createNonces(now: Clock, random = () => randomInt(10 ** RANDOM_DIGITS)): () => string {
  let last = 0n;
  return () => {
    const next = BigInt(now().getTime()) * 10n ** BigInt(RANDOM_DIGITS) + BigInt(random());
    last = next > last ? next : last + 1n;
    return String(last);
  };
}
