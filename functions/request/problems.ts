import { type GenerationError, RequestError } from '../generation/errors.ts';

/** The checks of one request stop after this many problems, repeated ones of a field included. */
export const MOST_PROBLEMS = 100;

/** Collects the problems of one request, the first of each field, so that the user can fix all of them at once. */
export interface Problems {
  /** Runs one check. @returns The result of the check, or `undefined` if it found a problem. */
  check<Checked>(run: () => Checked): Checked | undefined;
  /** Runs an asynchronous check. @returns As `check`. */
  checkLater<Checked>(run: () => Promise<Checked>): Promise<Checked | undefined>;
  /** Adds problems that were found elsewhere. */
  add(problems: readonly GenerationError[]): void;
  isFull(): boolean;
  /** The collected problems, in the order in which they were found. */
  list(): readonly GenerationError[];
  /** Whether this field has a problem. */
  isWrong(field: string): boolean;
  /** @throws {RequestError} With all collected problems, if there are any. */
  throwAny(): void;
}

export function gatherProblems(): Problems {
  const found: GenerationError[] = [];
  let noted = 0;

  function note(error: unknown): undefined {
    if (!(error instanceof RequestError)) throw error;
    add(error.problems);
    return undefined;
  }

  function add(problems: readonly GenerationError[]): void {
    for (const problem of problems) {
      noted += 1;
      const isRepeated = problem.field !== undefined && found.some(({ field }) => field === problem.field);
      if (!isRepeated && found.length < MOST_PROBLEMS) found.push(problem);
    }
  }

  return {
    check(run) {
      if (noted >= MOST_PROBLEMS) return undefined;
      try {
        return run();
      } catch (error) {
        return note(error);
      }
    },
    checkLater: async (run) => (noted >= MOST_PROBLEMS ? undefined : await run().catch(note)),
    add,
    list: () => found,
    isWrong: (field) => found.some((one) => one.field === field),
    isFull: () => noted >= MOST_PROBLEMS,
    throwAny() {
      const [first, ...more] = found;
      if (first !== undefined) throw RequestError.ofAll([first, ...more]);
    },
  };
}
