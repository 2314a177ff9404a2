import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { createConcurrency } from './lambda-concurrency.ts';
import { startProcess } from './lambda-environment.ts';
import type { Environment, Pool } from './lambda-pool.ts';
import { answerTooLarge, errorTypeOf, exited, timedOut } from './lambda-results.ts';
import {
  type FunctionLog,
  failed,
  functionArn,
  type HostedFunction,
  type InvocationReport,
  type InvocationResult,
  PAYLOAD_LIMIT,
} from './lambda-types.ts';
import { readBody } from './server.ts';

export interface LambdaHostOptions {
  readonly region: string;
  /** The maximum number of concurrent environments of one function. Further invocations wait. @default 10 */
  readonly maximumEnvironments?: number;
  /**
   * The account's concurrency: the limit of concurrent invocations of all functions. Ten times as many synchronous
   * requests are allowed per second. Beyond these limits, synchronous invocations fail and asynchronous ones wait.
   * @default - no limit
   */
  readonly accountConcurrency?: number;
  /**
   * Delays before a throttled asynchronous invocation is tried again. They double from the first to the longest.
   * @default 1 second to 5 minutes, as in AWS
   */
  readonly throttledDelaysMs?: { readonly first: number; readonly longest: number };
  /** An environment ends after this time without work. @default 5 minutes */
  readonly idleMs?: number;
  /** Delays before a failed asynchronous invocation is repeated. @default 1 and 2 minutes, as in AWS */
  readonly retryDelaysMs?: readonly number[];
  /** A clock in milliseconds, to count requests per second. @default performance.now */
  readonly now?: () => number;
  readonly onLog?: (log: FunctionLog) => void;
  readonly onReport?: (report: InvocationReport) => void;
}

/** Runs bundles like Lambda. Payloads are JSON text. */
export interface LambdaHost {
  /** Adds a function, or replaces it for environments that start later. */
  deploy(fn: HostedFunction): void;
  /** Ends the environments of replaced functions, at once if they are idle or after their current invocation. */
  retire(): void;
  has(functionName: string): boolean;
  /** @throws {ThrottledError} If the account's or the function's own concurrency is used up. */
  invoke(functionName: string, payload: string): Promise<InvocationResult>;
  /** Accepts an asynchronous invocation, which is repeated on failure. @returns The request id, immediately. */
  invokeLater(functionName: string, payload: string): string;
  /** Resolves once no invocation is running, waiting or about to be repeated. */
  idle(): Promise<void>;
  /** The ids of the running processes. */
  pids(): readonly number[];
  /** Kills all environments, including busy ones. */
  stop(): Promise<void>;
}

export class FunctionNotFoundError extends Error {
  override name = 'FunctionNotFoundError';
}

/** Lambda's response 429. */
export class ThrottledError extends Error {
  override name = 'ThrottledError';
}

export class PayloadTooLargeError extends Error {
  override name = 'PayloadTooLargeError';
}

const THROTTLED_DELAYS_MS = { first: 1_000, longest: 300_000 };
const DEFAULT_RETRY_DELAYS_MS = [60_000, 120_000];
/** The time that an environment may take to load, in addition to the function's timeout. */
const INIT_LIMIT_MS = 10_000;

export async function startLambdaHost({
  region,
  maximumEnvironments = 10,
  accountConcurrency = Number.POSITIVE_INFINITY,
  throttledDelaysMs = THROTTLED_DELAYS_MS,
  idleMs = 300_000,
  now = () => performance.now(),
  retryDelaysMs = DEFAULT_RETRY_DELAYS_MS,
  onLog = () => {},
  onReport = () => {},
}: LambdaHostOptions): Promise<LambdaHost> {
  const pools = new Map<string, Pool>();
  const concurrency = createConcurrency(() => pools.values(), { total: accountConcurrency, now });
  const environments = new Set<Environment>();
  let openInvocations = 0;
  const whenIdle: (() => void)[] = [];
  const stopping = new AbortController();
  let stopped: Promise<void> | undefined;
  const killAll = () => {
    for (const { process } of environments) process.kill();
  };
  // For processes that end without `stop`: by an exception or process.exit().
  process.on('exit', killAll);

  function poolOf(functionName: string): Pool {
    const pool = pools.get(functionName);
    if (!pool) throw new FunctionNotFoundError(`Function not found: ${functionArn(region, functionName)}`);
    return pool;
  }

  function run(pool: Pool, requestId: string, payload: string): Promise<InvocationResult> {
    openInvocations += 1;
    pool.inFlight += 1;
    return new Promise<InvocationResult>((resolve) => {
      if (stopping.signal.aborted)
        return resolve(failed(requestId, 'Sandbox.Stopped', 'The host has stopped'));
      pool.waiting.push({ requestId, payload, end: resolve });
      dispatch(pool);
    }).finally(() => {
      pool.inFlight -= 1;
      settle();
    });
  }

  function settle(): void {
    openInvocations -= 1;
    if (openInvocations > 0) return;
    for (const resolve of whenIdle.splice(0)) resolve();
  }

  /** Gives waiting invocations to idle environments, and starts environments for the others. */
  function dispatch(pool: Pool): void {
    for (const environment of [...pool.environments].reverse()) {
      if (pool.waiting.length === 0) break;
      if (environment.next) begin(pool, environment, environment.next);
    }
    let coming = [...pool.environments].filter(
      ({ state }) => state === 'starting' || state === 'returning',
    ).length;
    const isAtLimit = () => pool.environments.size >= maximumEnvironments || stopping.signal.aborted;
    while (coming < pool.waiting.length && !isAtLimit()) {
      startEnvironment(pool);
      coming += 1;
    }
  }

  function begin(pool: Pool, environment: Environment, next: ServerResponse): void {
    const invocation = pool.waiting.shift();
    if (!invocation) return;
    const { fn } = pool;
    const startedAt = new Date();
    const timer = setTimeout(() => {
      end(environment, timedOut(invocation.requestId, fn));
      kill(environment);
    }, fn.timeoutSeconds * 1000);
    environment.state = 'running';
    environment.lastRequestId = invocation.requestId;
    environment.running = { ...invocation, startedAt, timer };
    delete environment.next;
    clearTimeout(environment.reaper);
    next.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': invocation.requestId,
      'lambda-runtime-deadline-ms': String(startedAt.getTime() + fn.timeoutSeconds * 1000),
      'lambda-runtime-invoked-function-arn': functionArn(region, fn.name),
      'lambda-runtime-trace-id': traceId(invocation.requestId),
    });
    next.end(invocation.payload);
  }

  /** Ends an invocation. Only the first result counts. */
  function end(environment: Environment, result: InvocationResult): void {
    const { running } = environment;
    if (running?.requestId !== result.requestId) return;
    delete environment.running;
    clearTimeout(running.timer);
    const { initMs } = environment;
    environment.state = 'returning';
    delete environment.initMs;
    onReport({
      functionName: environment.fn.name,
      requestId: running.requestId,
      startedAt: running.startedAt,
      durationMs: Date.now() - running.startedAt.getTime(),
      ...(initMs !== undefined && { initMs }),
      ...(result.kind === 'failed' && { failure: errorTypeOf(result.payload) }),
    });
    running.end(result);
  }

  function kill(environment: Environment): void {
    environment.state = 'ending';
    delete environment.next;
    environment.process.kill();
  }

  function startEnvironment(pool: Pool): void {
    const { fn } = pool;
    const environment: Environment = {
      fn,
      createdAt: Date.now(),
      state: 'starting',
      process: startProcess({
        fn,
        region,
        answerRuntime: (request, response) => answerRuntime(environment, request, response),
        onLog,
        requestId: () => environment.lastRequestId,
      }),
    };
    // Like AWS, fails the invocation if its environment takes too long to load.
    environment.reaper = setTimeout(
      () => environment.process.kill(),
      fn.timeoutSeconds * 1000 + INIT_LIMIT_MS,
    );
    pool.environments.add(environment);
    environments.add(environment);
    void environment.process.exited.then((how) => {
      clearTimeout(environment.reaper);
      pool.environments.delete(environment);
      environments.delete(environment);
      const { running } = environment;
      if (running) end(environment, exited(running.requestId, how));
      // The environment ended before its first request. The invocation that it was started for fails.
      else if (environment.state === 'starting') failFirst(pool, environment, how);
      if (!stopping.signal.aborted) dispatch(pool);
    });
  }

  function failFirst(pool: Pool, environment: Environment, how: string): void {
    const invocation = pool.waiting.shift();
    if (!invocation) return;
    const { requestId } = invocation;
    const payload = environment.initError;
    const result: InvocationResult = payload
      ? { kind: 'failed', requestId, payload }
      : exited(requestId, how);
    onReport({
      functionName: pool.fn.name,
      requestId,
      startedAt: new Date(environment.createdAt),
      durationMs: Date.now() - environment.createdAt,
      failure: errorTypeOf(result.payload),
    });
    invocation.end(result);
  }

  async function answerRuntime(
    environment: Environment,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const [, version, runtime, ...path] = (request.url ?? '').split('/');
    if (version !== '2018-06-01' || runtime !== 'runtime') return accept(response, 404);
    const target = path.join('/');
    if (target === 'invocation/next') return offer(environment, response);
    const body = await readBody(request, PAYLOAD_LIMIT.answer);
    if (target === 'init/error') {
      environment.initError = body?.toString('utf8') ?? '{}';
      return accept(response, 202);
    }
    const [, requestId = '', what] = path;
    if (body === undefined) {
      end(environment, answerTooLarge(requestId));
      return accept(response, 413);
    }
    const kind = what === 'response' ? 'answered' : 'failed';
    end(environment, { kind, requestId, payload: body.toString('utf8') });
    accept(response, 202);
  }

  /** Makes an environment available once it requests an invocation. */
  function offer(environment: Environment, response: ServerResponse): void {
    // Once it has exited, `dispatch` starts another environment for waiting invocations.
    if (environment.isRetired) kill(environment);
    if (environment.state === 'ending') return;
    if (environment.state === 'starting') environment.initMs = Date.now() - environment.createdAt;
    environment.state = 'idle';
    environment.next = response;
    clearTimeout(environment.reaper);
    environment.reaper = setTimeout(() => kill(environment), idleMs);
    dispatch(poolOf(environment.fn.name));
  }

  /** Counts as open until it succeeds or fails its last try, including the delays between tries. */
  async function runAndRepeat(pool: Pool, requestId: string, payload: string): Promise<void> {
    openInvocations += 1;
    for (const delayMs of [...retryDelaysMs, undefined]) {
      await untilAdmitted(pool);
      if (stopping.signal.aborted) break;
      const { kind } = await run(pool, requestId, payload);
      if (kind === 'answered' || delayMs === undefined || stopping.signal.aborted) break;
      await wait(delayMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) break;
    }
    settle();
  }

  /** Waits while throttled, which Lambda does not count as a try. Each delay is longer. */
  async function untilAdmitted(pool: Pool): Promise<void> {
    for (
      let delayMs = throttledDelaysMs.first;
      concurrency.isFull(pool) && !stopping.signal.aborted;
      delayMs *= 2
    ) {
      await wait(Math.min(delayMs, throttledDelaysMs.longest), undefined, { signal: stopping.signal }).catch(
        () => {},
      );
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    const gone = [...environments].map(({ process }) => process.exited);
    killAll();
    await Promise.all(gone);
    for (const { waiting } of pools.values())
      for (const { requestId, end: resolve } of waiting.splice(0))
        resolve(failed(requestId, 'Sandbox.Stopped', 'The host has stopped'));
    process.off('exit', killAll);
  }

  return {
    deploy: (fn) => {
      const pool = pools.get(fn.name);
      if (pool) pool.fn = fn;
      else pools.set(fn.name, { fn, environments: new Set(), waiting: [], inFlight: 0 });
    },
    retire: () => {
      for (const environment of environments) {
        if (environment.fn === pools.get(environment.fn.name)?.fn) continue;
        environment.isRetired = true;
        if (environment.state === 'idle') kill(environment);
      }
    },
    has: (functionName) => pools.has(functionName),
    invoke: async (functionName, payload) => {
      const pool = poolOf(functionName);
      checkSize(payload, PAYLOAD_LIMIT.synchronous);
      if (concurrency.exceedsRate(pool) || concurrency.isFull(pool))
        throw new ThrottledError('Rate Exceeded.');
      return run(pool, randomUUID(), payload);
    },
    invokeLater: (functionName, payload) => {
      const pool = poolOf(functionName);
      checkSize(payload, PAYLOAD_LIMIT.asynchronous);
      const requestId = randomUUID();
      void runAndRepeat(pool, requestId, payload);
      return requestId;
    },
    idle: () =>
      openInvocations === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve)),
    pids: () => [...environments].flatMap(({ process }) => process.pid() ?? []),
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

function traceId(requestId: string): string {
  const hex = requestId.replaceAll('-', '');
  return `Root=1-${hex.slice(0, 8)}-${hex.slice(8)}`;
}

function accept(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end('{"status":"OK"}');
}

function checkSize(payload: string, limitBytes: number): void {
  if (Buffer.byteLength(payload) > limitBytes)
    throw new PayloadTooLargeError(
      `Request must be smaller than ${limitBytes} bytes for the InvokeFunction operation`,
    );
}
