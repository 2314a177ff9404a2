/** What is needed for a flow is not to be had here. Its message is the reason. */
export class SkippedError extends Error {
  override readonly name = 'SkippedError';
}
