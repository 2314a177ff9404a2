import { watchNpm } from '../scripts/npm-watch.ts';

type StopSignalName = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * Aborts on Ctrl-C, on SIGTERM and SIGHUP, and if the npm process that started this one ends. Ignores further signals,
 * so that they do not interrupt the cleanup.
 * @returns The signal. Its reason is an {@link InterruptedError}.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (name: StopSignalName) => {
    if (!controller.signal.aborted) controller.abort(new InterruptedError(name));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop(name));
  watchNpm(() => stop('SIGHUP'));
  return controller.signal;
}

/** A signal interrupted the command. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
  /** The shell's convention: 130 after Ctrl-C. */
  readonly exitCode: number;

  constructor(signalName: StopSignalName) {
    super('Interrupted.');
    this.exitCode = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signalName];
  }
}
