import { spawn } from 'node:child_process';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');

export interface Command {
  /** For messages, such as `cdk deploy`. */
  readonly name: string;
  /** A script for this Node, relative to the project's root. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Ends the command as Ctrl-C would. @default - it runs to its end */
  readonly signal?: AbortSignal;
}

const SHOWN_LINES = 25;
const GRACE_MS = 15_000;

/**
 * Runs one of the project's programs. Shows its output only if it fails. It is not in our process group, so that Ctrl-C on
 * a terminal does not reach it directly.
 * @throws If it fails, with the end of its output. If it was stopped, the signal's reason.
 */
export async function runCommand({ name, script, args, env, signal }: Command): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn(process.execPath, [path.join(ROOT, script), ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  const kill = (how: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, how);
    } catch {
      // It has ended in the meantime.
    }
  };
  let force: NodeJS.Timeout | undefined;
  const stop = () => {
    kill('SIGINT');
    force = setTimeout(() => kill('SIGKILL'), GRACE_MS);
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal?.throwIfAborted();
    if (code === 0) return;
    const tail = printed.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
    throw new CommandError(`${name} failed (${code})`, tail);
  } finally {
    signal?.removeEventListener('abort', stop);
    clearTimeout(force);
  }
}

/** A program failed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** The end of its output. */
  readonly printed: string;

  constructor(message: string, printed: string) {
    super(message);
    this.printed = printed;
  }
}
