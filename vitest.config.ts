import { defineConfig } from 'vitest/config';

// Tests never use a Wiro outside, whatever is exported in the shell they are started from.
for (const name of Object.keys(process.env)) if (name.startsWith('WIRO_')) delete process.env[name];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real servers and processes, on two busy cores: slow is not wrong, hanging is.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
