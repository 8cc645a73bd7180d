import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,test,bench}/**/*.test.ts'],
    pool: 'forks',
    // Tests start databases and whole backups: two at a time is what a small machine bears.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
