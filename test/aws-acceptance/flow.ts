import type { World } from './world.ts';

/** One way through the deployed stack. To add one: a file in `flows/`, and its line in `flows/all.ts`. */
export interface Flow {
  /** As the table shows it: what is done, and what must come of it. */
  readonly name: string;
  /**
   * @returns A few words for the table: what was seen.
   * @throws {SkippedError} When it cannot be tried here; anything else when the stack does not do what it must.
   */
  run(world: World): Promise<string>;
}
