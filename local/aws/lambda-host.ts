import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { type EnvironmentProcess, startProcess } from './lambda-environment.ts';
import {
  type FunctionLog,
  failed,
  functionArn,
  type HostedFunction,
  type InvocationReport,
  type InvocationResult,
  PAYLOAD_LIMIT,
} from './lambda-types.ts';
import { readBody, startServer } from './server.ts';

export interface LambdaHostOptions {
  readonly region: string;
  /** Environments of one function at a time; further invocations wait. @default 10 */
  readonly maximumEnvironments?: number;
  /**
   * Invocations at a time of all functions together, as an account has it, and ten times as many synchronous ones in a
   * second. What is more is throttled: refused, or for asynchronous ones put off.
   * @default - no limit
   */
  readonly accountConcurrency?: number;
  /**
   * Waits before an asynchronous invocation that was throttled is tried again: doubled from the first to the longest.
   * @default 1 second to 5 minutes, as in AWS
   */
  readonly throttledDelaysMs?: { readonly first: number; readonly longest: number };
  /** After this without work an environment ends. @default 5 minutes */
  readonly idleMs?: number;
  /** Waits before an asynchronous invocation that failed is repeated. @default 1 and 2 minutes, as in AWS */
  readonly retryDelaysMs?: readonly number[];
  /** Milliseconds, for counting requests in a second. @default performance.now */
  readonly now?: () => number;
  readonly onLog?: (log: FunctionLog) => void;
  readonly onReport?: (report: InvocationReport) => void;
}

/** Runs bundles with Lambda's contract. Payloads are JSON text, as on the wire. */
export interface LambdaHost {
  /** Adds a function, or replaces it for environments that start from now on. */
  deploy(fn: HostedFunction): void;
  /** Ends the environments that run what was replaced since: at once, or after the invocation that they are at. */
  retire(): void;
  has(functionName: string): boolean;
  /** @throws {ThrottledError} When the account's concurrency, or the function's own, is used up. */
  invoke(functionName: string, payload: string): Promise<InvocationResult>;
  /** Accepts an asynchronous invocation: answers the request id at once, runs it later, repeats it on failure. */
  invokeLater(functionName: string, payload: string): string;
  /** Settles when no invocation is running, waiting or to be repeated. */
  idle(): Promise<void>;
  /** Ids of the processes that are alive. */
  pids(): readonly number[];
  /** Kills every environment, whatever it is doing. */
  stop(): Promise<void>;
}

export class FunctionNotFoundError extends Error {
  override name = 'FunctionNotFoundError';
}

/** What Lambda answers with 429. */
export class ThrottledError extends Error {
  override name = 'ThrottledError';
}

export class PayloadTooLargeError extends Error {
  override name = 'PayloadTooLargeError';
}

interface Invocation {
  readonly requestId: string;
  readonly payload: string;
  readonly end: (result: InvocationResult) => void;
}

interface Running extends Invocation {
  readonly startedAt: Date;
  readonly timer: NodeJS.Timeout;
}

interface Environment {
  readonly id: string;
  readonly fn: HostedFunction;
  readonly process: EnvironmentProcess;
  readonly createdAt: number;
  /**
   * `starting` until it asks for its first invocation, `idle` while such a question is open, `returning` from the end
   * of an invocation to the next question, `ending` once it was killed.
   */
  state: 'starting' | 'idle' | 'running' | 'returning' | 'ending';
  /** What it reported instead of asking. */
  initError?: string;
  /** How long it loaded, until the report of its first invocation has said so. */
  initMs?: number;
  /** Its open request for the next invocation, while it has none. */
  question?: ServerResponse;
  running?: Running;
  lastRequestId?: string;
  /** It runs what was replaced since, and is given nothing more. */
  isRetired?: true;
  /** Ends it when it loads for too long, or was idle for long enough. */
  reaper?: NodeJS.Timeout;
}

interface Pool {
  fn: HostedFunction;
  readonly environments: Set<Environment>;
  readonly waiting: Invocation[];
  /** Invocations that run or are about to. */
  inFlight: number;
}

/** Of an asynchronous invocation that was throttled: tries go on for as long as Lambda keeps an event. */
const THROTTLED_DELAYS_MS = { first: 1_000, longest: 300_000 };
/** Synchronous requests a second for each invocation at a time. */
const REQUESTS_A_SECOND = 10;

const DEFAULT_RETRY_DELAYS_MS = [60_000, 120_000];
/** How long an environment may load beyond the function's own time-out. */
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
  const environments = new Map<string, Environment>();
  let openInvocations = 0;
  /** When each of the last second's synchronous invocations began, by whose limit they count. */
  const begun = new Map<Pool | 'unreserved', number[]>();
  const whenIdle: (() => void)[] = [];
  const stopping = new AbortController();
  let stopped: Promise<void> | undefined;
  const runtimeApi = await startServer(answerRuntime);
  const killAll = () => {
    for (const { process } of environments.values()) process.kill();
  };
  // The last resort where nobody calls `stop`: an exception, or process.exit().
  process.on('exit', killAll);

  function poolOf(functionName: string): Pool {
    const pool = pools.get(functionName);
    if (!pool) throw new FunctionNotFoundError(`Function not found: ${functionArn(region, functionName)}`);
    return pool;
  }

  /** Whether another invocation now would be one too many. */
  function isFull(pool: Pool): boolean {
    const { reservedConcurrency } = pool.fn;
    if (reservedConcurrency !== undefined) return pool.inFlight >= reservedConcurrency;
    const sharing = [...pools.values()].filter(({ fn }) => fn.reservedConcurrency === undefined);
    return sum(sharing.map(({ inFlight }) => inFlight)) >= unreserved();
  }

  const unreserved = () =>
    accountConcurrency - sum([...pools.values()].map(({ fn }) => fn.reservedConcurrency ?? 0));

  /** Counts a synchronous request. @returns Whether it is one too many in this second. */
  function isTooOften(pool: Pool): boolean {
    const { reservedConcurrency } = pool.fn;
    const limit = (reservedConcurrency ?? unreserved()) * REQUESTS_A_SECOND;
    if (!Number.isFinite(limit)) return false;
    const whose = reservedConcurrency === undefined ? 'unreserved' : pool;
    const recent = (begun.get(whose) ?? []).filter((at) => at > now() - 1_000);
    const isOne = recent.length >= limit;
    begun.set(whose, isOne ? recent : [...recent, now()]);
    return isOne;
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
    for (const tell of whenIdle.splice(0)) tell();
  }

  /** Hands waiting invocations to idle environments and starts as many more as are still needed. */
  function dispatch(pool: Pool): void {
    for (const environment of [...pool.environments].reverse()) {
      if (pool.waiting.length === 0) break;
      if (environment.question) hand(pool, environment, environment.question);
    }
    let coming = [...pool.environments].filter(
      ({ state }) => state === 'starting' || state === 'returning',
    ).length;
    const hasAll = () => pool.environments.size >= maximumEnvironments || stopping.signal.aborted;
    while (coming < pool.waiting.length && !hasAll()) {
      startEnvironment(pool);
      coming += 1;
    }
  }

  function hand(pool: Pool, environment: Environment, question: ServerResponse): void {
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
    delete environment.question;
    clearTimeout(environment.reaper);
    question.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': invocation.requestId,
      'lambda-runtime-deadline-ms': String(startedAt.getTime() + fn.timeoutSeconds * 1000),
      'lambda-runtime-invoked-function-arn': functionArn(region, fn.name),
      'lambda-runtime-trace-id': traceId(invocation.requestId),
    });
    question.end(invocation.payload);
  }

  /** The first end of an invocation counts; what comes after it is too late. */
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

  /** From here on it is given nothing more. */
  function kill(environment: Environment): void {
    environment.state = 'ending';
    delete environment.question;
    environment.process.kill();
  }

  function startEnvironment(pool: Pool): void {
    const { fn } = pool;
    const id = randomUUID();
    const environment: Environment = {
      id,
      fn,
      createdAt: Date.now(),
      state: 'starting',
      process: startProcess({
        fn,
        region,
        runtimeApi: `${new URL(runtimeApi.endpoint).host}/${id}`,
        onLog,
        requestId: () => environment.lastRequestId,
      }),
    };
    // As in AWS, what loads for too long fails the invocation that needed it.
    environment.reaper = setTimeout(
      () => environment.process.kill(),
      fn.timeoutSeconds * 1000 + INIT_LIMIT_MS,
    );
    pool.environments.add(environment);
    environments.set(id, environment);
    void environment.process.exited.then((how) => {
      clearTimeout(environment.reaper);
      pool.environments.delete(environment);
      environments.delete(id);
      const { running } = environment;
      if (running) end(environment, exited(running.requestId, how));
      // One that never got as far as asking: it was started for an invocation, which fails with it.
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

  async function answerRuntime(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, id = '', , , ...path] = (request.url ?? '').split('/');
    const environment = environments.get(id);
    if (!environment) return accept(response, 403);
    const target = path.join('/');
    if (target === 'invocation/next') return ask(environment, response);
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

  function ask(environment: Environment, response: ServerResponse): void {
    // What waits is given to another once it is gone.
    if (environment.isRetired) kill(environment);
    if (environment.state === 'ending') return;
    if (environment.state === 'starting') environment.initMs = Date.now() - environment.createdAt;
    environment.state = 'idle';
    environment.question = response;
    clearTimeout(environment.reaper);
    environment.reaper = setTimeout(() => kill(environment), idleMs);
    dispatch(poolOf(environment.fn.name));
  }

  /** Open until it has succeeded or was tried for the last time, the waits in between included. */
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

  /** Being throttled is no try: Lambda puts the event back, for longer each time. */
  async function untilAdmitted(pool: Pool): Promise<void> {
    for (let delayMs = throttledDelaysMs.first; isFull(pool) && !stopping.signal.aborted; delayMs *= 2) {
      await wait(Math.min(delayMs, throttledDelaysMs.longest), undefined, { signal: stopping.signal }).catch(
        () => {},
      );
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    const gone = [...environments.values()].map(({ process }) => process.exited);
    killAll();
    await Promise.all(gone);
    for (const { waiting } of pools.values())
      for (const { requestId, end: tell } of waiting.splice(0))
        tell(failed(requestId, 'Sandbox.Stopped', 'The host has stopped'));
    process.off('exit', killAll);
    await runtimeApi.stop();
  }

  return {
    deploy: (fn) => {
      const pool = pools.get(fn.name);
      if (pool) pool.fn = fn;
      else pools.set(fn.name, { fn, environments: new Set(), waiting: [], inFlight: 0 });
    },
    retire: () => {
      for (const environment of environments.values()) {
        if (environment.fn === pools.get(environment.fn.name)?.fn) continue;
        environment.isRetired = true;
        if (environment.state === 'idle') kill(environment);
      }
    },
    has: (functionName) => pools.has(functionName),
    invoke: async (functionName, payload) => {
      const pool = poolOf(functionName);
      checkSize(payload, PAYLOAD_LIMIT.synchronous);
      if (isTooOften(pool) || isFull(pool)) throw new ThrottledError('Rate Exceeded.');
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
    pids: () => [...environments.values()].flatMap(({ process }) => process.pid ?? []),
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

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

function timedOut(requestId: string, { timeoutSeconds }: HostedFunction): InvocationResult {
  const message = `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
  return failed(requestId, 'Sandbox.Timedout', message);
}

function exited(requestId: string, how: string): InvocationResult {
  const message = `RequestId: ${requestId} Error: Runtime exited with error: ${how}`;
  return failed(requestId, 'Runtime.ExitError', message);
}

function answerTooLarge(requestId: string): InvocationResult {
  const message = `Response payload size exceeded maximum allowed payload size (${PAYLOAD_LIMIT.answer} bytes).`;
  return failed(requestId, 'Function.ResponseSizeTooLarge', message);
}

function errorTypeOf(payload: string): string {
  try {
    return String((JSON.parse(payload) as { errorType?: unknown }).errorType);
  } catch {
    return 'Unknown';
  }
}
