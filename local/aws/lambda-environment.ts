import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { LOCAL_CREDENTIALS } from './credentials.ts';
import type { FunctionLog, HostedFunction } from './lambda-types.ts';
import { startServer } from './server.ts';

const BOOTSTRAP = fileURLToPath(new URL('./lambda-bootstrap.cjs', import.meta.url));

export interface EnvironmentOptions {
  readonly fn: HostedFunction;
  readonly region: string;
  /** Answers the Runtime API of this environment. */
  readonly answerRuntime: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly onLog: (log: FunctionLog) => void;
  /** The last invocation's request id, for log lines without one. */
  readonly requestId: () => string | undefined;
}

/** The process of one execution environment. It ends with this process, even after a crash. */
export interface EnvironmentProcess {
  /** `undefined` until it runs. */
  pid(): number | undefined;
  kill(): void;
  /** Resolves once the process has ended and its last line is read. The text says how it ended. */
  readonly exited: Promise<string>;
}

/**
 * Starts a process with a Runtime API of its own. AWS's runtime clients accept only `host:port` as its address, so the
 * port tells the environments apart.
 */
export function startProcess(options: EnvironmentOptions): EnvironmentProcess {
  let child: ChildProcess | undefined;
  let isKilled = false;
  async function live(): Promise<string> {
    const runtimeApi = await startServer(options.answerRuntime);
    try {
      if (isKilled) return 'signal: SIGKILL';
      const started = spawnProcess(options, new URL(runtimeApi.endpoint).host);
      child = started.child;
      return await started.exited;
    } finally {
      await runtimeApi.stop();
    }
  }
  return {
    pid: () => child?.pid,
    kill: () => {
      isKilled = true;
      child?.kill('SIGKILL');
    },
    exited: live().catch((error: unknown) => String(error)),
  };
}

function spawnProcess(
  { fn, region, onLog, requestId }: EnvironmentOptions,
  runtimeApi: string,
): { readonly child: ChildProcess; readonly exited: Promise<string> } {
  // Like Lambda, limits Node's heap to a little less than the function's memory.
  const heapMb = Math.floor(fn.memoryMb * 0.9);
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, BOOTSTRAP], {
    cwd: fn.directory,
    env: environmentOf(fn, region, runtimeApi),
    stdio: ['pipe', 'pipe', 'pipe'],
    // A separate process group: Ctrl-C only reaches the host, which then ends its processes.
    detached: process.platform !== 'win32',
  });
  child.stdin.on('error', () => {}); // The process has already ended, which `exited` reports.
  const write = (stream: 'out' | 'err') => (line: string) =>
    onLog(parseLine(fn.name, line, stream, requestId()));
  const drained = [readLines(child.stdout, write('out')), readLines(child.stderr, write('err'))];
  return { child, exited: Promise.all([exitOf(child), ...drained]).then(([how]) => how) };
}

/** Passes only those of the developer's variables that a process needs: no keys, no profiles. */
function environmentOf(fn: HostedFunction, region: string, runtimeApi: string): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, NODE_EXTRA_CA_CERTS, NODE_COMPILE_CACHE } = process.env;
  return {
    ...definedOnly({ PATH, SystemRoot, NODE_EXTRA_CA_CERTS, NODE_COMPILE_CACHE }),
    TMPDIR: tmpdir(),
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    ...fn.environment,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: fn.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(fn.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${fn.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `local/[$LATEST]${randomUUID().replaceAll('-', '')}`,
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    LAMBDA_TASK_ROOT: fn.directory,
    _HANDLER: fn.handler,
  };
}

function definedOnly(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ? `signal: ${signal}` : `exit status ${code}`));
  });
}

async function readLines(stream: Readable, write: (line: string) => void): Promise<void> {
  let rest = '';
  // `readline` would also split lines at carriage returns.
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) write(line);
  }
  if (rest) write(rest);
}

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
const TAGGED = /^(\d{4}-\d\d-\d\dT[\d:.]+Z)\t([0-9a-f-]+)\t([A-Z]+)\t(.*)$/s;

/** Parses a `console` line, which the bootstrap tags, or a line written directly to a stream, plain or in JSON. */
function parseLine(
  functionName: string,
  line: string,
  stream: 'out' | 'err',
  current: string | undefined,
): FunctionLog {
  const [, at, tag, level, message = ''] = TAGGED.exec(line) ?? [];
  const requestId = tag === undefined ? current : tag === '-' ? undefined : tag;
  return {
    at: at ? new Date(at) : new Date(),
    functionName,
    ...(requestId && { requestId }),
    ...(at
      ? { level: levelOf(level) ?? 'INFO', message: message.replaceAll('\r', '\n') }
      : (parseJsonLine(line) ?? { level: stream === 'err' ? 'ERROR' : 'INFO', message: line })),
  };
}

function parseJsonLine(line: string): Pick<FunctionLog, 'level' | 'message' | 'facts'> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const {
      level,
      message,
      timestamp: _,
      requestId: __,
      ...facts
    } = JSON.parse(line) as Record<string, unknown>;
    const known = levelOf(level);
    return known && typeof message === 'string' ? { level: known, message, facts } : undefined;
  } catch {
    return undefined;
  }
}

function levelOf(level: unknown): FunctionLog['level'] | undefined {
  return LEVELS.find((known) => known === level);
}
