import { defineConfig } from 'vitest/config';

/** Real servers and load threads on two cores: what measures time takes turns, so that no test measures its neighbour. */
const timed = [
  'tests/{scenarios,engine-contract,trouble,mysql-trouble,load-windows,server-killed,workloads,production-mix}.test.ts',
  'src/{load,observers,drills}/**/*.test.ts',
  'src/phases/replica{,-mysql}.test.ts',
  'bench/disk.test.ts',
  'src/engines/*/{views,connections,pgbench}/**/*.test.ts',
];
/** These kill a harness and ask the next one what it left behind: any other one would tidy it away before. */
const tidying = ['tests/{leftovers,interruption}.test.ts', 'src/provisioners/**/*.test.ts'];

/** No test depends on what another one, or a person, has kept; those of snapshots name a folder of their own. */
const env = { REHEARSE_SNAPSHOTS: 'off' };
const limits = { testTimeout: 180_000, hookTimeout: 180_000, teardownTimeout: 30_000 };

export default defineConfig({
  test: {
    reporters: ['default', './scripts/summary-reporter.ts'],
    projects: [
      {
        test: {
          name: 'two at a time',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'tests/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: [...timed, ...tidying],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          env,
          ...limits,
        },
      },
      {
        test: {
          name: 'one at a time',
          include: [...timed, ...tidying],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          env,
          ...limits,
        },
      },
    ],
  },
});
