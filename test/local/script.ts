import { spawn } from 'node:child_process';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface RunningScript {
  readonly pid: number;
  /** Everything written so far. */
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number | NodeJS.Signals | null>;
}

/** Runs one of the project's scripts as npm would, without a `WIRO_*` variable of whoever runs the tests. */
export function runScript(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningScript {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('WIRO_') && !name.startsWith('npm_') && name !== 'NODE_OPTIONS',
  );
  const child = spawn(process.execPath, [path.join(ROOT, file), ...args], {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      written[stream] += text;
    });
  return {
    pid: child.pid ?? 0,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    kill: (signal) => void child.kill(signal),
    exited: new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal))),
  };
}
