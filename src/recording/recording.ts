/**
 * The recording: every fact of one rehearsal and no judgement. It is the waist of the house: what comes before it may
 * touch a database and concludes nothing; what comes after it is pure. It imports nothing but its own figures.
 *
 * Instants (`...AtMs`) are milliseconds on the recorder's clock, which starts at 0 at `startedAt`.
 */
import type { CodeRecord } from './code-record.ts';
import type { Figure } from './figure.ts';
import type { StatementJournal } from './journal-record.ts';
import type { LoadRecord, RecoveryRecord } from './load-record.ts';
import type { MigrationsRecord, Step } from './migrations-record.ts';
import type { MixRecord } from './mix-record.ts';
import type {
  CanaryRecord,
  DeadlockRecord,
  DiskRecord,
  DrillRecord,
  HeldLock,
  LockWait,
  ObservedChange,
  ObserverRecord,
  ProgressRecord,
} from './observations.ts';
import type { ReplicaRecord } from './replica-record.ts';
import type { Learned, ProbeRecord } from './statement-effects.ts';
import type { UpkeepRecord } from './upkeep-record.ts';

export type * from './code-record.ts';
export type * from './journal-record.ts';
export type * from './load-record.ts';
export type * from './migrations-record.ts';
export type * from './mix-record.ts';
export type * from './observations.ts';
export type * from './replica-record.ts';
export type * from './statement-effects.ts';
export type * from './upkeep-record.ts';

export const RECORDING_FORMAT = 'migration-rehearsal/recording';
/** 2: histograms hold values in place of numbers of buckets. */
export const RECORDING_FORMAT_VERSION = 2;

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
  /** Only where the load repeats the statements of a profile. */
  readonly mix?: MixRecord;
  readonly steps: readonly Step[];
  readonly migrations: MigrationsRecord;
  /** Left out by harnesses that did not read one. */
  readonly journal?: StatementJournal | { readonly notMeasured: string };
  /** Left out without a load, and by harnesses that did not look at the code. */
  readonly code?: CodeRecord | { readonly notMeasured: string };
  /** Left out by harnesses without canaries. */
  readonly canaries?: readonly CanaryRecord[];
  /** Left out without a recovery window, and by harnesses that did not tell. */
  readonly recovery?: RecoveryRecord;
  /** What each statement does, learned on a small copy; left out by harnesses that had none. */
  readonly probe?: Learned<ProbeRecord>;
  readonly lockWaits: readonly LockWait[];
  /** Left out where the engine's observers are not told of them, and by harnesses that did not look. */
  readonly deadlocks?: DeadlockRecord | { readonly notMeasured: string };
  readonly heldLocks: readonly HeldLock[];
  readonly disk: DiskRecord | { readonly notMeasured: string };
  /** Left out where no replica was wanted, and by harnesses without replicas. */
  readonly replica?: ReplicaRecord | { readonly notMeasured: string };
  /** Left out where the engine has no upkeep to show, and by harnesses that did not look. */
  readonly upkeep?: UpkeepRecord;
  readonly progress: readonly ProgressRecord[];
  /** What the server really did per statement (algorithm, rewrite), as far as it could be seen. */
  readonly changes: readonly ObservedChange[];
  readonly drills: readonly DrillRecord[];
  readonly observers: readonly ObserverRecord[];
  readonly budgets: Budgets;
  /** Everything that was wanted and could not be measured, each with its reason; printed in every report. */
  readonly notMeasured: readonly NotMeasured[];
  /** Facts about the run that a reader must know (an unset lock timeout, a table left as the schema filled it...). */
  readonly notes: readonly string[];
}

export interface NotMeasured {
  readonly what: string;
  readonly reason: string;
  /** Set where some of these facts could not be seen at all, so that none recorded does not mean that there was none. */
  readonly unseen?: 'lock waits';
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
  /** Where its rows come from; left out by harnesses that kept no snapshots: they were filled. */
  readonly data?: ServerData;
  /** Settings that differ from the server's own defaults, as the server reports them during the rehearsal. */
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  /** Server clock minus the recorder's clock. */
  readonly clockOffsetMs: Figure;
}

/** Rows that were filled for this rehearsal, or a private copy of a data directory that was filled before. */
export type ServerData =
  | { readonly origin: 'filled' }
  | {
      readonly origin: 'snapshot';
      readonly key: string;
      /** ISO 8601: when it was filled and kept. */
      readonly madeAt: string;
      /** By reference, or byte by byte. */
      readonly method: 'clone' | 'copy';
      readonly copyMs: number;
      readonly bytes: number;
    };

export interface TableFilling {
  readonly table: string;
  readonly rows: number;
  /** Table with its indexes, after filling. */
  readonly bytes: Figure;
  /** Null where it was not timed: rows of the schema itself, tables that came together out of a dump. */
  readonly durationMs: number | null;
  /** False when the rows are those of the schema or of a dump. */
  readonly generated: boolean;
  /** Left out where no wear was asked for. */
  readonly wear?: TableWear;
}

/** Wear of a live system that the table was given after its rows were in (`data.age`). */
export interface TableWear {
  /** Row versions written with the same values, in random order. */
  readonly updatedRows: number;
  /** Rows deleted and inserted again with the same values. */
  readonly reinsertedRows: number;
  /** Reckoned: this table's part of the time that ageing all tables took, by the rows touched. */
  readonly durationMs: number;
  /** Of the table with its indexes, as the bulk load had left it. */
  readonly bytesBefore: Figure;
  /** Versions of rows that no vacuum or purge has taken away. */
  readonly deadRows: Figure;
  /** Share of the table's pages that holds nothing, 0..1. */
  readonly freeShare: Figure;
  /** Why the table is as the bulk load left it, where it is. */
  readonly notAged?: string;
}

export type WindowName = 'baseline' | 'migration' | 'recovery';

export interface Window {
  readonly name: WindowName;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** Limits that the user set; `null` is no limit. A bound that is relative carries its reference in its name. */
export interface Budgets {
  /** Longest that any operation of the load, or the migration itself, queued for a lock. */
  readonly lockWaitMs: number | null;
  readonly stallMs: number | null;
  readonly durationMs: number | null;
  /** Growth from before to peak: bytes, or a ratio of the size before (1 = as much again). */
  readonly diskGrowthPeak: { readonly bytes: number } | { readonly ratio: number } | null;
  /** Free on the disk of production. Left out by harnesses that did not know it: no limit. */
  readonly diskFreeBytes?: number | null;
  readonly failedOperations: number | null;
  /** p99 of the response time in the migration window: milliseconds, or a multiple of the baseline's. */
  readonly latencyP99: { readonly ms: number } | { readonly ratio: number } | null;
  readonly replicaLagMs: number | null;
}
