import type { IConstruct } from 'constructs';

/** A construct that cannot be deployed as it is configured. Its message names the construct and the remedy. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  /**
   * Refuses the construct.
   * @param sentence - Begins with the property; ends with what to change.
   */
  constructor({ node }: IConstruct, sentence: string) {
    super(`${node.path}: ${sentence}`);
  }
}
