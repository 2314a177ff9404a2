import { inspect } from 'node:util';
import type { BusEvent } from './aws/events.ts';
import type { FunctionLog } from './aws/lambda-types.ts';

/** Formats a function's log line for a terminal: `12:03:11 submit 8f3a1b2c WARN message key=value`. */
export function describeLog({
  at,
  functionName,
  requestId,
  level,
  message,
  facts = {},
}: FunctionLog): string {
  const name = functionName.split('-').at(-1)?.padEnd(9);
  // `_aws` only tells CloudWatch which fields are metrics.
  const { _aws, ...shown } = facts;
  const pairs = Object.entries(shown).map(
    ([key, value]) =>
      `${key}=${typeof value === 'string' ? value : inspect(value, { breakLength: Infinity })}`,
  );
  return [timeOf(at), name, requestId?.slice(0, 8) ?? 'loading ', level.padEnd(5), message, ...pairs].join(
    ' ',
  );
}

/** Formats an event for a terminal: `12:03:11 event     Generation Succeeded id=… model=… status=succeeded`. */
export function describeEvent({ 'detail-type': type, detail }: BusEvent, at: Date): string {
  const { id, model, status, costUsd, error } = detail;
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  const pairs = Object.entries({ id, model, status, costUsd, error: code })
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .map(([key, value]) => `${key}=${value}`);
  return [timeOf(at), 'event'.padEnd(9), type, ...pairs].join(' ');
}

const timeOf = (at: Date): string => at.toTimeString().slice(0, 8);
