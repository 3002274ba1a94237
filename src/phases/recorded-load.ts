/** The load of a rehearsal, whose facts reach the recorder. */
import type { ConnectionTarget } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import { type Operation, planOperations, startLoad, startProgramLoad } from '../load/index.ts';
import type { RunningLoad } from '../load/load.ts';
import type { LoadRecord } from '../recording/recording.ts';
import type { LoadProgramSettings, LoadSettings } from '../scenario/plan.ts';
import { recordMix } from './production-mix.ts';
import { statementsOf } from './profile.ts';
import type { WindowsRequest } from './windows.ts';

/** A running load whose facts reach the recorder when it is disposed of, however that comes about. */
export interface RecordedLoad extends RunningLoad {
  /** Of our own load; empty for a generator of others. */
  readonly operations: readonly Operation[];
  /** As the scenario has it, or production's where that is repeated. */
  readonly ratePerSecond: number;
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
  const { load, operations, ratePerSecond } = await openLoad(request, plan.load);
  const startedMs = recorder.now();
  let warmUp: LoadRecord['warmUp'];
  return {
    ...load,
    operations,
    ratePerSecond,
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

interface OpenedLoad extends Pick<RecordedLoad, 'operations' | 'ratePerSecond'> {
  readonly load: RunningLoad;
}

/** Our own load, or the generator that the scenario names; its warm-up has begun. */
async function openLoad(request: WindowsRequest, settings: LoadSettings): Promise<OpenedLoad> {
  const { program } = settings;
  return program === null ? openOwn(request, settings) : openProgram(request, settings, program);
}

async function openProgram(
  { plan, engine, started, recorder, progress, signal }: WindowsRequest,
  settings: LoadSettings,
  program: LoadProgramSettings,
): Promise<OpenedLoad> {
  const { randomSeed } = plan.data;
  progress.say('warm-up', `load of ${settings.ratePerSecond}/s by ${program.name}`);
  const target = started.roles.load;
  recorder.add('notMeasured', {
    what: 'running version',
    reason: `${program.name} has scripts of its own, which are not explained between the steps: what it is refused is counted`,
  });
  const load = await startProgramLoad(
    { engine, target, settings, program, randomSeed, now: () => recorder.now() },
    signal,
  );
  return { load, operations: [], ratePerSecond: settings.ratePerSecond };
}

async function openOwn(request: WindowsRequest, settings: LoadSettings): Promise<OpenedLoad> {
  const { plan, engine, started, filled, keptSamples, recorder, progress, signal } = request;
  const { randomSeed } = plan.data;
  const profile = await statementsOf(plan);
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
    profile,
    keptSamples,
  });
  for (const note of planned.notes) recorder.add('notes', note);
  for (const problem of planned.problems) recorder.add('notMeasured', { what: 'load', reason: problem });
  const ratePerSecond =
    profile === null ? settings.ratePerSecond : await recordMix(request, { profile, planned }, settings);
  const replicaTarget = replicaFor(request, planned.operations);
  const load = await startLoad(
    {
      engine: engine.name,
      target: started.roles.load,
      ...(replicaTarget !== null && { replicaTarget }),
      settings: { ...settings, ratePerSecond },
      operations: planned.operations,
      keyPools: planned.keyPools,
      generator: filled.generator,
      randomSeed,
      epochMs: recorder.epochMs,
    },
    signal,
  );
  const { length } = planned.operations;
  progress.say('warm-up', `load of ${ratePerSecond}/s over ${length} operations`);
  return { load, operations: planned.operations, ratePerSecond };
}

/**
 * Where operations of the replica go; null where there is none of them. UsageError when the scenario wants no replica; one
 * that cannot be had leaves them on the rehearsed server, which is said.
 */
function replicaFor(
  { plan, following, recorder }: WindowsRequest,
  operations: readonly Operation[],
): ConnectionTarget | null {
  const names = operations.flatMap(({ record }) => (record.server === 'replica' ? [record.name] : []));
  if (names.length === 0) return null;
  if (!plan.database.replica)
    throw new UsageError(
      `the operations ${names.join(', ')} are for the replica, and there is none: write "replica: true" under database`,
    );
  if (following !== null) return following.roles.load;
  recorder.add('notMeasured', {
    what: `reads of the replica (${names.join(', ')})`,
    reason: 'no replica runs, so they are sent to the rehearsed server',
  });
  return null;
}
