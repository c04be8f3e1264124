import { defineConfig } from 'vitest/config';

// Each file starts the program and a browser of its own; one at a time keeps the figures comparable.
export default defineConfig({
  test: {
    include: ['tests/browser/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
