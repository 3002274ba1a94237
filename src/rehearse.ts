/**
 * The rehearsal, in this order:
 *
 *  1. refuse what cannot be rehearsed; read the migrations, take away what a killed rehearsal left behind; fork a snapshot of the same rows, or start a
 *     server in its filling profile
 *  2. create the database roles, apply the schema, the released migrations, and find the pending ones in the ledger
 *  3. fill the tables to the wanted volume, unless a snapshot had them; meanwhile learn on a small copy what each pending
 *     statement does
 *  4. restart in the production-like profile; statistics and checkpoint settled; keep a snapshot where that is worth it
 *     and a replica started that follows, where one is wanted
 *  5. open the observers, start the load, warm up, baseline
 *  6. run the pending migrations while load and drills go on
 *  7. recovery, until the latency is back or the limit is reached
 *  8. stop load, observers, sessions and server, in reverse order of their start
 *
 * Nothing is judged here. Whatever goes wrong after the recorder exists, the recording so far is returned beside the
 * trouble; a migration that fails is a recorded step and no trouble at all.
 */
import { relative } from 'node:path';
import { findEngine } from './engines/index.ts';
import { firstError, InterruptedError, redact } from './errors.ts';
import { fill } from './phases/fill.ts';
import { chooseOrigin, type SnapshotUse } from './phases/origin.ts';
import { probeBeside } from './phases/probe.ts';
import { startServer } from './phases/provision.ts';
import { refuseImpossible } from './phases/refused.ts';
import { askInstead } from './phases/refused-clauses.ts';
import { startReplica } from './phases/replica.ts';
import { rehearseUnderLoad } from './phases/windows.ts';
import type { Progress } from './progress.ts';
import { createRecorder } from './recording/recorder.ts';
import type { Ending, PhaseName, Recording } from './recording/recording.ts';
import type { Plan } from './scenario/plan.ts';
import { findTool, readMigrations } from './tools/index.ts';
import type { Migration } from './tools/tool.ts';
import { harnessVersion } from './version.ts';

export interface RehearseOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Default `automatic`: a fitting snapshot is used, and one is kept where filling took long. */
  readonly snapshots?: SnapshotUse;
}

/** A recording, and what kept it from being completed; the trouble is to be reported after the recording is kept. */
export interface Rehearsed {
  readonly recording: Recording;
  readonly trouble: { readonly error: unknown } | null;
}

export async function rehearse(plan: Plan, options: RehearseOptions): Promise<Rehearsed> {
  const { progress, signal, snapshots: use = 'automatic' } = options;
  const engine = findEngine(plan.database.engine);
  const tool = findTool(plan.migrations.tool);
  const recorder = createRecorder({
    harnessVersion: harnessVersion(),
    scenario: plan.name,
    randomSeed: plan.data.randomSeed,
    budgets: plan.budgets,
    migrations: {
      tool: tool.name,
      directory: relative(plan.directory, plan.migrations.directory) || '.',
      lockTimeoutMs: plan.migrations.lockTimeoutMs,
      applied: [],
      pending: [],
    },
  });
  let phaseOfTrouble: PhaseName | null = null;

  async function run(): Promise<void> {
    await refuseImpossible(plan, engine, signal);
    const migrations = await readMigrations(tool, plan.migrations.directory, engine.dialect);
    await using origin = await chooseOrigin({ plan, engine, migrations, use, recorder, progress, signal });
    const { provisioner, snapshot } = origin;
    await using probe = probeBeside({
      plan,
      engine,
      tool,
      migrations,
      provisioner,
      recorder,
      progress,
      signal,
    });
    await using started = await startServer({
      plan,
      engine,
      provisioner,
      snapshot,
      recorder,
      progress,
      signal,
    });
    const onPending = (pending: readonly Migration[]) => probe.start(pending, started);
    const request = { plan, engine, tool, migrations, started, recorder, progress, signal, onPending };
    try {
      const filled = await fill(request);
      await origin.keep(started, filled);
      await probe.finished();
      await using replica = await startReplica(request);
      const { following } = replica;
      await rehearseUnderLoad({ ...request, filled, following, keptSamples: origin.samples });
      await askInstead(request);
    } catch (error) {
      phaseOfTrouble = recorder.phase;
      throw error;
    } finally {
      recorder.enter('stop');
      progress.say('stop', 'stopping the server');
    }
  }

  try {
    await run();
    signal.throwIfAborted();
    return { recording: recorder.recording({ how: 'completed' }), trouble: null };
  } catch (thrown) {
    // What fails because it was interrupted tells of the interruption, whatever it says itself.
    const error = signal.aborted ? signal.reason : firstError(thrown);
    const ended = endingOf(error, phaseOfTrouble ?? recorder.phase);
    return { recording: recorder.recording(ended), trouble: { error } };
  }
}

function endingOf(error: unknown, phase: PhaseName): Ending {
  if (error instanceof InterruptedError) return { how: 'interrupted', phase, signal: error.message };
  return { how: 'failed', phase, message: redact(error instanceof Error ? error.message : String(error)) };
}
