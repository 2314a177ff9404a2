import { createHmac } from 'node:crypto';
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

/** Gives every request a nonce of its own: the time in milliseconds, one more where it has not moved on. */
export function createNonces(now: Clock): () => string {
  let last = 0;
  return () => {
    last = Math.max(last + 1, now().getTime());
    return String(last);
  };
}
