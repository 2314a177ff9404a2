/**
 * The deployment lacks its secrets: nothing can be run until somebody stores them. Its message names what is missing
 * and the remedy, and nothing of what is there.
 */
export class NotConfiguredError extends Error {
  override readonly name: string = 'NotConfiguredError';
}
