/** The operations that the load derives from a schema, as a workload file to be edited. */

import { findEngine } from '../engines/index.ts';
import { planOperations, writeWorkload } from '../load/index.ts';
import type { Progress } from '../progress.ts';
import { createRecorder } from '../recording/recorder.ts';
import type { Plan } from '../scenario/plan.ts';
import { findTool, readMigrations } from '../tools/index.ts';
import { prepareSchema } from './fill.ts';
import { startServer } from './provision.ts';

export interface DeriveOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Starts a server with the schema and no rows, and writes down what the load would do; null for a plan without load. */
export async function deriveWorkload(
  plan: Plan,
  { progress, signal }: DeriveOptions,
): Promise<string | null> {
  if (plan.load === null) return null;
  const engine = findEngine(plan.database.engine);
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
  await using started = await startServer({ plan, engine, recorder, progress, signal });
  const { tables } = await prepareSchema({
    plan,
    engine,
    tool,
    migrations,
    started,
    recorder,
    progress,
    signal,
  });
  await using session = await engine.connections.connect(
    started.roles.administrator,
    { applicationName: 'rehearse planning' },
    signal,
  );
  const { operations } = await planOperations({
    engine,
    session,
    tables,
    settings: { ...plan.load, operationsFile: null },
    generator: {
      randomSeed: plan.data.randomSeed,
      tables: tables.map((description) => ({ description, rows: 1, overrides: {}, existingKeys: null })),
    },
  });
  return writeWorkload(operations);
}
