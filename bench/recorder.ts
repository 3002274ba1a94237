/** A recorder for benchmarks that drive observers without a rehearsal: no budget, no migrations. */
import { createRecorder, type Recorder } from '../src/recording/recorder.ts';

export function benchRecorder(scenario: string): Recorder {
  return createRecorder({
    harnessVersion: '0',
    scenario,
    randomSeed: 1,
    budgets: {
      lockWaitMs: null,
      stallMs: null,
      durationMs: null,
      diskGrowthPeak: null,
      failedOperations: null,
      latencyP99: null,
      replicaLagMs: null,
    },
    migrations: { tool: 'plain', directory: '', lockTimeoutMs: null, applied: [], pending: [] },
  });
}
