import type { ServerResponse } from 'node:http';
import type { CountedFunction } from './lambda-concurrency.ts';
import type { EnvironmentProcess } from './lambda-environment.ts';
import type { HostedFunction, InvocationResult } from './lambda-types.ts';

interface Invocation {
  readonly requestId: string;
  readonly payload: string;
  readonly end: (result: InvocationResult) => void;
}

interface Running extends Invocation {
  readonly startedAt: Date;
  readonly timer: NodeJS.Timeout;
}

/** One process of a function. It runs one invocation at a time. */
export interface Environment {
  readonly fn: HostedFunction;
  readonly process: EnvironmentProcess;
  readonly createdAt: number;
  /**
   * - `starting`: has not requested its first invocation.
   * - `idle`: has an open request for the next invocation.
   * - `returning`: has ended an invocation and not yet requested the next one.
   * - `ending`: was killed.
   */
  state: 'starting' | 'idle' | 'running' | 'returning' | 'ending';
  /** The error that it reported instead of its first request. */
  initError?: string;
  /** How long it took to load. Deleted after the report of its first invocation. */
  initMs?: number;
  /** The response to its open request for the next invocation, while `idle`. */
  next?: ServerResponse;
  running?: Running;
  lastRequestId?: string;
  /** Runs a replaced function and receives no more invocations. */
  isRetired?: true;
  /** Ends the environment if it loads or idles for too long. */
  reaper?: NodeJS.Timeout;
}

/** A function's environments, and the invocations that wait for one. */
export interface Pool extends CountedFunction {
  fn: HostedFunction;
  readonly environments: Set<Environment>;
  readonly waiting: Invocation[];
  inFlight: number;
}
