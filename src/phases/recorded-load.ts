/** The load of a rehearsal, whose facts reach the recorder. */
import { type Operation, planOperations, startLoad, startProgramLoad } from '../load/index.ts';
import type { RunningLoad } from '../load/load.ts';
import type { LoadRecord } from '../recording/recording.ts';
import type { LoadSettings } from '../scenario/plan.ts';
import type { WindowsRequest } from './windows.ts';

/** A running load whose facts reach the recorder when it is disposed of, however that comes about. */
export interface RecordedLoad extends RunningLoad {
  /** Of our own load; empty for a generator of others. */
  readonly operations: readonly Operation[];
  /** What was due until now is discarded; the record says how much that was. */
  endWarmUp(): void;
}

/** Null when the scenario asks for none. */
export async function startRecordedLoad(request: WindowsRequest): Promise<RecordedLoad | null> {
  const { plan, recorder } = request;
  if (plan.load === null) {
    recorder.setLoad({ notMeasured: 'the scenario asks for no load (load.rate: 0)' });
    return null;
  }
  recorder.enter('warm-up');
  const { load, operations } = await openLoad(request, plan.load);
  const startedMs = recorder.now();
  let warmUp: LoadRecord['warmUp'];
  return {
    ...load,
    operations,
    endWarmUp() {
      warmUp ??= { durationMs: recorder.now() - startedMs, due: load.pulse().due };
    },
    [Symbol.asyncDispose]: async () => {
      try {
        const record = await load.finish();
        recorder.setLoad(warmUp === undefined ? record : { ...record, warmUp });
      } finally {
        await load[Symbol.asyncDispose]();
      }
    },
  };
}

interface OpenedLoad {
  readonly load: RunningLoad;
  readonly operations: readonly Operation[];
}

/** Our own load, or the generator that the scenario names; its warm-up has begun. */
async function openLoad(request: WindowsRequest, settings: LoadSettings): Promise<OpenedLoad> {
  const { plan, engine, started, filled, recorder, progress, signal } = request;
  const { randomSeed } = plan.data;
  const { program } = settings;
  if (program !== null) {
    progress.say('warm-up', `load of ${settings.ratePerSecond}/s by ${program.name}`);
    const target = started.roles.load;
    recorder.add('notMeasured', {
      what: 'whether the statements of the running version still work after each step',
      reason: `${program.name} runs its own scripts: what it is refused under load is counted`,
    });
    const load = await startProgramLoad(
      { engine, target, settings, program, randomSeed, now: () => recorder.now() },
      signal,
    );
    return { load, operations: [] };
  }
  await using session = await engine.connections.connect(
    started.roles.administrator,
    { applicationName: 'rehearse planning' },
    signal,
  );
  const planned = await planOperations({
    engine,
    session,
    tables: filled.tables,
    settings,
    generator: filled.generator,
  });
  for (const note of planned.notes) recorder.add('notes', note);
  for (const problem of planned.problems) recorder.add('notMeasured', { what: 'load', reason: problem });
  const load = await startLoad(
    {
      engine: engine.name,
      target: started.roles.load,
      settings,
      operations: planned.operations,
      keyPools: planned.keyPools,
      generator: filled.generator,
      randomSeed,
      epochMs: recorder.epochMs,
    },
    signal,
  );
  const { length } = planned.operations;
  progress.say('warm-up', `load of ${settings.ratePerSecond}/s over ${length} operations`);
  return { load, operations: planned.operations };
}
