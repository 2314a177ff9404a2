import { inspect } from 'node:util';
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
  const time = at.toTimeString().slice(0, 8);
  const name = functionName.split('-').at(-1)?.padEnd(9);
  // `_aws` only tells CloudWatch which fields are metrics.
  const { _aws, ...shown } = facts;
  const pairs = Object.entries(shown).map(
    ([key, value]) =>
      `${key}=${typeof value === 'string' ? value : inspect(value, { breakLength: Infinity })}`,
  );
  return [time, name, requestId?.slice(0, 8) ?? 'loading ', level.padEnd(5), message, ...pairs].join(' ');
}
