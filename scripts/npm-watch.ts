import { readFileSync } from 'node:fs';

const LOOK_MS = 500;

/**
 * Calls `onGone` when npm, which started this process, has ended: asked to end, npm tells its shell, and a shell
 * tells nobody. Does nothing where npm is not involved.
 */
export function watchNpm(onGone: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const atFirst = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === atFirst) return;
    clearInterval(timer);
    onGone();
  }, LOOK_MS);
  timer.unref();
}

/** The parent, and npm behind it where the parent is the shell that npm runs scripts with. */
function ancestors(): string {
  const { ppid } = process;
  if (process.platform !== 'linux') return String(ppid);
  try {
    // `pid (name) state ppid …`; only the name may contain spaces and parentheses.
    const stat = readFileSync(`/proc/${ppid}/stat`, 'utf8');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const [, npmPid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return name === 'sh' ? `${ppid} ${npmPid}` : String(ppid);
  } catch {
    return String(ppid);
  }
}
