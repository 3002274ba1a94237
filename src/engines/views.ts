/** What an engine's own views tell while a migration runs. */
import type {
  DeadlockLock,
  DiskArea,
  NotMeasured,
  ObservedChange,
  RelationDisk,
} from '../recording/recording.ts';
import type { Session } from './connections.ts';
import type { Journal, JournalRequest } from './journal.ts';

/** A session as the engine's views show it; `user` tells its owner. */
export interface SeenSession {
  readonly sessionId: number;
  readonly user: string | null;
  readonly applicationName: string;
  readonly statement: string | null;
  readonly state: string | null;
}

export interface SeenWait {
  /** The same for all readings of one wait. */
  readonly key: string;
  readonly waiterId: number;
  /** Direct blockers; 0 stands for a prepared transaction or one that cannot be seen. */
  readonly blockerIds: readonly number[];
  readonly target: string;
  readonly relation: string | null;
  readonly mode: string;
  /** As the server counts it at this reading; null when it does not tell (then the span of readings counts). */
  readonly waitedMs: number | null;
  /** Set where the server was asked once more for the same reading: it had waited at least so long by then. */
  readonly atLeastMs?: number;
  /** Set where the server answers from a snapshot of its own: the most that it may be older than the reading. */
  readonly staleMs?: number;
}

export interface SeenLock {
  readonly sessionId: number;
  readonly relation: string;
  /** Of an index its table, without its schema; left out: the relation is a table, and named without one. */
  readonly table?: string;
  readonly mode: string;
}

/** A wait of an earlier reading that is gone, and what became of it as far as the locks themselves tell. */
export interface EndedWait {
  readonly key: string;
  /**
   * `gave up`: what blocked it is still there, so that it was not granted (a timeout, a cancel, a lost session). `no wait`: it
   * was seen in the instant between the request of a lock and its grant, and the server knows of no wait.
   */
  readonly became: 'granted' | 'gave up' | 'unknown' | 'no wait';
  /** Error of the statement that waited, where the server tells that it ended with one. */
  readonly failed?: { readonly code: string; readonly message: string };
  /** The whole wait as the server itself timed it, within the error of its timer, where it keeps that. */
  readonly timed?: { readonly lowerMs: number; readonly upperMs: number; readonly source: string };
}

/** A wait that no reading of the locks has shown, from what the server keeps of waits that ended. */
export interface MissedWait {
  readonly key: string;
  readonly waiterId: number;
  readonly target: string;
  readonly relation: string | null;
  readonly became: EndedWait['became'];
  readonly failed?: NonNullable<EndedWait['failed']>;
  /** As the server timed it, within the error of its timer. */
  readonly lowerMs: number;
  readonly upperMs: number;
  /** How long before the reading it ended: at least and at most. */
  readonly endedAgoMs: { readonly lower: number; readonly upper: number };
  readonly source: string;
}

/** One transaction of a deadlock. */
export interface SeenDeadlockParty {
  /** Null where a thread of the server itself ran it. */
  readonly sessionId: number | null;
  /** As the server told it with the deadlock; null where it did not. */
  readonly user: string | null;
  /** What it ran when it waited, with its values. */
  readonly statement: string | null;
  /** Only the beginning of it was kept. */
  readonly statementCut: boolean;
  readonly waitedFor: DeadlockLock | null;
  /** Those of its locks that were in the way of the others. */
  readonly held: readonly DeadlockLock[];
  /** The server rolled it back; null where it did not tell who that was. */
  readonly victim: boolean | null;
}

export interface SeenDeadlock {
  /** How long before the reading was answered it was found: at least and at most. */
  readonly foundAgoMs: { readonly lower: number; readonly upper: number };
  readonly parties: readonly SeenDeadlockParty[];
}

export interface DeadlockReading {
  /** By the server's own counter; it begins anew with the server. */
  readonly found: number;
  /** Those that no earlier reading has shown. */
  readonly latest: readonly SeenDeadlock[];
}

export interface LockReading {
  /** From the call to the answer that the waits and locks were in; looking at sessions and blockers comes after it. */
  readonly answeredAfterMs: number;
  readonly waits: readonly SeenWait[];
  /** Also of waits of earlier readings, once more is known of them. */
  readonly ended: readonly EndedWait[];
  /** Granted locks on relations of the sessions asked for. */
  readonly held: readonly SeenLock[];
  /** They own no lock on any relation, whoever it belongs to; left out: not known. */
  readonly holdNone?: boolean;
  /** Sessions that wait, waited until now, or block; read only when there is a wait. */
  readonly sessions: readonly SeenSession[];
  /** Waits that began and ended between readings, where the server keeps them; neither mode nor blocker is known. */
  readonly missed?: readonly MissedWait[];
  /** The server kept fewer of them than there were. */
  readonly missedOverran?: boolean;
  /** Left out where the reader is not told of deadlocks. */
  readonly deadlocks?: DeadlockReading;
}

/** What the server has seen by itself since it was asked. */
export interface Watched {
  /** There is something new: read it. */
  readonly changed: boolean;
  /** Each showed what the last reading did, and no wait; between when and when it was made, since the question. */
  readonly looks: readonly { readonly askedAfterMs: number; readonly answeredAfterMs: number }[];
}

export interface LockReader {
  /** Name of the view, for the figure's source. */
  readonly source: string;
  /** Where deadlocks are read, or why they are not; left out where this engine's reader is not told of them. */
  readonly deadlocks?: { readonly source: string } | { readonly notMeasured: string };
  /** Which waits between two readings are known all the same, in words; left out: none. */
  readonly between?: string;
  /**
   * `holders`: user whose granted locks are wanted. `last`: nothing is read after it, so that it holds all that has ended
   * until now. Must never wait for a lock itself.
   */
  read(holders: string, last?: boolean): Promise<LockReading>;
  /**
   * Has the server look every 20 ms until something has changed, for a fifth of a second at most; only after a reading without
   * waits, and of the same holders. Left out: this server cannot.
   */
  watch?(holders: string): Promise<Watched>;
  /** Loads names of new relations; call between statements. */
  refreshNames(): Promise<void>;
}

export interface DiskReader {
  readonly source: string;
  /** Why temporary files may take space that no reading shows; left out: none can. */
  readonly unseen?: string;
  /**
   * Where all files are that a reading looks at, by paths of this process; left out where it asks the server. Free space that
   * is the same in each of them shows that no reading can have changed.
   */
  folders?(): readonly string[];
  /** Readings in which each file is looked at once at least; left out: one. */
  turns?(): number;
  /** `fully`: also what hardly ever changes is looked at anew, where a reading leaves that out otherwise. */
  read(fully?: boolean): Promise<Partial<Record<DiskArea, number>>>;
  /** Files of relations whose sizes are not as when this was last asked, as of the last reading; the first time all. */
  changedFiles?(): readonly ChangedFile[];
  /** What a file of {@link changedFiles} belongs to, as far as it was ever known. */
  ownerOf?(file: string): {
    readonly relation: string | null;
    readonly kind: 'table' | 'index' | 'temporary';
  };
  /** The files of the database, by their lengths, as this reader and the server itself see them; left out where both are one. */
  compare?(): Promise<{
    readonly seenBytes: number;
    readonly toldBytes: { readonly lower: number; readonly upper: number };
  }>;
  /** Position in the write-ahead or redo log, in bytes; null where the server does not tell. */
  logPosition(): Promise<number | null>;
  /** Bytes per user table and index now; `id` stays when it gets another name or another file, left out where none does. */
  relations(): Promise<
    readonly { relation: string; kind: RelationDisk['kind']; bytes: number; id?: string }[]
  >;
  /** Files that interrupted statements left, paths relative to the data directory; works when the server has gone. */
  leftBehind?(): Promise<readonly LeftFile[]>;
}

export interface ChangedFile {
  readonly file: string;
  readonly bytes: number;
  /** Before the last reading, by the clock of the file system; left out where that keeps no such time. */
  readonly bornAgoMs?: number;
  /** The last write to it: its size has not changed since. */
  readonly writtenAgoMs?: number;
}

export interface LeftFile {
  readonly file: string;
  readonly bytes: number;
}

export interface SeenProgress {
  readonly sessionId: number;
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** `statement`: the work is counted on through all its phases; left out: each phase has its own count. */
  readonly of?: 'statement';
}

/** State of relations in the catalogs; opaque outside the engine. */
export type RelationStates = ReadonlyMap<string, Readonly<Record<string, string | number | null>>>;

export interface LockWaitLimit {
  /** Name of the setting. */
  readonly setting: string;
  /** Null: without any limit. */
  readonly limitMs: number | null;
}

export interface ObservedViews {
  /** Opens the journal of what the server tells by itself, or says why there is none; left out: this engine has none. */
  openJournal?(request: JournalRequest): Promise<Journal | { readonly missing: string }>;
  /** Opens a reader of lock waits on the two observer sessions. */
  openLockReader(cluster: Session, inside: Session): Promise<LockReader>;
  /** `dataDirectory` is a path that this process can read, or null: then SQL functions that never block. */
  openDiskReader(cluster: Session, inside: Session, dataDirectory: string | null): Promise<DiskReader>;
  readProgress(inside: Session): Promise<readonly SeenProgress[]>;
  /** `leaveOut`: tables, by their names without the schema, that are left out with all that is theirs. */
  readRelationStates(inside: Session, leaveOut?: ReadonlySet<string>): Promise<RelationStates>;
  /** Pure: what changed between two states, in the engine's words. */
  compareRelationStates(
    before: RelationStates,
    after: RelationStates,
  ): readonly Omit<ObservedChange, 'statementId'>[];
  /** Settings that differ from the server's defaults. */
  readSettings(session: Session): Promise<readonly { readonly name: string; readonly value: string }[]>;
  /** Server clock as milliseconds since the epoch. */
  readClock(session: Session): Promise<number>;
  /** How long this session waits for a lock, as server, database and user set it. */
  readLockWaitLimit(session: Session): Promise<LockWaitLimit>;
  /** Privileges or switches that the observer of this session misses, each with the figure that is lost. */
  missing(session: Session): Promise<readonly NotMeasured[]>;
}
