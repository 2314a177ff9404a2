/** Something that a flow needs is missing here. The message says what. */
export class SkippedError extends Error {
  override readonly name = 'SkippedError';
}
