import { readFileSync } from 'node:fs';

const LOOK_MS = 500;

/**
 * Calls `onGone` once the npm process that started this one has ended. npm forwards signals only to its shell, and the
 * shell does not forward them to this process. Does nothing if npm did not start this process.
 */
export function watchNpm(onGone: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const initial = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === initial) return;
    clearInterval(timer);
    onGone();
  }, LOOK_MS);
  timer.unref();
}

/** The parent's process id, and npm's if the parent is the shell in which npm runs scripts. */
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
