import { createHash } from 'node:crypto';

/**
 * The idempotency key of a submission: the same arguments, in whatever order of names, have the same key.
 * @param variation - Distinguishes runs that are wanted besides.
 */
export function submissionKey(request: Readonly<Record<string, unknown>>, variation = ''): string {
  const text = JSON.stringify([inOrder(request), variation]);
  return `mcp-${createHash('sha256').update(text).digest('hex')}`;
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, part]) => [name, inOrder(part)]));
}
