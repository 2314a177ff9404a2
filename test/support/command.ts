import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

export const ROOT = path.resolve(import.meta.dirname, '../..');
/** The first arguments of every script in `package.json`. */
export const NODE = [process.execPath, '--import', './scripts/require-node.mjs'] as const;

export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly process: ChildProcess;
  /** Settles when the command has ended and closed its output. */
  readonly ended: Promise<CommandEnd>;
  /** Its output so far. */
  output(): CommandEnd;
  /** Lists what it has left behind: files in its temporary directory, and the command lines of processes. */
  leftovers(): Promise<{ readonly files: readonly string[]; readonly processes: readonly string[] }>;
}

/** Starts a command with only the given `WIRO_*` variables, and with its own temporary directory. */
export async function startCommand(
  [command, ...args]: readonly [string, ...string[]],
  { env = {}, cwd = ROOT }: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<RunningCommand> {
  const temporary = await mkdtemp(path.join(tmpdir(), 'wiro-command-'));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('WIRO_'));
  const child = spawn(command, args, {
    cwd,
    env: { ...Object.fromEntries(inherited), TMPDIR: temporary, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
    });
  const ended = new Promise<CommandEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...written }));
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended.catch(() => {});
    await rm(temporary, { recursive: true, force: true });
  });
  return {
    process: child,
    ended,
    output: () => ({ code: child.exitCode, ...written }),
    leftovers: async () => ({ files: await readdir(temporary), processes: processesThatKnow(temporary) }),
  };
}

/** Lists the command lines of processes with `text` in their environment. Empty without /proc. */
function processesThatKnow(text: string): string[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const knows = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(text);
        return knows ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
      } catch {
        return []; // it has ended, or belongs to another user
      }
    });
}
