import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { devNull, tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { LOCAL_CREDENTIALS } from './credentials.ts';
import type { FunctionLog, HostedFunction } from './lambda-types.ts';

const BOOTSTRAP = fileURLToPath(new URL('./lambda-bootstrap.cjs', import.meta.url));

export interface EnvironmentOptions {
  readonly fn: HostedFunction;
  readonly region: string;
  /** `host:port/path` of the Runtime API that this environment asks. */
  readonly runtimeApi: string;
  readonly onLog: (log: FunctionLog) => void;
  /** What it was given last, for lines that do not say so themselves. */
  readonly requestId: () => string | undefined;
}

/** The process of one execution environment. It dies with this process, however this one ends. */
export interface EnvironmentProcess {
  readonly pid: number | undefined;
  kill(): void;
  /** Settles when the process is gone and its last line is read; says how it ended. */
  readonly exited: Promise<string>;
}

export function startProcess({
  fn,
  region,
  runtimeApi,
  onLog,
  requestId,
}: EnvironmentOptions): EnvironmentProcess {
  // Lambda too leaves Node's heap a little less than the memory of the function.
  const heapMb = Math.floor(fn.memoryMb * 0.9);
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, BOOTSTRAP], {
    cwd: fn.directory,
    env: environmentOf(fn, region, runtimeApi),
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C on the terminal reaches the host alone, which ends what it started.
    detached: process.platform !== 'win32',
  });
  child.stdin.on('error', () => {}); // the process is gone already: `exited` tells
  const write = (stream: 'out' | 'err') => (line: string) =>
    onLog(parseLine(fn.name, line, stream, requestId()));
  const drained = [readLines(child.stdout, write('out')), readLines(child.stderr, write('err'))];
  return {
    pid: child.pid,
    kill: () => void child.kill('SIGKILL'),
    exited: Promise.all([exitOf(child), ...drained]).then(([how]) => how),
  };
}

/** Nothing of the developer's own environment but what a process needs: no keys, no profiles. */
function environmentOf(fn: HostedFunction, region: string, runtimeApi: string): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, NODE_EXTRA_CA_CERTS, NODE_COMPILE_CACHE } = process.env;
  return {
    ...definedOnly({ PATH, SystemRoot, NODE_EXTRA_CA_CERTS, NODE_COMPILE_CACHE }),
    HOME: tmpdir(),
    TMPDIR: tmpdir(),
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    // A `~/.aws` of the developer must not decide what happens here.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
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
  // Not `readline`, for which a carriage return ends a line too.
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) write(line);
  }
  if (rest) write(rest);
}

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
const TAGGED = /^(\d{4}-\d\d-\d\dT[\d:.]+Z)\t([0-9a-f-]+)\t([A-Z]+)\t(.*)$/s;

/** A line of `console`, as the bootstrap tags it, or one that was written past it, plain or in JSON. */
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
