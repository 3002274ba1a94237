import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'tests/**/*.test.ts', 'bench/**/*.test.ts'],
    // Real servers and load threads on two cores: files take turns, so that no test measures its neighbour.
    fileParallelism: false,
    // No test depends on what another one, or a person, has kept; those of snapshots name a folder of their own.
    env: { REHEARSE_SNAPSHOTS: 'off' },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
});
