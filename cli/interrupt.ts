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

/** The reader of the command's output has ended, as in `… list | head`. */
export class OutputClosedError extends Error {
  override readonly name = 'OutputClosedError';
  /** The shell's convention for SIGPIPE. */
  readonly exitCode = 141;

  constructor() {
    super('Nothing reads the output any more.');
  }
}

/** Aborts `controller` on Ctrl-C, SIGTERM and SIGHUP, with an {@link InterruptedError}. A second signal ends the process. */
export function abortOnSignals(controller: AbortController): void {
  const stops = (Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[]).map((name) => {
    const stop = () => {
      for (const [other, listener] of stops) process.off(other, listener);
      controller.abort(new InterruptedError(name));
    };
    process.on(name, stop);
    return [name, stop] as const;
  });
}
