/**
 * A migration tool, described as data: how its directory is laid out, how it brackets a file in transactions, and what
 * its ledger looks like. run.ts executes the description; adapters are pure.
 */
import type { Dialect } from '../engines/engine.ts';

/** A file of the migrations directory, path relative to it with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A part of a migration that is sent and bracketed as one. */
export interface ScriptPart {
  /** SQL to run; split into statements by the runner where `message` is `statements`. */
  readonly sql: string;
  /** 1-based line of the file at which `sql` starts. */
  readonly line: number;
  /** `whole` travels as one message, as the tool sends it; `statements` one at a time. */
  readonly message: 'whole' | 'statements';
  /** `one`: BEGIN and COMMIT around the part, its ledger entry inside when `ledgerInside`; `none`: as it is. */
  readonly transaction: 'one' | 'none';
}

export interface Migration {
  /** As the ledger holds it. */
  readonly version: string;
  readonly name: string;
  /** Relative to the migrations directory. */
  readonly file: string;
  readonly parts: readonly ScriptPart[];
  /** What the ledger stores beside the version (Flyway, Prisma, Drizzle). */
  readonly checksum: string | null;
}

/** A statement of the ledger with its bound values. */
export interface LedgerStatement {
  readonly sql: string;
  readonly values: readonly (string | number | boolean | null)[];
}

export interface Ledger {
  /** Tables of the tool: never filled, never part of the load. */
  readonly tables: readonly (readonly string[])[];
  readonly create: readonly LedgerStatement[];
  /** Returns one row per applied migration with a column `version`; rows that say failed are left out. */
  readonly applied: LedgerStatement;
  /** Query for a ledger that is dirty (golang-migrate, Flyway, Prisma): returns rows with `version`, or null. */
  readonly dirty: LedgerStatement | null;
  /** Before the first statement of a migration, outside its transaction. */
  before(migration: Migration): readonly LedgerStatement[];
  /** After the last statement; inside the transaction when `afterInTransaction`. */
  after(migration: Migration): readonly LedgerStatement[];
  readonly afterInTransaction: boolean;
  /** When the migration failed, outside any transaction. */
  failed(migration: Migration): readonly LedgerStatement[];
}

/** What a project's files say about a tool. */
export interface ToolEvidence {
  /** File that gave it away, for the message. */
  readonly because: string;
  /** Migrations directory relative to the project. */
  readonly directory: string;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  /** Looks at the project's file list (relative paths) and says whether this tool is used. */
  detect(paths: readonly string[], read: (path: string) => string | null): ToolEvidence | null;
  /** Orders the files into migrations; UsageError names a file that the tool itself would refuse. */
  migrations(files: readonly SourceFile[], dialect: Dialect): readonly Migration[];
  ledger(dialect: Dialect, flavor: string): Ledger;
}
