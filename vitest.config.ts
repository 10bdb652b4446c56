import { defineConfig } from 'vitest/config';

/** Lab tests start whole clusters: one file at a time, and their own deadlines are the ones that should fire. */
const LAB_TEST_TIMEOUT_MS = 240_000;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/**/*.test.ts', 'examples/**/*.test.ts', 'test/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/*.lab.test.ts'],
          fileParallelism: false,
          testTimeout: LAB_TEST_TIMEOUT_MS,
          hookTimeout: LAB_TEST_TIMEOUT_MS,
          teardownTimeout: 60_000,
          pool: 'forks',
        },
      },
    ],
  },
});
