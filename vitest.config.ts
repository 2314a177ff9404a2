import { defineConfig } from 'vitest/config';

// Tests never use a Wiro outside, whatever is exported in the shell they are started from.
for (const name of Object.keys(process.env)) if (name.startsWith('WIRO_')) delete process.env[name];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Minutes each, and not yet measured on an idle machine: `npx vitest run --config test/faults/vitest.config.ts`.
    exclude: ['test/faults/{crash-matrix,chaos,drain}.test.ts'],
    // Real servers and processes, on two busy cores: slow is not wrong, hanging is.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
