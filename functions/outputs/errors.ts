/** The output could not be had now; trying again later may succeed. */
export class OutputUnavailableError extends Error {
  override readonly name: string = 'OutputUnavailableError';
  /** What the host answered, where it answered. */
  readonly status?: number;

  constructor(message: string, options: ErrorOptions & { readonly status?: number } = {}) {
    super(message, options);
    if (options.status !== undefined) this.status = options.status;
  }
}

/** The connection failed or broke: the same request again, from the byte reached, may succeed at once. */
export class OutputCutOffError extends OutputUnavailableError {
  override readonly name = 'OutputCutOffError';
}

/** The output may never be fetched, however often it is tried. */
export class OutputRefusedError extends Error {
  override readonly name = 'OutputRefusedError';
}
