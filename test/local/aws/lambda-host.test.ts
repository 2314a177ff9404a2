import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import {
  FunctionNotFoundError,
  type LambdaHost,
  type LambdaHostOptions,
  PayloadTooLargeError,
  startLambdaHost,
} from '../../../local/aws/lambda-host.ts';
import type { FunctionLog, HostedFunction, InvocationReport } from '../../../local/aws/lambda-types.ts';
import { isAlive, untilGone } from '../processes.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Writes `code` as the bundle of a function with the handler `exports.handler`. */
async function bundle(code: string, settings: Partial<HostedFunction> = {}): Promise<HostedFunction> {
  const directory = await mkdtemp(path.join(tmpdir(), 'lambda-host-'));
  cleanups.push(() => rm(directory, { recursive: true }));
  await writeFile(path.join(directory, 'index.js'), code);
  return {
    name: 'local-thing',
    directory,
    handler: 'index.handler',
    memoryMb: 256,
    timeoutSeconds: 20,
    environment: {},
    ...settings,
  };
}

async function hostWith(
  fn: HostedFunction,
  options: Partial<LambdaHostOptions> = {},
): Promise<LambdaHost & { reports: InvocationReport[]; logs: FunctionLog[] }> {
  const reports: InvocationReport[] = [];
  const logs: FunctionLog[] = [];
  const host = await startLambdaHost({
    region: 'us-east-1',
    retryDelaysMs: [1, 1],
    onReport: (report) => reports.push(report),
    onLog: (log) => logs.push(log),
    ...options,
  });
  cleanups.push(() => host.stop());
  host.deploy(fn);
  return { ...host, reports, logs };
}

const payloadOf = ({ payload }: { payload: string }): unknown => JSON.parse(payload);

describe('an invocation', () => {
  it('passes the event and returns the handler’s result', async () => {
    const host = await hostWith(await bundle('exports.handler = async (event) => ({ got: event });'));

    const result = await host.invoke('local-thing', '{"a":[1,"ü"]}');

    expect(result.kind).toBe('answered');
    expect(payloadOf(result)).toEqual({ got: { a: [1, 'ü'] } });
  });

  it('returns null if the handler returns nothing', async () => {
    const host = await hostWith(await bundle('exports.handler = async () => {};'));

    expect(await host.invoke('local-thing', '{}')).toMatchObject({ kind: 'answered', payload: 'null' });
  });

  it('passes Lambda’s context', async () => {
    const host = await hostWith(
      await bundle(`exports.handler = async (event, context) =>
        ({ ...context, remaining: context.getRemainingTimeInMillis() });`),
    );

    const result = await host.invoke('local-thing', '{}');

    const context = payloadOf(result) as Record<string, unknown>;
    expect(context).toMatchObject({
      functionName: 'local-thing',
      functionVersion: '$LATEST',
      memoryLimitInMB: '256',
      awsRequestId: result.requestId,
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:local-thing',
      logGroupName: '/aws/lambda/local-thing',
    });
    expect(context.remaining).toBeGreaterThan(15_000);
    expect(context.remaining).toBeLessThanOrEqual(20_000);
  });

  it('passes the function’s environment variables and none of ours', async () => {
    process.env.WIRO_API_KEY = 'a-secret-of-the-developer';
    cleanups.push(async () => delete process.env.WIRO_API_KEY);
    const host = await hostWith(
      await bundle('exports.handler = async () => ({ ...process.env, cwd: process.cwd() });', {
        environment: { TABLE_NAME: 'generations' },
      }),
    );

    const env = payloadOf(await host.invoke('local-thing', '{}')) as Record<string, string>;

    expect(env).toMatchObject({
      TABLE_NAME: 'generations',
      AWS_LAMBDA_FUNCTION_NAME: 'local-thing',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    });
    expect(JSON.stringify(env)).not.toContain('a-secret-of-the-developer');
    expect(env.cwd).toBe(env.LAMBDA_TASK_ROOT);
  });

  it('loads an ES module too', async () => {
    const fn = await bundle('');
    await writeFile(path.join(fn.directory, 'main.mjs'), 'export const handler = async () => "module";');
    const host = await hostWith({ ...fn, handler: 'main.handler' });

    expect(payloadOf(await host.invoke('local-thing', '{}'))).toBe('module');
  });
});

describe('the Runtime API', () => {
  it('has an address that AWS’s runtime clients accept', async () => {
    // A second client in the same environment, which asks as AWS's clients do.
    const host = await hostWith(
      await bundle(`exports.handler = async () => {
        const api = process.env.AWS_LAMBDA_RUNTIME_API;
        const [hostname, port, ...rest] = api.split(':');
        const { status } = await fetch('http://' + hostname + ':' + port + '/2018-06-01/runtime/init/error', {
          method: 'POST', body: '{}',
        });
        return { isPort: Number(port).toString() === port, rest, status };
      };`),
    );

    expect(payloadOf(await host.invoke('local-thing', '{}'))).toEqual({
      isPort: true,
      rest: [],
      status: 202,
    });
  });
});

describe('environments', () => {
  it('are reused: the second invocation finds the state of the first', async () => {
    const host = await hostWith(await bundle('let n = 0; exports.handler = async () => (n += 1);'));

    const counts = [await host.invoke('local-thing', '{}'), await host.invoke('local-thing', '{}')];

    expect(counts.map(payloadOf)).toEqual([1, 2]);
    expect(host.pids()).toHaveLength(1);
    expect(host.reports.map(({ initMs }) => initMs !== undefined)).toEqual([true, false]);
  });

  it('never run two invocations at once, and increase in number up to the maximum', async () => {
    const fn = await bundle(`
      let running = 0;
      exports.handler = async () => {
        running += 1;
        const together = running;
        await new Promise((resolve) => setTimeout(resolve, 50));
        running -= 1;
        return { together, pid: process.pid };
      };`);
    const host = await hostWith(fn, { maximumEnvironments: 3 });

    const results = await Promise.all(Array.from({ length: 9 }, () => host.invoke('local-thing', '{}')));

    const answers = results.map(payloadOf) as { together: number; pid: number }[];
    expect(answers.map(({ together }) => together)).toEqual(Array(9).fill(1));
    expect(new Set(answers.map(({ pid }) => pid)).size).toBeGreaterThan(1);
    expect(host.pids().length).toBeLessThanOrEqual(3);
  });

  it('end after some idle time, and are replaced when needed', async () => {
    const host = await hostWith(await bundle('exports.handler = async () => process.pid;'), { idleMs: 1 });

    const first = payloadOf(await host.invoke('local-thing', '{}')) as number;
    await untilGone(first);
    const second = payloadOf(await host.invoke('local-thing', '{}'));

    expect(second).not.toBe(first);
  });
});

describe('a failure', () => {
  it('is described like Lambda’s', async () => {
    const host = await hostWith(
      await bundle('exports.handler = async () => { throw new RangeError("too far"); };'),
    );

    const result = await host.invoke('local-thing', '{}');

    expect(result.kind).toBe('failed');
    expect(payloadOf(result)).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' });
    expect((payloadOf(result) as { trace: string[] }).trace[0]).toBe('RangeError: too far');
    expect(host.reports[0]?.failure).toBe('RangeError');
  });

  it('by timeout kills the process, and the next invocation gets a new one', async () => {
    const fn = await bundle(
      `exports.handler = async ({ hang }) => { while (hang) {} return process.pid; };`,
      { timeoutSeconds: 0.3 },
    );
    const host = await hostWith(fn);
    const pid = payloadOf(await host.invoke('local-thing', '{}')) as number;

    const hung = await host.invoke('local-thing', '{"hang":true}');
    const next = await host.invoke('local-thing', '{}');

    expect(hung.kind).toBe('failed');
    expect(payloadOf(hung)).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${hung.requestId} Error: Task timed out after 0.30 seconds`,
    });
    expect(payloadOf(next)).not.toBe(pid);
    await untilGone(pid);
  });

  it('follows when a process exits, and the process is replaced', async () => {
    const fn = await bundle(
      'exports.handler = async ({ exit }) => { if (exit) process.exit(7); return process.pid; };',
    );
    const host = await hostWith(fn);

    const crashed = await host.invoke('local-thing', '{"exit":true}');
    const next = await host.invoke('local-thing', '{}');

    expect(payloadOf(crashed)).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${crashed.requestId} Error: Runtime exited with error: exit status 7`,
    });
    expect(next.kind).toBe('answered');
  });

  it('follows when another process kills the environment', async () => {
    const fn = await bundle(
      'exports.handler = () => process.kill(process.pid, "SIGKILL") && new Promise(() => {});',
    );
    const host = await hostWith(fn);

    expect(await host.invoke('local-thing', '{}')).toMatchObject({
      kind: 'failed',
      payload: expect.stringContaining('signal: SIGKILL') as string,
    });
  });

  it('by unhandled rejection ends the process', async () => {
    const fn = await bundle(`exports.handler = () => {
      Promise.reject(new Error('nobody listens'));
      return new Promise((resolve) => setTimeout(resolve, 5000));
    };`);
    const host = await hostWith(fn);

    const result = await host.invoke('local-thing', '{}');

    // AWS's client for Node 24 handles none, so Node ends the process.
    expect(payloadOf(result)).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${result.requestId} Error: Runtime exited with error: exit status 1`,
    });
    expect(host.logs.map(({ message }) => message).join('\n')).toContain('Error: nobody listens');
  });

  it('follows if a handler can never settle', async () => {
    const host = await hostWith(await bundle('exports.handler = () => new Promise(() => {});'));

    expect(payloadOf(await host.invoke('local-thing', '{}'))).toMatchObject({
      errorType: 'Runtime.ExitError',
    });
  });

  it('to load a bundle is reported for every invocation that needs it', async () => {
    const host = await hostWith(await bundle('throw new Error("TABLE_NAME is not set");'));

    const results = await Promise.all([host.invoke('local-thing', '{}'), host.invoke('local-thing', '{}')]);

    expect(results.map(payloadOf)).toEqual([
      expect.objectContaining({ errorMessage: 'TABLE_NAME is not set' }),
      expect.objectContaining({ errorMessage: 'TABLE_NAME is not set' }),
    ]);
  });

  it('reports a missing handler', async () => {
    const host = await hostWith(await bundle('exports.other = 1;'));

    expect(payloadOf(await host.invoke('local-thing', '{}'))).toMatchObject({
      errorType: 'Runtime.HandlerNotFound',
    });
  });

  it('is thrown for a function that was not deployed', async () => {
    const host = await hostWith(await bundle('exports.handler = async () => 1;'));

    await expect(host.invoke('other', '{}')).rejects.toBeInstanceOf(FunctionNotFoundError);
    expect(() => host.invokeLater('other', '{}')).toThrow(FunctionNotFoundError);
  });
});

describe('payloads', () => {
  const MEGABYTE = 1024 * 1024;
  const textOf = (sizeBytes: number) => JSON.stringify('x'.repeat(sizeBytes - 2));

  it('may have 6 MB and no more', async () => {
    const host = await hostWith(await bundle('exports.handler = async (event) => event.length;'));

    const largest = await host.invoke('local-thing', textOf(6 * MEGABYTE));

    expect(payloadOf(largest)).toBe(6 * MEGABYTE - 2);
    await expect(host.invoke('local-thing', textOf(6 * MEGABYTE + 1))).rejects.toBeInstanceOf(
      PayloadTooLargeError,
    );
  });

  it('may have 1 MB and no more for an asynchronous invocation', async () => {
    const host = await hostWith(await bundle('exports.handler = async () => 1;'));

    host.invokeLater('local-thing', textOf(MEGABYTE));

    expect(() => host.invokeLater('local-thing', textOf(MEGABYTE + 1))).toThrow(PayloadTooLargeError);
    await host.idle();
  });

  it('over 6 MB as a result fail the invocation but not the environment', async () => {
    const fn = await bundle(`exports.handler = async (size) => size ? 'x'.repeat(size) : process.pid;`);
    const host = await hostWith(fn);

    const tooLarge = await host.invoke('local-thing', String(6 * MEGABYTE + 100));
    const next = await host.invoke('local-thing', '0');

    expect(payloadOf(tooLarge)).toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' });
    expect(host.pids()).toEqual([payloadOf(next)]);
  });
});

describe('asynchronous invocation', () => {
  /** A function that writes its request id to a file and fails `event.failures` times. */
  async function noting() {
    const fn = await bundle(`
      const fs = require('node:fs');
      exports.handler = async ({ file, failures }, { awsRequestId }) => {
        fs.appendFileSync(file, awsRequestId + '\\n');
        const runs = fs.readFileSync(file, 'utf8').trim().split('\\n').length;
        if (runs <= failures) throw new Error('not yet');
      };`);
    const file = path.join(fn.directory, 'runs');
    return { fn, file, runs: async () => (await readFile(file, 'utf8')).trim().split('\n') };
  }

  it('runs once if the first run succeeds', async () => {
    const { fn, file, runs } = await noting();
    const host = await hostWith(fn);

    const requestId = host.invokeLater('local-thing', JSON.stringify({ file, failures: 0 }));
    await host.idle();

    expect(await runs()).toEqual([requestId]);
  });

  it('is repeated twice on failure, with the same request id', async () => {
    const { fn, file, runs } = await noting();
    const host = await hostWith(fn);

    const requestId = host.invokeLater('local-thing', JSON.stringify({ file, failures: 9 }));
    await host.idle();

    expect(await runs()).toEqual([requestId, requestId, requestId]);
  });

  it('is not repeated after the host stops', async () => {
    const { fn, file, runs } = await noting();
    const host = await hostWith(fn, { retryDelaysMs: [60_000] });
    host.invokeLater('local-thing', JSON.stringify({ file, failures: 9 }));
    await expect.poll(() => host.reports.length).toBe(1);

    await host.stop();
    await host.idle();

    expect(await runs()).toHaveLength(1);
  });
});

describe('logs', () => {
  it('attribute every line to its request, and keep multi-line messages together', async () => {
    const fn = await bundle(`
      console.log('loading');
      exports.handler = async () => {
        console.log('one\\ntwo', { three: 3 });
        console.error('bad');
        process.stderr.write('past the console\\n');
      };`);
    const host = await hostWith(fn);

    const { requestId } = await host.invoke('local-thing', '{}');

    await expect.poll(() => host.logs).toHaveLength(4);
    const lines = host.logs.map((log) => [log.requestId, log.level, log.message]);
    expect(lines).toContainEqual([undefined, 'INFO', 'loading']);
    expect(lines).toContainEqual([requestId, 'INFO', 'one\ntwo { three: 3 }']);
    expect(lines).toContainEqual([requestId, 'ERROR', 'bad']);
    expect(lines.map(([, , message]) => message)).toContain('past the console');
  });
});

describe('the end', () => {
  it('kills running environments and fails their invocations', async () => {
    const fn = await bundle(`exports.handler = () => new Promise((resolve) => setTimeout(resolve, 60_000));`);
    const host = await hostWith(fn, { maximumEnvironments: 1 });
    const running = host.invoke('local-thing', '{}');
    const waiting = host.invoke('local-thing', '{}');
    await expect.poll(() => host.pids().length).toBe(1);
    const [pid = 0] = host.pids();

    await host.stop();

    expect(isAlive(pid)).toBe(false);
    expect([(await running).kind, (await waiting).kind]).toEqual(['failed', 'failed']);
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)('leaves no process when the host ends by %s', async (signal) => {
    const fn = await bundle(`exports.handler = async ({ hang }) => {
      console.log('pid ' + process.pid);
      if (hang) await new Promise((resolve) => setTimeout(resolve, 60_000));
    };`);
    const script = path.join(import.meta.dirname, 'lambda-host-alone.ts');
    const child = spawn(process.execPath, [script, JSON.stringify(fn)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pids: number[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      pids.push(Number(line));
      if (pids.length === 2) break;
    }

    child.kill(signal);
    await once(child, 'exit');

    await Promise.all(pids.map(untilGone));
    expect(pids).toHaveLength(2);
  });
});
