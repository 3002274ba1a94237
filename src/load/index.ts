/** The load as other parts use it: plan its operations, start it, write its workload file. */
import type { Engine, Session, TableDescription } from '../engines/engine.ts';
import type { GeneratorSpec } from '../generators/generator.ts';
import { createGenerators } from '../generators/index.ts';
import type { Profile } from '../profile/profile.ts';
import type { LoadSettings } from '../scenario/plan.ts';
import type { KeptSamples } from './operations/key-pools.ts';
import { type PlannedOperations, planFrom } from './operations/operations.ts';

export type { Operation } from './load.ts';
export { readCode, readNextStatements, runningStatements } from './operations/code.ts';
export type { KeptSamples } from './operations/key-pools.ts';
export { callsPerSecond, replayedShare } from './operations/mix.ts';
export type { PlannedOperations } from './operations/operations.ts';
export { measureRowsPerCall } from './operations/rows-per-call.ts';
export { refuseUnreadableWorkload } from './operations/unreadable.ts';
export { writeWorkload } from './operations/workload.ts';
export { refuseAboveCeiling } from './probe.ts';
export { findLoadProgram, refuseWrongScripts } from './program/find.ts';
export { startProgramLoad } from './program/start.ts';
export { startLoad } from './start.ts';

export interface PlanOperationsRequest {
  readonly engine: Engine;
  /** A session that may explain and read every table. */
  readonly session: Session;
  readonly tables: readonly TableDescription[];
  readonly settings: LoadSettings;
  readonly generator: GeneratorSpec;
  /** Whose statements are repeated where `settings` name no file. */
  readonly profile?: Profile | null;
  /** Tables that could not be filled; they get no derived operation and give no generated values. */
  readonly excludedTables?: readonly string[];
  /** Samples of live keys that earlier rehearsals of the same rows took; left out takes them anew. */
  readonly keptSamples?: KeptSamples | null;
  /** The tables are empty still: that no row has a value says nothing. Default: false. */
  readonly beforeFilling?: boolean;
}

/**
 * The operations of the load, from `settings.operationsFile`, the profile, or derived from the schema, with the live keys that their
 * parameters take. UsageError, with file and line, for all that is wrong with the file, at once.
 */
export function planOperations(request: PlanOperationsRequest): Promise<PlannedOperations> {
  const { generator, excludedTables = [] } = request;
  const filledBySchema = generator.tables
    .filter(({ existingKeys, largest }) => existingKeys !== null && largest === undefined)
    .map(({ description }) => description.name);
  return planFrom({
    ...request,
    generators: createGenerators(generator),
    excludedTables: [...excludedTables, ...filledBySchema],
  });
}
