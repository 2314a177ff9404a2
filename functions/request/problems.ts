import { type GenerationError, RequestError } from '../generation/errors.ts';

/** More are not looked for in one request, kept or not: whoever mends these sees the next ones. */
export const MOST_PROBLEMS = 100;

/** What is wrong with one request, gathered so that all of it can be mended at once: the first problem of each field. */
export interface Problems {
  /** Runs one check. @returns What it returns; nothing when it has found a problem. */
  check<Checked>(run: () => Checked): Checked | undefined;
  /** The same for a check that asks something outside. */
  checkLater<Checked>(run: () => Promise<Checked>): Promise<Checked | undefined>;
  isFull(): boolean;
  /** Whether a problem of this very field was found. */
  isWrong(field: string): boolean;
  /** @throws {RequestError} With all of them, if there are any. */
  throwAny(): void;
}

export function gatherProblems(): Problems {
  const found: GenerationError[] = [];
  let noted = 0;

  function note(error: unknown): undefined {
    if (!(error instanceof RequestError)) throw error;
    for (const problem of error.problems) {
      noted += 1;
      const isKnown = problem.field !== undefined && found.some(({ field }) => field === problem.field);
      if (!isKnown && found.length < MOST_PROBLEMS) found.push(problem);
    }
    return undefined;
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
    isWrong: (field) => found.some((one) => one.field === field),
    isFull: () => noted >= MOST_PROBLEMS,
    throwAny() {
      const [first, ...more] = found;
      if (first !== undefined) throw RequestError.ofAll([first, ...more]);
    },
  };
}
