/**
 * A migration tool, described as data: how its directory is laid out, how it brackets a file in transactions, and what
 * its ledger looks like. The runner executes the description; adapters are pure.
 */

import type { Dialect } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';

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
  /** `one`: BEGIN and COMMIT around the part; `none`: as it is. Without effect where all migrations share one. */
  readonly transaction: 'one' | 'none';
}

export interface Migration {
  /** Unique in the directory; what a user names it by (`migrations.released`) and a report prints. */
  readonly version: string;
  readonly name: string;
  /** Relative to the migrations directory. */
  readonly file: string;
  /** Empty for a version that runs nothing (golang-migrate: only a down file). */
  readonly parts: readonly ScriptPart[];
  /** What the ledger knows it by where that is not `version` (Drizzle: the instant in its journal), else the version. */
  readonly ledgerKey: string;
  /** What the ledger stores beside the version (Flyway, Prisma, Drizzle). */
  readonly checksum: string | null;
}

/** A statement of the ledger with its bound values. */
export interface LedgerStatement {
  readonly sql: string;
  readonly values: readonly (string | number | boolean | null)[];
}

/** A row of the ledger by column name; whole numbers may arrive as text. */
export type LedgerRow = Readonly<Record<string, unknown>>;

/** What a ledger's rows mean. */
export interface LedgerReading {
  /** Versions that the database has, oldest first. */
  readonly applied: readonly string[];
  /** In the order in which the tool would run them. */
  readonly pending: readonly Migration[];
  /** Why the tool would refuse to go on, and what repairs it; null for a clean ledger. */
  readonly dirty: string | null;
  /** What a reader must know: versions without a file, files that the tool passes over, changed checksums. */
  readonly notes: readonly string[];
}

/** How a migration ended, for the ledger. */
export interface LedgerOutcome {
  readonly durationMs: number;
  /** Null when it was applied. */
  readonly failure: { readonly code: string | null; readonly message: string } | null;
}

/** Lists of statements run in their order, in one transaction of their own where there are several. */
export interface Ledger {
  /** Tables of the tool: never filled, never part of the load. */
  readonly tables: readonly (readonly string[])[];
  /** Makes the ledger where there is none. */
  readonly create: readonly LedgerStatement[];
  /** Reads every row, oldest first; null where production has no ledger. */
  readonly read: LedgerStatement | null;
  /** Pure: what the rows mean for these files. */
  interpret(rows: readonly LedgerRow[], migrations: readonly Migration[]): LedgerReading;
  /** Marks a migration as applied without running it, as the tool's own command for that would. */
  markApplied(migration: Migration): readonly LedgerStatement[];
  /** Before the first statement of a migration, outside its transaction. */
  before(migration: Migration): readonly LedgerStatement[];
  /** When the migration succeeded. */
  after(migration: Migration, outcome: LedgerOutcome): readonly LedgerStatement[];
  /** Where `after` runs: in each part's own transaction (dbmate), in the last part's, or after them all. */
  readonly afterRuns: 'in each part' | 'in the last part' | 'outside';
  /** When the migration failed, outside any transaction. */
  failed(migration: Migration, outcome: LedgerOutcome): readonly LedgerStatement[];
  /** What the tool says to a database that has tables and no ledger, where it would refuse it; null when it goes on. */
  readonly withoutLedger: string | null;
}

/** What a project's files say about a tool. */
export interface ToolEvidence {
  /** What gave it away, for the message. */
  readonly because: string;
  /** Migrations directory relative to the project; `.` for itself. */
  readonly directory: string;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  /** `all`: every pending migration shares one transaction (Drizzle); `each`: as the parts say. */
  readonly bracket: 'each' | 'all';
  /** Looks at the project's file list (relative paths): every directory in which this tool is used. */
  detect(paths: readonly string[], read: (path: string) => string | null): readonly ToolEvidence[];
  /** Orders the files into migrations; UsageError names a file that the tool itself would refuse. */
  migrations(files: readonly SourceFile[], dialect: Dialect): readonly Migration[];
  /** UsageError when the tool has no ledger on this kind of server. */
  ledger(dialect: Dialect, flavor: string): Ledger;
}

/** A tool's ledgers by flavor: a tool keeps SQL of its own for every kind of server, and so does its description. */
export type LedgersByFlavor = Readonly<Record<string, (dialect: Dialect) => Ledger>>;

/** The ledger of a flavor; UsageError names those that there are. */
export function ledgerOf(title: string, ledgers: LedgersByFlavor, dialect: Dialect, flavor: string): Ledger {
  const make = ledgers[flavor];
  if (make !== undefined) return make(dialect);
  throw new UsageError(
    `the ledger of ${title} is not known on "${flavor}"; it is known on ${Object.keys(ledgers).join(', ')}. ` +
      'Use a directory of plain .sql files (migrations.tool: sql) instead.',
  );
}

/** Reading of a ledger that holds one row per applied migration and nothing else. */
export function readByKey(
  keys: readonly string[],
  migrations: readonly Migration[],
): Pick<LedgerReading, 'applied' | 'pending' | 'notes'> {
  const byKey = new Map(migrations.map((migration) => [migration.ledgerKey, migration]));
  const held = new Set(keys);
  return {
    applied: keys.map((key) => byKey.get(key)?.version ?? key),
    pending: migrations.filter(({ ledgerKey }) => !held.has(ledgerKey)),
    notes: noteMissingFiles(keys.filter((key) => !byKey.has(key))),
  };
}

/** Versions that a ledger holds and the directory does not: squashed or deleted since. */
export function noteMissingFiles(versions: readonly string[]): readonly string[] {
  if (versions.length === 0) return [];
  const shown = versions.slice(0, MOST_SHOWN).join(', ');
  const more = versions.length > MOST_SHOWN ? ` and ${versions.length - MOST_SHOWN} more` : '';
  return [`the ledger holds versions that have no file in the migrations directory: ${shown}${more}`];
}

/** Enough to recognise which ones are meant; a ledger may hold thousands. */
const MOST_SHOWN = 5;

/** Directory of a relative path, `.` at the top. */
export function directoryOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? '.' : path.slice(0, end);
}

/** Last part of a relative path. */
export function baseNameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** One piece of evidence per directory, in the order of the paths. */
export function evidencePerDirectory(found: readonly ToolEvidence[]): readonly ToolEvidence[] {
  return [
    ...new Map(found.toReversed().map((evidence) => [evidence.directory, evidence])).values(),
  ].toReversed();
}
