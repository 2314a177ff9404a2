/**
 * The deployment's secrets are missing, so it runs nothing until a person stores them. The message names what is missing
 * and the remedy. It contains no stored value.
 */
export class NotConfiguredError extends Error {
  override readonly name: string = 'NotConfiguredError';
}
