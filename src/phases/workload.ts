/** What a project holds before anything is filled: its tables, what is pending, and the load derived from them. */

import type { TableDescription } from '../engines/engine.ts';
import { findEngine } from '../engines/index.ts';
import { planOperations, writeWorkload } from '../load/index.ts';
import type { Profile } from '../profile/profile.ts';
import type { Progress } from '../progress.ts';
import { createRecorder } from '../recording/recorder.ts';
import type { MixStatement } from '../recording/recording.ts';
import type { Plan } from '../scenario/plan.ts';
import { findTool, readMigrations } from '../tools/index.ts';
import type { Migration } from '../tools/tool.ts';
import { prepareSchema } from './fill.ts';
import { refuseOtherEngine } from './profile.ts';
import { startServer } from './provision.ts';

export interface InspectOptions {
  /** Whose statements the workload is made of; null derives it from the schema. */
  readonly profile: Profile | null;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface Inspection {
  readonly tables: readonly TableDescription[];
  /** Versions in the ledger. */
  readonly applied: readonly string[];
  readonly pending: readonly Migration[];
  /** The operations as a workload file to be edited; null for a plan without load. */
  readonly workload: string | null;
}

/** Starts a server with the schema and no rows, and looks. UsageError for a schema that the server refuses. */
export async function inspectProject(
  plan: Plan,
  { progress, signal, profile }: InspectOptions,
): Promise<Inspection> {
  const engine = findEngine(plan.database.engine);
  if (profile !== null) refuseOtherEngine(profile, plan);
  const tool = findTool(plan.migrations.tool);
  const { directory, lockTimeoutMs } = plan.migrations;
  const recorder = createRecorder({
    harnessVersion: '',
    scenario: plan.name,
    randomSeed: plan.data.randomSeed,
    budgets: plan.budgets,
    migrations: { tool: tool.name, directory, lockTimeoutMs, applied: [], pending: [] },
  });
  const migrations = await readMigrations(tool, directory, engine.dialect);
  await using started = await startServer({
    plan,
    engine,
    provisioner: null,
    snapshot: null,
    recorder,
    progress,
    signal,
  });
  const { tables, pending } = await prepareSchema({
    plan,
    engine,
    tool,
    migrations,
    started,
    recorder,
    progress,
    signal,
  });
  const { applied } = recorder.recording({ how: 'completed' }).migrations;
  if (plan.load === null) return { tables, applied, pending, workload: null };

  await using session = await engine.connections.connect(
    started.roles.administrator,
    { applicationName: 'rehearse planning' },
    signal,
  );
  const { operations, mix } = await planOperations({
    engine,
    session,
    tables,
    profile,
    settings: { ...plan.load, operationsFile: null },
    generator: {
      randomSeed: plan.data.randomSeed,
      tables: tables.map((description) => ({ description, rows: 1, overrides: {}, existingKeys: null })),
    },
  });
  return { tables, applied, pending, workload: writeWorkload(operations) + leftOut(mix ?? []) };
}

/** As comments, so that somebody who knows more can bring them in. */
function leftOut(mix: readonly MixStatement[]): string {
  const comments = mix.flatMap(({ text, share, replayed }) =>
    'reason' in replayed
      ? [
          `\n-- left out, ${(share * 100).toPrecision(2)} % of the calls: ${replayed.reason}\n${text}`.replace(
            /\n(?!-- left)(?=.)/g,
            '\n-- | ',
          ),
        ]
      : [],
  );
  return comments.length === 0 ? '' : `${comments.join('')}\n`;
}
