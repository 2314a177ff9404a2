import { watchNpm } from '../scripts/npm-watch.ts';

type StopSignalName = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * Aborts on Ctrl-C, when the process is asked to end, and when npm, which started it, is gone. Only once: cleaning
 * up is quick and must not be cut short.
 * @returns The signal; its reason is an {@link InterruptedError}.
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

/** The person at the keyboard wants no more of it. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
  /** As shells have it: 130 after Ctrl-C. */
  readonly exitCode: number;

  constructor(signalName: StopSignalName) {
    super('Interrupted.');
    this.exitCode = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signalName];
  }
}
