import type { IncomingHttpHeaders } from 'node:http';

/**
 * Reads how long Wiro asks to wait: seconds, or a date by the clock of the answer's own `Date`.
 * @returns `undefined` if it does not ask to wait, or not readably.
 */
export function readRetryAfter(
  { 'retry-after': given, date }: Pick<IncomingHttpHeaders, 'retry-after' | 'date'>,
  now = Date.now(),
): number | undefined {
  if (typeof given !== 'string') return undefined;
  if (/^\s*\d{1,9}\s*$/.test(given)) return Number(given) * 1_000 || undefined;
  const clock = Date.parse(String(date ?? ''));
  const waitMs = Date.parse(given) - (Number.isNaN(clock) ? now : clock);
  return waitMs > 0 ? waitMs : undefined;
}
