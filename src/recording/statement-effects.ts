/**
 * What one statement does, learned from a server while it ran on a small copy of the database and no load was on it
 * (server role `probe`). Relations are named as everywhere in a recording; lists are sorted and hold nothing twice.
 * Plain data.
 */

/** The pending migrations on the small copy, statement by statement in their order. */
export interface ProbeRecord {
  /** Rows per table of the copy: whether a table is rewritten or read does not depend on how large it is. */
  readonly rowsPerTable: number;
  readonly statements: readonly ProbedStatement[];
}

export interface ProbedStatement {
  readonly version: string;
  readonly file: string;
  /** As in the step's statements. */
  readonly index: number;
  readonly line: number;
  readonly text: string;
  readonly effects: Learned<StatementEffects>;
}

/** What was learned, or why it could not be. */
export type Learned<Fact> = Fact | { readonly notMeasured: string };

export interface StatementEffects {
  /** False where the server refuses the statement inside a transaction block, or commits it by itself. */
  readonly transactional: boolean;
  /** How it was learned, in words: "in an open transaction". */
  readonly source: string;
  /** Tables and materialized views whose rows were written anew into a file of their own. */
  readonly rewrites: readonly string[];
  readonly blocks: BlockedUses;
  /** Which idle transactions of others hold the statement up; null where that was not tried. */
  readonly waitsFor: Learned<HeldUp> | null;
  readonly details: RelationLocks | MetadataLocks;
}

/** Relations on which other sessions were really kept waiting, until the statement's transaction ended. */
export interface BlockedUses {
  readonly reads: Learned<readonly string[]>;
  /** Rows locked by the statement count too. */
  readonly selectsForUpdate: Learned<readonly string[]>;
  /** A write that touches no row: what is waited for is the table. */
  readonly writes: Learned<readonly string[]>;
}

/** True: the statement waited as long as such a transaction was held open. */
export interface HeldUp {
  /** One that has read the tables and holds no snapshot now (READ COMMITTED). */
  readonly idleReader: boolean;
  /** One that holds a snapshot and has never touched the tables (REPEATABLE READ). */
  readonly snapshotElsewhere: boolean;
  /** One that has written to the tables. */
  readonly idleWriter: boolean;
}

/** Locks on relations, each with files of its own (Postgres). */
export interface RelationLocks {
  readonly kind: 'relation locks';
  /** Relations that were there before the statement, by name; no catalogs, no TOAST. */
  readonly locks: readonly RelationLock[];
  /** Relations of the same identity with another file afterwards: rewritten, rebuilt, truncated or moved. */
  readonly newFiles: readonly string[];
  /** Tables that were read from end to end. */
  readonly scans: readonly string[];
  /** Indexes of the same name with another file. */
  readonly rebuiltIndexes: readonly string[];
  /** Indexes that were dropped and made again over the same file: nothing was built. */
  readonly reusedIndexFiles: readonly string[];
  /** Where the server refuses the statement in a transaction block: what it said. */
  readonly refusedInTransaction: { readonly code: string | null; readonly message: string } | null;
}

export interface RelationLock {
  readonly relation: string;
  /** Every mode that was held, the strongest first, as the server names it: "AccessExclusiveLock". */
  readonly modes: readonly string[];
}

/** Metadata locks, and the algorithm that the server chose (MySQL, MariaDB). */
export interface MetadataLocks {
  readonly kind: 'metadata locks';
  /** By algorithm: accepted (`true`), or what the server said. Empty for a statement that takes no such clause. */
  readonly algorithms: Readonly<Record<string, true | string>>;
  /** By accepted algorithm: which LOCK clauses are accepted with it. */
  readonly acceptedLocks: Readonly<Record<string, readonly string[]>>;
  /** The algorithm of the statement as written; null where none can be told. */
  readonly algorithm: string | null;
  /** Tables and partitions that have now what another one had: renamed or exchanged, so that they are no rewrites. */
  readonly exchanged: readonly string[];
  readonly newIndexes: readonly string[];
  /** TOTAL_ROW_VERSIONS before and after, by table or partition ("t#p#p0"); only where the number changed. */
  readonly rowVersions: Readonly<Record<string, readonly [before: number, after: number]>>;
  readonly affectedRows: number | null;
  /** An EXCLUSIVE metadata lock was asked for on a table that was there before. */
  readonly exclusiveNeeded: boolean;
  /** Mode of the first lock that had to wait behind an open reader; null: none waited. */
  readonly firstPending: string | null;
  /** "table:MODE"; on MariaDB those that were seen, so a lower bound. */
  readonly modes: readonly string[];
  /** Stages of the alter, of InnoDB ("innodb/alter table (insert)") and of a copy ("sql/copy to tmp table"). */
  readonly stages: readonly string[];
}
