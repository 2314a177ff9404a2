import { defineConfig } from 'vitest/config';
import { keepCompiled } from './test/support/keep-compiled.ts';
import { SystemFirst } from './test/support/system-first.ts';

// Tests never use a Wiro outside, whatever is exported in the shell they are started from.
for (const name of Object.keys(process.env)) if (name.startsWith('WIRO_')) delete process.env[name];
keepCompiled();

/** Takes every core that it is given: it runs when everything else is over. */
const MATRIX = ['test/faults/crash-matrix.test.ts'];
/** `npm run test:system`: what costs half a minute of a processor or more, and what other tests show in small. */
const LONG = ['test/**/*.long.test.ts'];
/** Measures, so it runs alone, and in `npm run test:system`. */
const DRAIN = ['test/faults/drain.test.ts'];

/** Packages are loaded once a worker; of the project's own modules each file has its own. */
const SHARED = { isolate: false, setupFiles: ['test/support/fresh-modules.ts'] };

export default defineConfig({
  test: {
    globalSetup: ['test/support/build-bundles.ts'],
    // Real servers and processes, on two busy cores: slow is not wrong, hanging is.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    sequence: { sequencer: SystemFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [...MATRIX, ...DRAIN, ...LONG],
          // Most of them wait for servers and processes of their own more than they work.
          maxWorkers: 4,
          ...SHARED,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'long', include: LONG, maxWorkers: 2, ...SHARED, sequence: { groupOrder: 2 } },
      },
      {
        extends: true,
        test: { name: 'matrix', include: MATRIX, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: 'drain', include: DRAIN, maxWorkers: 1, sequence: { groupOrder: 3 } },
      },
    ],
  },
});
