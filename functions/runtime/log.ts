import { embedded, type Measurements } from './metrics.ts';

/** Writes one line about a happening, `measured` being what it adds to the deployment's metrics. */
type Write = (message: string, facts?: Readonly<Record<string, unknown>>, measured?: Measurements) => void;

/**
 * One JSON line a happening. Only ids, codes and counts go in: never a key, a token, a signature or a query.
 * It is written past `console`, which Lambda would wrap into an object of its own.
 */
export interface Log {
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

let requestId: string | undefined;

/** Every line from here on names this invocation: an execution environment has one at a time. */
export function beginInvocation({ awsRequestId }: { readonly awsRequestId: string }): void {
  requestId = awsRequestId;
}

const write =
  (level: string): Write =>
  (message, facts, measured) => {
    const now = new Date();
    const { error, ...rest } = facts ?? {};
    const line = {
      // Lambda goes by these two: without a valid timestamp, it would call every line INFO.
      level,
      timestamp: now.toISOString(),
      message,
      requestId,
      ...rest,
      ...(error !== undefined && { error: describe(error) }),
      ...(measured !== undefined && embedded(measured, now)),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };

export const log: Log = { info: write('INFO'), warn: write('WARN'), error: write('ERROR') };

/** An error's name, message and causes, without its stack's paths or any of its other properties. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return 'not an Error';
  return {
    name: error.name,
    message: error.message,
    ...(error.cause !== undefined && { cause: describe(error.cause) }),
  };
}
