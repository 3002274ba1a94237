/**
 * Fills a server and keeps the snapshot only, in this order:
 *
 *  1. read the migrations; nothing is left to do but to verify when a snapshot of the same rows is there
 *  2. start a server in its filling profile; database roles, schema, released migrations
 *  3. fill the tables, restart in the production-like profile, settle
 *  4. when it is to be verified, hold the server's statistics against the profile
 *  5. keep the data directory, and stop the server
 */
import { relative } from 'node:path';
import { findEngine } from './engines/index.ts';
import { EnvironmentError } from './errors.ts';
import { fill } from './phases/fill.ts';
import { chooseOrigin } from './phases/origin.ts';
import { startServer } from './phases/provision.ts';
import { profileToVerify, verifyFilled } from './phases/verified.ts';
import type { Progress } from './progress.ts';
import { createRecorder } from './recording/recorder.ts';
import type { TableFilling } from './recording/recording.ts';
import type { Plan } from './scenario/plan.ts';
import { findTool, readMigrations } from './tools/index.ts';
import type { Comparison } from './verify/index.ts';
import { harnessVersion } from './version.ts';

export interface SeedOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Holds the rows, those of a snapshot that was there too, against the profile. */
  readonly verify: boolean;
}

export interface Seeded {
  readonly key: string;
  /** True when this call made it, false when it was there. */
  readonly made: boolean;
  readonly filling: readonly TableFilling[];
  /** Null when nothing was verified. */
  readonly comparisons: readonly Comparison[] | null;
}

/** EnvironmentError where snapshots cannot be kept; UsageError where there is no profile to verify against. */
export async function seed(plan: Plan, { progress, signal, verify }: SeedOptions): Promise<Seeded> {
  const engine = findEngine(plan.database.engine);
  const tool = findTool(plan.migrations.tool);
  const { directory, lockTimeoutMs } = plan.migrations;
  const recorder = createRecorder({
    harnessVersion: harnessVersion(),
    scenario: plan.name,
    randomSeed: plan.data.randomSeed,
    budgets: plan.budgets,
    migrations: {
      tool: tool.name,
      directory: relative(plan.directory, directory) || '.',
      lockTimeoutMs,
      applied: [],
      pending: [],
    },
  });
  const profile = verify ? await profileToVerify(plan) : null;
  const migrations = await readMigrations(tool, directory, engine.dialect);
  await using origin = await chooseOrigin({
    plan,
    engine,
    migrations,
    use: 'seed',
    recorder,
    progress,
    signal,
  });
  const { provisioner, snapshot } = origin;
  if (snapshot !== null && profile === null)
    return { key: snapshot.key, made: false, filling: snapshot.manifest.filling, comparisons: null };
  await using started = await startServer({
    plan,
    engine,
    provisioner,
    snapshot,
    recorder,
    progress,
    signal,
  });
  const request = { plan, engine, tool, migrations, started, recorder, progress, signal };
  const filled = await fill(request);
  const comparisons = profile === null ? null : await verifyFilled(request, filled, profile);
  if (snapshot !== null) return { key: snapshot.key, made: false, filling: filled.filling, comparisons };
  const kept = await origin.keep(started, filled);
  progress.say(recorder.phase, 'stopping the server');
  if ('key' in kept) return { key: kept.key, made: true, filling: filled.filling, comparisons };
  throw new EnvironmentError(`no snapshot of "${plan.name}" was kept: ${kept.notKept}`);
}
