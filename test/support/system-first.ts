import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * What starts the whole system takes longest, and whatever starts last decides when all is over. Without this the order
 * is right only where an earlier run has left its durations.
 */
export class SystemFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const longestFirst = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) =>
      /\/test\/(faults|system|security|upgrades)\//.test(moduleId);
    return [...longestFirst.filter(isLong), ...longestFirst.filter((file) => !isLong(file))];
  }
}
