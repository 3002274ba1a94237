/**
 * Runs migrations as their tool would: its transactions, its messages, its ledger. A migration that fails is a recorded
 * step; only a defect and an interruption leave as exceptions.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionTarget, Engine, Session } from '../engines/engine.ts';
import { MIGRATION_APPLICATION, SqlError } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { Step } from '../recording/recording.ts';
import type { MigrationsPlan } from '../scenario/plan.ts';
import { attemptUnit, type Connected, type Failure, type Piece, type Unit } from './attempt.ts';
import { runLedger, upToReleased } from './pending.ts';
import { recordsNotRun, type Send, sendsByPart } from './sends.ts';
import { createStepLog, type StepLog, type StepSink } from './step-log.ts';
import type { Ledger, LedgerStatement, Migration, Tool } from './tool.ts';

export type RunSettings = Pick<
  MigrationsPlan,
  'lockTimeoutMs' | 'retries' | 'backoffMs' | 'statementTimeoutMs'
>;

export interface MigrationsRequest {
  readonly engine: Engine;
  readonly tool: Tool;
  readonly flavor: string;
  /** The migrator, inside the rehearsed database. */
  readonly target: ConnectionTarget;
  readonly pending: readonly Migration[];
  readonly settings: RunSettings;
  readonly recorder: Pick<Recorder, 'now' | 'setStep' | 'add'>;
  /** Called with each message before it is sent. */
  readonly onStatement: (text: string) => void;
  /** Called when a migration has ended, applied or failed; awaited before the next one begins. */
  readonly afterStep: (step: Step) => Promise<void>;
  readonly signal: AbortSignal;
}

interface Run extends Connected {
  readonly tool: Tool;
  readonly ledger: Ledger;
  readonly settings: RunSettings;
  readonly afterStep: (step: Step) => Promise<void>;
}

/** A pause grows up to this many times the first one. */
const MAX_BACKOFF_FACTOR = 10;

/** Runs what is pending and records one step for each; stops at the first that fails. */
export async function runMigrations(request: MigrationsRequest): Promise<void> {
  const { engine, tool, flavor, target, pending, settings, recorder, onStatement, afterStep, signal } =
    request;
  await using session = await connect(engine, target, settings, signal);
  const sink: StepSink = {
    now: recorder.now,
    setStep: recorder.setStep,
    note: (text) => recorder.add('notes', text),
  };
  const ledger = tool.ledger(engine.dialect, flavor);
  await runAll({ engine, session, sink, signal, onStatement, tool, ledger, settings, afterStep }, pending);
  signal.throwIfAborted();
}

export interface ReleasedRequest {
  readonly engine: Engine;
  readonly tool: Tool;
  readonly flavor?: string;
  readonly target: ConnectionTarget;
  readonly migrations: readonly Migration[];
  readonly released: string;
  readonly signal: AbortSignal;
}

const NO_LIMITS: RunSettings = { lockTimeoutMs: null, retries: 0, backoffMs: 0, statementTimeoutMs: null };

/** Builds production's schema on an empty database: everything up to `released`. UsageError when one of them fails. */
export async function runReleased(request: ReleasedRequest): Promise<void> {
  const { engine, tool, target, migrations, released, signal } = request;
  const ledger = tool.ledger(engine.dialect, request.flavor ?? engine.flavors[0] ?? engine.name);
  await using session = await connect(engine, target, NO_LIMITS, signal);
  await runLedger(session, ledger.create);
  const steps = new Map<string, Step>();
  const sink: StepSink = {
    now: () => performance.now(),
    setStep: (step) => void steps.set(step.version, step),
    note: () => undefined,
  };
  const { pending } = ledger.interpret([], upToReleased(migrations, released));
  const nothing = { onStatement: () => undefined, afterStep: async () => undefined };
  await runAll({ engine, session, sink, signal, tool, ledger, settings: NO_LIMITS, ...nothing }, pending);
  signal.throwIfAborted();
  for (const { file, outcome, error, statements } of steps.values()) {
    if (outcome === 'applied') continue;
    const line = statements.findLast((statement) => statement.outcome === 'failed')?.line;
    throw new UsageError(
      `the released migration ${file}${line === undefined ? '' : `:${line}`} failed on an empty database ` +
        `(${error?.code ?? 'no code'}): ${error?.message}. Give the schema as production has it (data.schema, --schema).`,
    );
  }
}

function connect(
  engine: Engine,
  target: ConnectionTarget,
  { lockTimeoutMs, statementTimeoutMs }: RunSettings,
  signal: AbortSignal,
): Promise<Session> {
  return engine.connections.connect(
    target,
    {
      applicationName: MIGRATION_APPLICATION,
      ...(lockTimeoutMs === null ? {} : { lockTimeoutMs }),
      ...(statementTimeoutMs === null ? {} : { statementTimeoutMs }),
    },
    signal,
  );
}

async function runAll(run: Run, pending: readonly Migration[]): Promise<void> {
  const { dialect } = run.engine;
  const prepared = pending.map((migration) => {
    const parts = sendsByPart(migration, dialect);
    const notRun = recordsNotRun(migration.version, parts.flat(), run.sink.now());
    return {
      parts,
      log: createStepLog(migration, {
        sink: run.sink,
        transaction: bracketOf(run, migration, parts),
        notRun,
      }),
    };
  });
  if (run.signal.aborted) return;
  if (run.tool.bracket === 'all') return runTogether(run, prepared);
  for (const { log, parts } of prepared) {
    if (run.signal.aborted || !(await runMigration(run, log, parts))) return;
  }
}

function bracketOf(
  { engine, tool }: Run,
  { parts }: Migration,
  sends: readonly (readonly Send[])[],
): Step['transaction'] {
  if (engine.capabilities.transactionalDdl !== true) return 'implicit';
  if (tool.bracket === 'all') return 'one';
  const single = parts.every(
    ({ transaction }, index) =>
      transaction === 'none' && sends[index]?.every(({ statements }) => statements.length <= 1),
  );
  return single ? 'per statement' : 'one';
}

/** One migration with its ledger; true when the next one may follow. */
async function runMigration(run: Run, log: StepLog, parts: readonly (readonly Send[])[]): Promise<boolean> {
  const { ledger } = run;
  const { migration } = log;
  log.start();
  const after = (): readonly LedgerStatement[] =>
    ledger.after(migration, { durationMs: run.sink.now() - log.startedAtMs, failure: null });
  let failure = await keepLedger(run, log, ledger.before(migration));
  for (const [index, sends] of parts.entries()) {
    if (failure !== null) break;
    const inHere =
      ledger.afterRuns === 'in each part' ||
      (ledger.afterRuns === 'in the last part' && index === parts.length - 1);
    const bracketed = migration.parts[index]?.transaction === 'one';
    failure = await runUnit(run, { bracketed, pieces: [{ log, sends, after: inHere ? after : nothing }] });
  }
  if (failure === null && ledger.afterRuns === 'outside') failure = await keepLedger(run, log, after());
  if (failure === null) log.end('applied', null);
  else await recordFailure(run, log, failure);
  await run.afterStep(log.step);
  return failure === null;
}

function nothing(): readonly LedgerStatement[] {
  return [];
}

/** All of them in one transaction: the failure of one takes back those before it. */
async function runTogether(
  run: Run,
  prepared: readonly { readonly log: StepLog; readonly parts: readonly (readonly Send[])[] }[],
): Promise<void> {
  const pieces = prepared.map(
    ({ log, parts }): Piece => ({
      log,
      sends: parts.flat(),
      after: () =>
        run.ledger.after(log.migration, { durationMs: run.sink.now() - log.startedAtMs, failure: null }),
    }),
  );
  for (const { log } of pieces) log.start();
  const failure = await runUnit(run, { bracketed: true, pieces });
  let reached = true;
  for (const { log } of pieces) {
    if (failure === null) log.end('applied', null);
    else if (log === failure.log) await recordFailure(run, log, failure);
    else if (reached && stayed(run, log)) log.end('applied', null);
    else if (reached) log.end('failed', takenBackWith(failure));
    else log.end('not run', null);
    if (reached) await run.afterStep(log.step);
    if (log === failure?.log) reached = false;
  }
}

/** Where DDL commits by itself, a migration whose every statement took effect stays, and its ledger row with it. */
function stayed({ engine }: Run, { written }: StepLog): boolean {
  return (
    engine.capabilities.transactionalDdl !== true && written.every(({ effect }) => effect === 'took effect')
  );
}

function takenBackWith({ log }: Failure): Step['error'] {
  const message = `rolled back with ${log.migration.file}, which failed in the same transaction`;
  return { code: null, message, statement: null, position: null };
}

/** Attempts a unit until it is through, cannot be tried again, or its retries are used up. */
async function runUnit(run: Run, unit: Unit): Promise<Failure | null> {
  const { retries, backoffMs } = run.settings;
  let from = 0;
  for (let attempt = 1; ; attempt += 1) {
    const { failure, restartAt } = await attemptUnit(run, unit, from, attempt);
    if (failure === null) return null;
    noteLeftover(run, failure);
    if (failure.why !== 'lock timeout' || attempt > retries || restartAt === null) return failure;
    await pause(Math.min(backoffMs * 2 ** (attempt - 1), backoffMs * MAX_BACKOFF_FACTOR), run.signal);
    if (run.signal.aborted) return failure;
    from = restartAt;
    for (const { log } of unit.pieces) log.nextAttempt();
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** What refuses a transaction works in several of its own, so that its failure is not all taken back. */
function noteLeftover({ engine, sink }: Run, { log, error }: Failure): void {
  const failed = log.written.find(({ outcome, effect }) => outcome === 'failed' && effect === 'unknown');
  if (failed === undefined || !engine.dialect.refusesTransaction(failed.text)) return;
  const earlier = log.step.statements.some(
    ({ index, attempt }) => index === failed.index && attempt < failed.attempt,
  );
  if (earlier) return;
  sink.note(
    `${log.migration.file}:${failed.line}: this statement failed (${error.message}) and no transaction takes back what ` +
      'it had done: an invalid index may be left, and must be dropped before the statement can be run again',
  );
}

async function recordFailure(run: Run, log: StepLog, failure: Failure): Promise<void> {
  log.end('failed', failure.error);
  if (failure.why === 'connection lost' || failure.why === 'interrupted') return;
  const outcome = { durationMs: run.sink.now() - log.startedAtMs, failure: failure.error };
  const trouble = await keepLedger(run, log, run.ledger.failed(log.migration, outcome));
  if (trouble === null) return;
  run.sink.note(`the ledger could not be told that ${log.migration.file} failed: ${trouble.error.message}`);
}

/** The ledger's statements outside of a migration's transaction. */
async function keepLedger(
  run: Run,
  log: StepLog,
  statements: readonly LedgerStatement[],
): Promise<Failure | null> {
  const { dialect } = run.engine;
  if (statements.length === 0) return null;
  if (run.signal.aborted) {
    const error = { code: null, message: 'interrupted', statement: null, position: null };
    return { error, why: 'interrupted', log };
  }
  try {
    await runLedger(run.session, statements);
    return null;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const { code, message, statement, position } = error;
    const lost = dialect.classify(code, message) === 'connection lost';
    return { error: { code, message, statement, position }, why: lost ? 'connection lost' : 'other', log };
  }
}
