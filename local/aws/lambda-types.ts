/** A function that the host runs. */
export interface HostedFunction {
  readonly name: string;
  /** The bundle's directory. */
  readonly directory: string;
  /** The file and the export, for example `index.handler`. */
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Concurrency reserved for this function, which is also its limit. @default - none: it shares the unreserved rest */
  readonly reservedConcurrency?: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** The result of an invocation. `payload` is JSON, for a failure Lambda's `{errorType, errorMessage, trace?}`. */
export type InvocationResult =
  | { readonly kind: 'answered'; readonly requestId: string; readonly payload: string }
  | { readonly kind: 'failed'; readonly requestId: string; readonly payload: string };

/** One line that a function wrote. */
export interface FunctionLog {
  readonly at: Date;
  readonly functionName: string;
  /** Missing for lines written while the function loads. */
  readonly requestId?: string;
  readonly level: 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  readonly message: string;
  /** The other fields of a JSON line. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** The content of Lambda's `REPORT` line for one invocation. */
export interface InvocationReport {
  readonly functionName: string;
  readonly requestId: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** How long the environment took to load. Only set for its first invocation. */
  readonly initMs?: number;
  /** `errorType` of a failure. */
  readonly failure?: string;
}

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
export const PAYLOAD_LIMIT = { synchronous: 6_291_456, answer: 6_291_556, asynchronous: 1_048_576 } as const;

export const LOCAL_ACCOUNT = '000000000000';

export function functionArn(region: string, name: string): string {
  return `arn:aws:lambda:${region}:${LOCAL_ACCOUNT}:function:${name}`;
}

export function failed(requestId: string, errorType: string, errorMessage: string): InvocationResult {
  return { kind: 'failed', requestId, payload: JSON.stringify({ errorType, errorMessage }) };
}
