import { type GenerationError, RequestError } from '../generation/errors.ts';

/** More are not looked for in one request: whoever mends these sees the next ones. */
const MOST = 100;

/** What is wrong with one request, gathered so that all of it can be mended at once: the first problem of each field. */
export interface Problems {
  /** Runs one check. @returns What it returns; nothing when it has found a problem. */
  check<Checked>(run: () => Checked): Checked | undefined;
  /** The same for a check that asks something outside. */
  checkLater<Checked>(run: () => Promise<Checked>): Promise<Checked | undefined>;
  isFull(): boolean;
  /** @throws {RequestError} With all of them, if there are any. */
  throwAny(): void;
}

export function gatherProblems(): Problems {
  const found: GenerationError[] = [];

  function note(error: unknown): undefined {
    if (!(error instanceof RequestError)) throw error;
    for (const problem of error.problems) {
      const isKnown = problem.field !== undefined && found.some(({ field }) => field === problem.field);
      if (!isKnown && found.length < MOST) found.push(problem);
    }
    return undefined;
  }

  return {
    check(run) {
      if (found.length >= MOST) return undefined;
      try {
        return run();
      } catch (error) {
        return note(error);
      }
    },
    checkLater: (run) => run().catch(note),
    isFull: () => found.length >= MOST,
    throwAny() {
      const [first, ...more] = found;
      if (first !== undefined) throw RequestError.ofAll([first, ...more]);
    },
  };
}
