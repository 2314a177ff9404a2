/** The output is not available now. Trying again later may succeed. */
export class OutputUnavailableError extends Error {
  override readonly name: string = 'OutputUnavailableError';
  /** The status of the host's answer, if it answered. */
  readonly status?: number;

  constructor(message: string, options: ErrorOptions & { readonly status?: number } = {}) {
    super(message, options);
    if (options.status !== undefined) this.status = options.status;
  }
}

/** The connection failed or broke. The same request, from the last byte on, may succeed at once. */
export class OutputCutOffError extends OutputUnavailableError {
  override readonly name = 'OutputCutOffError';
}

/** The output must not be fetched. Trying again does not help. */
export class OutputRefusedError extends Error {
  override readonly name = 'OutputRefusedError';
}
