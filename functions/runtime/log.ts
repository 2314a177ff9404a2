import { embedded, type Measurements } from './metrics.ts';

/** Writes one log line. `measured` adds to the deployment's metrics. */
type Write = (message: string, facts?: Readonly<Record<string, unknown>>, measured?: Measurements) => void;

/**
 * Writes JSON lines with ids, codes and counts: never a key, a token, a signature or a query. It does not use `console`,
 * because Lambda would wrap each line into another object.
 */
export interface Log {
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

let requestId: string | undefined;

/** Adds the id of this invocation to every following line. An execution environment has one invocation at a time. */
export function beginInvocation({ awsRequestId }: { readonly awsRequestId: string }): void {
  requestId = awsRequestId;
}

const write =
  (level: string): Write =>
  (message, facts, measured) => {
    const now = new Date();
    const { error, ...rest } = facts ?? {};
    const line = {
      // Lambda reads these two. Without a valid timestamp it would report every line as INFO.
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

/** Returns an error's name, message and causes, without its stack and its other properties. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return 'not an Error';
  return {
    name: error.name,
    message: error.message,
    ...(error.cause !== undefined && { cause: describe(error.cause) }),
  };
}
