/** Runs migrations of a test on a real server, without load, and shows what they leave. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ConnectionTarget, Engine } from '../src/engines/engine.ts';
import { createRecorder } from '../src/recording/recorder.ts';
import type { Step } from '../src/recording/recording.ts';
import { findPending, type Pending, readMigrations } from '../src/tools/pending.ts';
import { type RunSettings, runMigrations } from '../src/tools/run.ts';
import type { Tool } from '../src/tools/tool.ts';

/** A directory with these files, removed at the end. */
export async function directoryWith(
  files: Readonly<Record<string, string>>,
): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'rehearse-migrations-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface Migrated {
  readonly found: Pending;
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
  /** What runMigrations threw; null when it ended by itself. */
  readonly thrown: unknown;
}

export interface MigrateRequest {
  readonly engine: Engine;
  readonly tool: Tool;
  readonly target: ConnectionTarget;
  /** Default: the engine's first one. */
  readonly flavor?: string;
}

export interface MigrateOptions {
  readonly released?: string;
  readonly settings?: Partial<RunSettings>;
  readonly signal?: AbortSignal;
  readonly onStatement?: (text: string) => void;
  readonly afterStep?: () => void;
}

const NO_LIMITS: RunSettings = { lockTimeoutMs: null, retries: 0, backoffMs: 1, statementTimeoutMs: null };

/** Finds what is pending in a directory and runs it. */
export async function migrate(
  { engine, tool, target, flavor = engine.flavors[0] ?? engine.name }: MigrateRequest,
  directory: string,
  { released, settings, signal, onStatement, afterStep }: MigrateOptions = {},
): Promise<Migrated> {
  const budgets = {
    lockWaitMs: null,
    stallMs: null,
    durationMs: null,
    diskGrowthPeak: null,
    failedOperations: null,
    latencyP99: null,
    replicaLagMs: null,
  };
  const recorder = createRecorder({
    harnessVersion: '0',
    scenario: 'test',
    randomSeed: 1,
    budgets,
    migrations: { tool: tool.name, directory, lockTimeoutMs: null, applied: [], pending: [] },
  });
  const migrations = await readMigrations(tool, directory, engine.dialect);
  await using session = await engine.connections.connect(target, { applicationName: 'test pending' });
  const found = await findPending({ engine, tool, session, migrations, released: released ?? null, flavor });
  const thrown = await runMigrations({
    engine,
    tool,
    flavor,
    target,
    pending: found.pending,
    settings: { ...NO_LIMITS, ...settings },
    recorder,
    onStatement: onStatement ?? (() => undefined),
    afterStep: async () => afterStep?.(),
    signal: signal ?? new AbortController().signal,
  }).then(
    () => null,
    (error: unknown) => error,
  );
  const { steps, notes } = recorder.recording({ how: 'completed' });
  return { found, steps, notes, thrown };
}

/** A step in one line: "2 failed: ok took effect, failed none, not run none". */
export function summary({ version, outcome, statements }: Step): string {
  return `${version} ${outcome}: ${statements.map((each) => `${each.outcome} ${each.effect}`).join(', ')}`;
}
