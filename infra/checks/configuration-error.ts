import type { IConstruct } from 'constructs';

/** A configuration that cannot be deployed. The message names the construct, the property and the remedy. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  /**
   * Creates the error for the construct.
   * @param sentence - Begins with the property and ends with the remedy.
   */
  constructor({ node }: IConstruct, sentence: string) {
    super(`${node.path}: ${sentence}`);
  }
}

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
