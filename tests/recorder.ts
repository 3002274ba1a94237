/** A recorder for tests and benchmarks that observe without a rehearsal: no budget, no migrations. */
import { NO_BUDGETS } from '../src/checks/recording.fixture.ts';
import { createRecorder, type Recorder } from '../src/recording/recorder.ts';

export function bareRecorder(scenario = 'test'): Recorder {
  return createRecorder({
    harnessVersion: '0',
    scenario,
    randomSeed: 1,
    budgets: NO_BUDGETS,
    migrations: { tool: 'plain', directory: '', lockTimeoutMs: null, applied: [], pending: [] },
  });
}
