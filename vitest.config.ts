import { fileURLToPath } from 'node:url';
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
const tidying = ['tests/{leftovers,interruption,restore}.test.ts', 'src/provisioners/**/*.test.ts'];

/**
 * Threads take their sources from it: stripping the types of each anew takes half a second a thread, and Node 24 died of a
 * thread that let go of the WebAssembly which does it ("jit_page_->allocations_.erase(addr) == 1", nodejs/node#64500).
 */
const compiled = fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));
/**
 * No test depends on what another one, or a person, has kept; those of snapshots name a folder of their own. A second server
 * per rehearsal is started by the test of what it is for alone.
 */
const env = { REHEARSE_SNAPSHOTS: 'off', REHEARSE_PROBE: 'off', NODE_COMPILE_CACHE: compiled };
const limits = { testTimeout: 180_000, hookTimeout: 180_000, teardownTimeout: 30_000 };

export default defineConfig({
  test: {
    reporters: ['default', './scripts/summary-reporter.ts'],
    projects: [
      {
        test: {
          name: 'side by side',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'tests/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: [...timed, ...tidying],
          maxWorkers: 3,
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
