/** How a second server of an engine is made to follow the first one, and how far behind it is. */
import type { Session } from './connections.ts';

/** Where a replica reaches the server that it follows. */
export interface PrimaryAddress {
  readonly host: string;
  readonly port: number;
}

/** A file of the data directory, path relative to it with `/`. */
export interface ReplicaFile {
  readonly path: string;
  readonly text: string;
  /** True: added to what is there. */
  readonly append: boolean;
}

/** What a replica needs before it can follow. */
export interface ReplicaPreparation {
  /** Put into the copy before its first start. */
  readonly files: readonly ReplicaFile[];
  /** Removed from the copy before its first start; paths as in {@link ReplicaFile}. What is not there is no error. */
  readonly without: readonly string[];
  /** Added to its settings file, which begins as the primary's; empty where nothing is to be added. */
  readonly settings: string;
  /** Called once it answers, a superuser's session on it; left out where it follows by itself. */
  readonly follow?: (replica: Session) => Promise<void>;
  /** What the primary does for the replica and would not do without, a sentence each. */
  readonly notes: readonly string[];
}

/** Where the primary stands in its log. */
export interface LogStand {
  /** A count that ascends with each thing written: bytes on Postgres, transactions on MySQL and MariaDB. */
  readonly position: number;
  /** Of log written so far, in bytes from a zero of its own. */
  readonly bytes: number;
}

/** Why a replica applies nothing more, or receives nothing more. */
export interface ReplicationError {
  readonly code: string;
  readonly message: string;
}

export interface ReplicaState {
  /** Up to where all is applied there, in the unit of {@link LogStand.position}; null where it is not told. */
  readonly appliedPosition: number | null;
  /** The same in bytes of the primary's log; null where it follows from the stands of the primary alone. */
  readonly appliedBytes: number | null;
  /** Arrived there, in bytes of the primary's log; null where it is not told. */
  readonly receivedBytes: number | null;
  /**
   * Since the replica was started, by their names: statements that it cancelled because of what it had to apply; null where
   * it cancels none, and what is to be applied waits instead.
   */
  readonly conflicts: Readonly<Record<string, number>> | null;
  /** Since the primary committed the oldest of what is being applied; null where nothing is, and where it is not told. */
  readonly applyingAgeMs: number | null;
  /** The longest from a commit on the primary until the replica had applied it, of those applied since the last reading. */
  readonly appliedAfterMs: number | null;
  /** Null while it goes on, and where it is not told. */
  readonly stoppedBy: ReplicationError | null;
}

/** A schema change as the replica applied it. Instants count back from the reading. */
export interface Replayed {
  /** Distinguishes it from all others of this replica. */
  readonly key: string;
  /** As the primary logged it. It may hold what nobody may read, and is for comparing alone. */
  readonly text: string;
  /** True where its end may be missing. */
  readonly isCut: boolean;
  /** As the server names the kind: "alter_table". */
  readonly kind: string;
  readonly startedAgoMs: number;
  readonly durationMs: number;
  /** False while it is applied. */
  readonly ended: boolean;
  readonly failed: boolean;
}

/** Threads that apply, and for what they waited since the replica was started, what waits now included. */
export interface ApplierState {
  /** Threads that apply in parallel; 0: one thread alone does it. */
  readonly workers: number;
  /** For each other, summed over the threads, in ms, by what the server names the wait. */
  readonly waitedMs: Readonly<Record<string, number>>;
  /** For metadata locks, which readers of the replica own, summed over the threads. */
  readonly lockWaitedMs: number;
}

export interface ReplayReader {
  readonly source: string;
  /** Those that run or have ended since the last reading; `overran`: some that ended may be missing. */
  replays(): Promise<{ readonly replays: readonly Replayed[]; readonly overran: boolean }>;
  applier(): Promise<ApplierState>;
}

export interface ReplicationReader {
  readonly source: string;
  primaryStand(): Promise<LogStand>;
  replicaState(): Promise<ReplicaState>;
  /** How schema changes are applied there, or why it is not told. */
  readonly replay: ReplayReader | { readonly missing: string };
}

export interface Replication {
  /** Those of the wanted settings with which there can be no replica, as written; asked before anything is started. Pure. */
  refused(settings: Readonly<Record<string, string>>): readonly string[];
  /**
   * Called on the running primary, a superuser's session, after its data directory was copied while it was stopped. Makes
   * what the replica needs on the primary, and returns what its copy needs. UsageError for settings with which there is no
   * replica.
   */
  prepare(primary: Session, address: PrimaryAddress): Promise<ReplicaPreparation>;
  /** True as soon as the replica has applied what the primary has written. Superusers' sessions. */
  isFollowing(primary: Session, replica: Session): Promise<boolean>;
  /** `primary`: to any database of it; `replica`: to the rehearsed database. Both as the observer. */
  openReader(primary: Session, replica: Session): Promise<ReplicationReader>;
}
