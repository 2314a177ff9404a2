/** What has to be undone at the end, whenever that comes. */
export interface Cleanup {
  add(step: () => Promise<unknown> | unknown): void;
  /** Undoes everything, last first; once, however often it is called. A failed step does not stop the others. */
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
    if (errors.length > 0) throw new AggregateError(errors, 'Could not clean up everything');
  }

  return {
    add: (step) => void steps.push(step),
    run: () => {
      running ??= runSteps();
      return running;
    },
  };
}
