import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Returns Wiro's message for an authentication error, or `undefined` if the request may pass. */
export function findAuthenticationError(
  headers: IncomingHttpHeaders,
  { apiKey, apiSecret }: { readonly apiKey: string; readonly apiSecret: string | undefined },
): string | undefined {
  const key = headers['x-api-key'];
  if (!key) return 'x-api-key header required';
  if (key !== apiKey) return 'Project authorization is not founded.';
  if (apiSecret === undefined) return undefined;
  const nonce = headers['x-nonce'];
  if (!nonce || !headers['x-signature']) return 'x-nonce and x-signature headers required';
  const signature = createHmac('sha256', apiKey).update(`${apiSecret}${nonce}`).digest('hex');
  return headers['x-signature'] === signature ? undefined : 'Signature is not valid.';
}
