/** Steps to run at the end. */
export interface Cleanup {
  add(step: () => Promise<unknown> | unknown): void;
  /** Runs all steps in reverse order. Repeated calls run them once. A failed step does not stop the others. */
  run(): Promise<void>;
}

export function createCleanup(): Cleanup {
  const steps: (() => Promise<unknown> | unknown)[] = [];
  let running: Promise<void> | undefined;

  async function runSteps(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = steps.pop(); step; step = steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'Some cleanup steps failed');
  }

  return {
    add: (step) => void steps.push(step),
    run: () => {
      running ??= runSteps();
      return running;
    },
  };
}
