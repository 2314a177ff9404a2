import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Runs the files that start the whole system first: they take longest, and the last file to start decides when the run
 * ends. Vitest itself knows the right order only after an earlier run.
 */
export class SystemFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const longestFirst = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) =>
      /\/test\/(faults|system|security|upgrades)\//.test(moduleId);
    return [...longestFirst.filter(isLong), ...longestFirst.filter((file) => !isLong(file))];
  }
}
