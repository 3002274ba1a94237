/** What the observers saw: waits, locks, disk, progress, changes, and themselves. */
import type { Figure } from './figure.ts';
import type { StoredHistogram } from './histogram.ts';
import type { ServerRole } from './recording.ts';

/** Who a session belongs to: one of the three database roles, a canary, a drill, the server itself, or somebody else. */
export type SessionOwner = 'migration' | 'load' | 'canary' | 'drill' | 'observer' | 'server' | 'other';

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
  /** Some of these blocked it, and it is not told which: all that held the same lock in some mode. Left out: none more. */
  readonly blockersAmong?: readonly SessionRecord[];
  /** relation, transaction, tuple, virtual transaction, metadata, row... as the engine names it. */
  readonly target: string;
  readonly relation: string | null;
  readonly mode: string;
  readonly startedAtMs: number;
  readonly waitedMs: Figure;
  /** What the readings of the locks showed of it, where `waitedMs` is what the server itself told. */
  readonly seenMs?: Figure;
  /** Set where the server should have told it and did not, and `waitedMs` is what the readings showed: as long at most by that. */
  readonly untoldMs?: Figure;
  /** What the server itself told of it, where the readings contradict that: then `waitedMs` is theirs. */
  readonly toldMs?: Figure;
  readonly ended: WaitEnding;
  /** Statement of the migration that waited (`StatementRecord.id`), or null when the waiter is no migration. */
  readonly statementId: string | null;
}

/** A deadlock that the server found, and ended by rolling one transaction back. */
export interface Deadlock {
  readonly server: ServerRole;
  /** It was found between these two. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** In a circle: each waited for a lock that another one held. */
  readonly parties: readonly DeadlockParty[];
}

export interface DeadlockParty {
  /** Its statement is the one that waited; null where the server told none. Values are redacted as in every session. */
  readonly session: SessionRecord;
  /** The server kept only the beginning of the statement. */
  readonly statementCut: boolean;
  readonly waitedFor: DeadlockLock | null;
  readonly held: readonly DeadlockLock[];
  /** Its transaction was rolled back; null where the server did not tell whose. */
  readonly victim: boolean | null;
  /** Statement of the migration that waited (`StatementRecord.id`), or null when it is no migration. */
  readonly statementId: string | null;
}

export interface DeadlockLock {
  readonly relation: string;
  /** Null of a lock on a whole table. */
  readonly index: string | null;
  /** In the engine's own letters: "X,GAP", "S,REC_NOT_GAP", "X,INSERT_INTENTION". */
  readonly mode: string;
}

/** Deadlocks of a rehearsal. */
export interface DeadlockRecord {
  /** Where they were read. */
  readonly source: string;
  /** By the server's own counter, from when the observers began; more than are listed where some were not seen. */
  readonly found: number;
  readonly seen: readonly Deadlock[];
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
export type DiskArea =
  | 'tables'
  | 'indexes'
  | 'temporary'
  /** Folders of MySQL and MariaDB for temporary files, which may lie on other disks; `temporary` is then what is elsewhere. */
  | 'tmpdir'
  | 'innodbTmpdir'
  | 'log'
  | 'undo'
  | 'binlog'
  | 'other';

export interface DiskReading {
  readonly atMs: number;
  /** Bytes on disk per area; an area that this server has not, or that cannot be seen, is absent. */
  readonly areas: Partial<Readonly<Record<DiskArea, number>>>;
}

/** The files of the rehearsed database by two ways at the same time, by their lengths. */
export interface DiskComparison {
  readonly atMs: number;
  readonly seenBytes: number;
  /** By the server's own functions, before and after they were seen. */
  readonly toldBytes: Figure;
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
  /** The largest first within a statement. Left out where single files are not seen, and by harnesses that did not look. */
  readonly growth?: readonly StatementGrowth[];
  readonly freeBytesBefore: Figure;
  /**
   * Most that the file system of the data directory had less free than before, at the same instants: what others wrote to it is
   * in it, and what is on other file systems is not. Left out by harnesses that did not look.
   */
  readonly freeTakenBytes?: Figure;
  /** Why temporary files may have taken space that no reading shows; left out: none can have. */
  readonly unseen?: string;
  /** Left out where the disk is read one way only, and by harnesses that did not look. */
  readonly compared?: readonly DiskComparison[];
  /** What each statement took, in the order in which they ran; left out by harnesses that did not look. */
  readonly statements?: readonly StatementDisk[];
}

/** Readings around a statement, its load's writes included. */
export interface StatementDisk {
  readonly statementId: string;
  /** The last one before it. */
  readonly before: DiskReading;
  /** The one with the largest sum while it ran; of a statement shorter than the pause between two, the larger neighbour. */
  readonly peak: DiskReading;
  /** The first one after it. */
  readonly after: DiskReading;
}

/** A relation that grew while a statement ran, its load's writes to it included. */
export interface StatementGrowth {
  readonly statementId: string;
  /** Null: its file was gone before it could be named (rolled back, or written anew again). */
  readonly relation: string | null;
  readonly kind: 'table' | 'index' | 'temporary';
  /** True: the file was not there before, so that nobody else can have written to it. */
  readonly newFile: boolean;
  /** From the start to the largest size while it ran. */
  readonly grewBytes: Figure;
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
  /** `statement`: the work is counted on through all its phases; left out: each phase has its own count. */
  readonly of?: 'statement';
}

/** What a statement did to a relation, as seen in the catalogs; `null` means it could not be seen. */
export interface ObservedChange {
  readonly statementId: string | null;
  /** Version of the step that made it; left out by harnesses that did not say. */
  readonly version?: string;
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
  /** MySQL: instant changes that the table counted before and after, and the most that it may; past it they rebuild. */
  readonly rowVersions?: {
    readonly before: number;
    readonly after: number;
    readonly limit: number;
    /** Columns that are there and were not, or the other way round; left out by harnesses that did not count them. */
    readonly columns?: number;
  };
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
  /**
   * From the question of one reading to the answer of the next one, at most, while the migrations ran: what was there for
   * longer was seen. Left out by harnesses that did not look.
   */
  readonly longestPauseMs?: number;
  /** The same as far as it lay within one statement of the migration. */
  readonly longestPauseInStatementMs?: number;
  readonly cpuMs: Figure;
  /** Of the server, for its sessions; left out where the server's processes cannot be seen. */
  readonly serverCpuMs?: Figure;
  /** Trouble that cost samples; empty when none. */
  readonly trouble: readonly string[];
}

/** A probe of one table on a fixed schedule: whether it could be read, or written. */
export interface CanaryRecord {
  readonly table: string;
  readonly kind: 'read' | 'write';
  readonly sessionId: number;
  readonly statement: string;
  readonly intervalMs: number;
  /** Probes that became due, and those that were answered; one answer counts for all that were due until then. */
  readonly due: number;
  readonly answered: number;
  /** From the due instant to the answer; microseconds. */
  readonly responses: StoredHistogram;
  /** Stretches without an answer, from 100 ms on, in the order of time. */
  readonly outages: readonly CanaryOutage[];
  /** Set when it could not go on: the table is gone, the server is. */
  readonly ended: { readonly atMs: number; readonly reason: string } | null;
}

export interface CanaryOutage {
  /** The first probe that was not answered in time was sent. */
  readonly fromMs: number;
  /** The answer. */
  readonly toMs: number;
  readonly lastedMs: Figure;
  /** Probes that gave up at their own lock timeout: a lock it was, and nothing else. */
  readonly lockTimeouts: number;
}
