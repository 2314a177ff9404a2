import { defineConfig } from 'vitest/config';

/** The parts of the crash matrix, the chaos run and the drain that are short enough for every day. */
export default defineConfig({
  test: {
    include: ['test/faults/{crash-matrix,chaos,drain}.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
