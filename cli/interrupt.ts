const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** A signal interrupted the command. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  /** The shell's convention: 130 after Ctrl-C. */
  readonly exitCode: number;

  constructor(signal: keyof typeof EXIT_CODES) {
    super('Interrupted.');
    this.exitCode = EXIT_CODES[signal];
  }
}

/**
 * Aborts on Ctrl-C, SIGTERM and SIGHUP. A second signal ends the process at once.
 * @returns The signal. Its reason is an {@link InterruptedError}.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const stops = (Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[]).map((name) => {
    const stop = () => {
      for (const [other, listener] of stops) process.off(other, listener);
      controller.abort(new InterruptedError(name));
    };
    process.on(name, stop);
    return [name, stop] as const;
  });
  return controller.signal;
}
