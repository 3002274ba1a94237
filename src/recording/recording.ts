/**
 * The recording: every fact of one rehearsal and no judgement. It is the waist of the house: what comes before it may
 * touch a database and concludes nothing; what comes after it is pure. It imports nothing but its own figures.
 *
 * Instants (`...AtMs`) are milliseconds on the recorder's clock, which starts at 0 at `startedAt`.
 */
import type { Figure } from './figure.ts';
import type { StoredHistogram } from './histogram.ts';

export const RECORDING_FORMAT = 'migration-rehearsal/recording';
export const RECORDING_FORMAT_VERSION = 1;

export interface Recording {
  readonly format: typeof RECORDING_FORMAT;
  readonly formatVersion: typeof RECORDING_FORMAT_VERSION;
  readonly harnessVersion: string;
  readonly scenario: string;
  /** ISO 8601 wall clock of the recorder's zero. */
  readonly startedAt: string;
  readonly endedAtMs: number;
  readonly ended: Ending;
  readonly randomSeed: number;
  readonly machine: Machine;
  readonly servers: readonly ServerRecord[];
  readonly phases: readonly Phase[];
  readonly filling: readonly TableFilling[];
  readonly windows: readonly Window[];
  readonly load: LoadRecord | { readonly notMeasured: string };
  readonly steps: readonly Step[];
  readonly migrations: MigrationsRecord;
  readonly lockWaits: readonly LockWait[];
  readonly heldLocks: readonly HeldLock[];
  readonly disk: DiskRecord | { readonly notMeasured: string };
  readonly progress: readonly ProgressRecord[];
  /** What the server really did per statement (algorithm, rewrite), as far as it could be seen. */
  readonly changes: readonly ObservedChange[];
  readonly drills: readonly DrillRecord[];
  readonly observers: readonly ObserverRecord[];
  readonly budgets: Budgets;
  /** Everything that was wanted and could not be measured, each with its reason; printed in every report. */
  readonly notMeasured: readonly { readonly what: string; readonly reason: string }[];
  /** Facts about the run that a reader must know (an unset lock timeout, a table left as the schema filled it...). */
  readonly notes: readonly string[];
}

export type Ending =
  | { readonly how: 'completed' }
  | { readonly how: 'interrupted'; readonly phase: PhaseName; readonly signal: string }
  | { readonly how: 'failed'; readonly phase: PhaseName; readonly message: string };

export type PhaseName =
  | 'provision'
  | 'fill'
  | 'settle'
  | 'warm-up'
  | 'baseline'
  | 'migration'
  | 'recovery'
  | 'stop';

export interface Phase {
  readonly name: PhaseName;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly nodeVersion: string;
}

export type ServerRole = 'rehearsal' | 'replica' | 'probe';
export type DatabaseRole = 'migrator' | 'load' | 'observer';

export interface ServerRecord {
  readonly role: ServerRole;
  readonly engine: string;
  readonly flavor: string;
  readonly version: string;
  readonly provisioner: string;
  /** How it was started, in words without a secret: "embedded 18.4 (npm)", "container postgres:17". */
  readonly description: string;
  /** Settings that differ from the server's own defaults, as the server reports them during the rehearsal. */
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  /** Server clock minus the recorder's clock. */
  readonly clockOffsetMs: Figure;
}

export interface TableFilling {
  readonly table: string;
  readonly rows: number;
  /** Table with its indexes, after filling. */
  readonly bytes: Figure;
  readonly durationMs: number;
  /** False when the schema itself filled the table and the rows were left as they were. */
  readonly generated: boolean;
}

export type WindowName = 'baseline' | 'migration' | 'recovery';

export interface Window {
  readonly name: WindowName;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/* ---------------------------------------------------------------- load */

export type OutcomeClass =
  | 'pool timeout'
  | 'statement timeout'
  | 'lock timeout'
  | 'deadlock'
  | 'serialization failure'
  | 'cached plan changed'
  | 'undefined object'
  | 'constraint violation'
  | 'connection lost'
  | 'dropped'
  | 'other error';

export interface LoadRecord {
  readonly ratePerSecond: number;
  readonly arrivals: 'poisson' | 'uniform';
  /** SHA-256 over instants, operations and parameters of the arrival list, hex. */
  readonly arrivalsHash: string;
  readonly pool: {
    readonly size: number;
    readonly instances: number;
    readonly checkoutTimeoutMs: number | null;
    readonly maxQueue: number;
  };
  readonly statementTimeoutMs: number | null;
  readonly operations: readonly OperationRecord[];
  /** One entry per window; attribution is by the due instant. */
  readonly windows: readonly LoadWindow[];
  readonly latencies: readonly LatencyRecord[];
  readonly outcomes: readonly OutcomeRecord[];
  readonly slotMs: number;
  readonly slots: readonly LoadSlot[];
  readonly stalls: readonly Stall[];
  readonly selfCheck: SelfCheck;
}

export interface OperationRecord {
  readonly name: string;
  readonly statements: readonly string[];
  readonly weight: number;
  readonly kind: 'read' | 'write';
  readonly tables: readonly string[];
  /** `running` is the deployed application, `next` the one being released. */
  readonly codeVersion: 'running' | 'next';
}

/** due = completed + failed + dropped + inFlight holds in every window, and is asserted. */
export interface LoadWindow {
  readonly window: WindowName;
  readonly due: number;
  readonly completed: number;
  readonly failed: number;
  readonly dropped: number;
  readonly inFlight: number;
  /** Operations that found no free connection and had to wait in the application's pool. */
  readonly waitedInPool: number;
}

export type LatencyKind = 'response' | 'schedule lag' | 'pool wait' | 'service';

/** Histograms hold microseconds. Operations in flight at the end are recorded as at least their age. */
export interface LatencyRecord {
  readonly operation: string;
  readonly window: WindowName;
  readonly kind: LatencyKind;
  readonly histogram: StoredHistogram;
}

export interface OutcomeRecord {
  readonly operation: string;
  readonly window: WindowName;
  readonly outcome: OutcomeClass;
  /** SQLSTATE or errno; `null` for what never reached the server. */
  readonly code: string | null;
  readonly count: number;
  readonly firstAtMs: number;
  /** First message of this kind, values redacted. */
  readonly message: string;
}

/** `due`, `failed`, `dropped` and `maxResponseMs` are by due instant; the others by the clock. */
export interface LoadSlot {
  readonly atMs: number;
  readonly due: number;
  readonly completed: number;
  readonly failed: number;
  readonly dropped: number;
  readonly maxResponseMs: number;
  readonly poolQueue: number;
  readonly inFlight: number;
}

/** A stretch of time in which operations were due and none completed. */
export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
  readonly due: number;
}

export interface SelfCheck {
  readonly offeredPerSecond: number;
  readonly achievedPerSecond: number;
  readonly scheduleLagMsP99: Figure;
  readonly eventLoopDelayMsP99: Figure;
  /** 0..1 of the load thread. */
  readonly utilization: Figure;
  /** Of one core, 1 = a whole core. */
  readonly cpuCores: Figure;
}

/* ---------------------------------------------------------- migrations */

export interface MigrationsRecord {
  readonly tool: string;
  readonly directory: string;
  readonly lockTimeoutMs: number | null;
  /** Versions that the ledger already held, oldest first. */
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

export interface Step {
  readonly version: string;
  readonly name: string;
  readonly file: string;
  readonly outcome: 'applied' | 'failed' | 'not run';
  /** How the tool brackets it; `implicit` where the engine commits DDL by itself. */
  readonly transaction: 'one' | 'per statement' | 'implicit';
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** How often it was tried; more than one after a lock timeout with retries. */
  readonly attempts: number;
  readonly statements: readonly StatementRecord[];
  readonly error: SqlFailure | null;
}

export interface StatementRecord {
  /** Unique in the recording: "<version>#<attempt>.<index>". */
  readonly id: string;
  readonly index: number;
  readonly attempt: number;
  readonly text: string;
  readonly line: number;
  readonly startedAtMs: number;
  readonly durationMs: Figure;
  /** Session that ran it, as the server numbers it. */
  readonly sessionId: number | null;
  readonly outcome: 'ok' | 'failed' | 'not run';
  /** What is left of it in the database; `rolled back` when its transaction was. */
  readonly effect: 'took effect' | 'rolled back' | 'none' | 'unknown';
  readonly rows: number | null;
  readonly error: SqlFailure | null;
}

export interface SqlFailure {
  /** SQLSTATE or errno. */
  readonly code: string | null;
  readonly message: string;
  readonly statement: string | null;
  /** 1-based character position in the statement, where the server tells. */
  readonly position: number | null;
}

/* -------------------------------------------------------- observations */

/** Who a session belongs to: one of the three database roles, a drill, the server itself, or somebody else. */
export type SessionOwner = 'migration' | 'load' | 'drill' | 'observer' | 'server' | 'other';

export interface SessionRecord {
  readonly sessionId: number;
  readonly owner: SessionOwner;
  readonly applicationName: string;
  /** What it was running, or had last run when idle in a transaction. Values are redacted in load statements. */
  readonly statement: string | null;
  readonly state: string | null;
}

export type WaitEnding =
  | 'granted'
  | 'lock timeout'
  | 'statement timeout'
  | 'cancelled'
  | 'deadlock'
  | 'still waiting'
  | 'unknown';

/** One wait for one lock. */
export interface LockWait {
  readonly server: ServerRole;
  readonly waiter: SessionRecord;
  /** The chain of who waits for whom, root blocker first, the waiter itself left out. */
  readonly blockers: readonly SessionRecord[];
  /** relation, transaction, tuple, virtual transaction, metadata, row... as the engine names it. */
  readonly target: string;
  readonly relation: string | null;
  readonly mode: string;
  readonly startedAtMs: number;
  readonly waitedMs: Figure;
  readonly ended: WaitEnding;
  /** Statement of the migration that waited (`StatementRecord.id`), or null when the waiter is no migration. */
  readonly statementId: string | null;
}

/** A lock that a session of the migration owned. */
export interface HeldLock {
  readonly server: ServerRole;
  readonly sessionId: number;
  readonly relation: string;
  readonly mode: string;
  readonly heldMs: Figure;
  readonly firstSeenAtMs: number;
  readonly statementId: string | null;
}

/** Apart, since each has its own remedy: `log` is WAL on Postgres and redo on MySQL. */
export type DiskArea = 'tables' | 'indexes' | 'temporary' | 'log' | 'undo' | 'binlog' | 'other';

export interface DiskReading {
  readonly atMs: number;
  /** Bytes on disk per area; an area that this server has not, or that cannot be seen, is absent. */
  readonly areas: Partial<Readonly<Record<DiskArea, number>>>;
}

export interface DiskRecord {
  readonly server: ServerRole;
  readonly source: string;
  /** One reading at a time: the peak is the reading with the largest sum, never a sum of single peaks. */
  readonly before: DiskReading;
  readonly peak: DiskReading;
  readonly after: DiskReading;
  readonly samples: readonly DiskReading[];
  /** Bytes of write-ahead or redo log written from before to after, the load's included. */
  readonly logWrittenBytes: Figure;
  readonly relations: readonly RelationDisk[];
  readonly freeBytesBefore: Figure;
}

export interface RelationDisk {
  readonly relation: string;
  readonly kind: 'table' | 'index';
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/** Progress of a running statement as the server tells it. */
export interface ProgressRecord {
  readonly atMs: number;
  readonly sessionId: number;
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** What a statement did to a relation, as seen in the catalogs; `null` means it could not be seen. */
export interface ObservedChange {
  readonly statementId: string | null;
  readonly relation: string;
  /** "rewrite", "copy", "in place", "in place with rebuild", "instant"... the engine's own words. */
  readonly algorithm: string | null;
  readonly detail: string;
  readonly source: string;
  /**
   * Set when the validity of an index or a constraint was seen: that of the last change naming the same relation is
   * what the migrations leave behind. `relation` is then the index, or "table.constraint".
   */
  readonly validity?: 'valid' | 'gone' | 'invalid index' | 'constraint not validated';
}

export interface DrillRecord {
  readonly drill: string;
  readonly description: string;
  readonly sessionId: number | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface ObserverRecord {
  readonly name: string;
  readonly samples: number;
  readonly intervalMs: number | null;
  readonly cpuMs: Figure;
  /** Trouble that cost samples; empty when none. */
  readonly trouble: readonly string[];
}

/* -------------------------------------------------------------- budgets */

/** Limits that the user set; `null` is no limit. A bound that is relative carries its reference in its name. */
export interface Budgets {
  /** Longest that any operation of the load, or the migration itself, queued for a lock. */
  readonly lockWaitMs: number | null;
  readonly stallMs: number | null;
  readonly durationMs: number | null;
  /** Growth from before to peak: bytes, or a ratio of the size before (1 = as much again). */
  readonly diskGrowthPeak: { readonly bytes: number } | { readonly ratio: number } | null;
  readonly failedOperations: number | null;
  /** p99 of the response time in the migration window: milliseconds, or a multiple of the baseline's. */
  readonly latencyP99: { readonly ms: number } | { readonly ratio: number } | null;
  readonly replicaLagMs: number | null;
}
