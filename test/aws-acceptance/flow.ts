import type { World } from './world.ts';

/** One way through the deployed stack. To add one: a file in `flows/`, and its line in `flows/all.ts`. */
export interface Flow {
  /** What the table shows: the action and its expected result. */
  readonly name: string;
  /**
   * @returns A note for the table: what was seen.
   * @throws {SkippedError} If it cannot be tried here. Any other error means that the stack failed.
   */
  run(world: World): Promise<string>;
}
