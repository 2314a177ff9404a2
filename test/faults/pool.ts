import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FunctionBundles } from '../support/bundles.ts';
import type { Call, Place } from './calls.ts';
import type { Pace } from './pace.ts';
import type { FlowRun } from './run-flow.ts';

/** One flow, run once with a kill, or undisturbed to record its calls. */
export interface Job {
  readonly flow: string;
  /** @default - nobody is killed */
  readonly target?: { readonly call: Call; readonly place: Place };
  /** Every function starts cold. @default - cold or warm, as it comes */
  readonly isCold?: boolean;
}

export type JobResult = FlowRun;

export interface WorkerSetup {
  readonly bundles: FunctionBundles;
  readonly pace: Pace;
}

/** The first message to a worker is what it is to work with; each that follows is a job. */
export type Message = { readonly setup: WorkerSetup } | { readonly job: Job };

/** Worlds in processes of their own, each of which runs one flow at a time. */
export interface Pool {
  run(job: Job): Promise<JobResult>;
  stop(): Promise<void>;
}

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
/** Beyond every deadline within. */
const LIMIT_MS = 300_000;

export function startPool({ workers, ...setup }: WorkerSetup & { readonly workers: number }): Pool {
  const idle: ChildProcess[] = [];
  const all = new Set<ChildProcess>();
  const waiting: ((worker: ChildProcess) => void)[] = [];

  function start(): ChildProcess {
    const worker = fork(WORKER, {
      // Not those of a test runner that this may be part of.
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    worker.send({ setup } satisfies Message);
    all.add(worker);
    worker.once('exit', () => all.delete(worker));
    return worker;
  }

  function take(): Promise<ChildProcess> {
    const worker = idle.pop() ?? (all.size < workers ? start() : undefined);
    return worker ? Promise.resolve(worker) : new Promise((resolve) => waiting.push(resolve));
  }

  function give(worker: ChildProcess): void {
    const next = waiting.shift();
    if (next) next(worker);
    else idle.push(worker);
  }

  return {
    run: async (job) => {
      const worker = await take();
      const result = await ask(worker, job);
      give(worker.connected ? worker : start());
      return result;
    },
    stop: async () => {
      const gone = [...all].map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
      for (const worker of all) if (worker.connected) worker.disconnect();
      await Promise.all(gone);
    },
  };
}

function ask(worker: ChildProcess, job: Job): Promise<JobResult> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const failed = (problem: string) =>
      end({ calls: [], problems: [problem], durationMs: performance.now() - begun });
    const timer = setTimeout(() => {
      worker.kill('SIGKILL');
      failed(`no answer from the worker within ${LIMIT_MS} ms`);
    }, LIMIT_MS);
    const exited = (code: number | null) => failed(`the worker ended with ${code}`);
    const end = (result: JobResult) => {
      clearTimeout(timer);
      worker.off('exit', exited).off('message', end);
      resolve(result);
    };
    worker.once('exit', exited).once('message', end);
    worker.send({ job } satisfies Message);
  });
}
