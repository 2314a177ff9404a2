import { isRecord } from '../runtime/json.ts';

/**
 * Returns what a service says of a failure: the first line of it. After a wrong signature, further lines show the request
 * as it was signed, with its session token.
 */
export function saidIn(body: unknown): string | undefined {
  const { message, Message = message } = isRecord(body) ? body : {};
  return typeof Message === 'string' && Message !== '' ? Message.split('\n')[0] : undefined;
}
