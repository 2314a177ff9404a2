/** A function as the host runs it. */
export interface HostedFunction {
  readonly name: string;
  /** What is deployed: the directory of the bundle. */
  readonly directory: string;
  /** File and export, for example `index.handler`. */
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Invocations of its own, taken from the account's: it has these and no more. @default - it shares what is left */
  readonly reservedConcurrency?: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** How an invocation ended; `payload` is JSON, for a failure Lambda's `{errorType, errorMessage, trace?}`. */
export type InvocationResult =
  | { readonly kind: 'answered'; readonly requestId: string; readonly payload: string }
  | { readonly kind: 'failed'; readonly requestId: string; readonly payload: string };

/** One line that a function wrote. */
export interface FunctionLog {
  readonly at: Date;
  readonly functionName: string;
  /** Missing for what is written while the function loads. */
  readonly requestId?: string;
  readonly level: 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  readonly message: string;
  /** What else a line in JSON said. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** What Lambda's `REPORT` line tells of one invocation. */
export interface InvocationReport {
  readonly functionName: string;
  readonly requestId: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** How long the environment took to load; only for its first invocation. */
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
