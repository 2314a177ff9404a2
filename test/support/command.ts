import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

export const ROOT = path.resolve(import.meta.dirname, '../..');
/** How every script of `package.json` starts. */
export const NODE = [process.execPath, '--import', './scripts/require-node.mjs'] as const;

export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly process: ChildProcess;
  /** Settles when it has ended and closed its output. */
  readonly ended: Promise<CommandEnd>;
  /** What it has written so far. */
  output(): CommandEnd;
  /** What it has left behind: files in its temporary directory, and processes, by their command lines. */
  leftovers(): Promise<{ readonly files: readonly string[]; readonly processes: readonly string[] }>;
}

/** Starts a command without any `WIRO_*` variable but the given ones, in a temporary directory of its own. */
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

/** Command lines of processes whose environment names `text`; none where there is no /proc to look at. */
function processesThatKnow(text: string): string[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const knows = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(text);
        return knows ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
      } catch {
        return []; // gone meanwhile, or somebody else's
      }
    });
}
