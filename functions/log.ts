/** One JSON line a happening. Only ids, codes and counts go in: never a key, a token, a signature or a query. */
export interface Log {
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

const write =
  (level: string): Log['info'] =>
  (message, facts) => {
    const { error, ...rest } = facts ?? {};
    const described = error === undefined ? {} : { error: describe(error) };
    process.stdout.write(
      `${JSON.stringify({ level, message, time: new Date().toISOString(), ...rest, ...described })}\n`,
    );
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
