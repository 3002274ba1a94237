/** Which migrations there are, and which of them the database does not have yet, by its own ledger. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Dialect, Engine, Session } from '../engines/engine.ts';
import { SqlError } from '../engines/engine.ts';
import { EnvironmentError, UsageError } from '../errors.ts';
import type {
  Ledger,
  LedgerReading,
  LedgerRow,
  LedgerStatement,
  Migration,
  SourceFile,
  Tool,
} from './tool.ts';

/** Deep enough for every layout; Flyway alone reads subfolders of subfolders. */
const MAX_DEPTH = 6;
/** More files than this in a migrations directory is a wrong directory. */
const MAX_FILES = 20_000;
const READ = /\.(sql|conf|json)$/i;

/** Reads a migrations directory; UsageError when it is not there, holds nothing, or the tool would refuse a file. */
export async function readMigrations(
  tool: Tool,
  directory: string,
  dialect: Dialect,
): Promise<readonly Migration[]> {
  const paths = await listFiles(directory);
  const files: SourceFile[] = [];
  for (const path of paths)
    files.push({ path: slashed(relative(directory, path)), text: await readText(path) });
  const migrations = tool.migrations(files, dialect);
  if (migrations.length === 0) {
    throw new UsageError(
      `no migration in the layout of ${tool.title} is in "${directory}". Give the migrations directory (--migrations, ` +
        'migrations.directory), or the tool whose layout it has (--tool, migrations.tool).',
    );
  }
  const seen = new Map<string, string>();
  for (const { version, file } of migrations) {
    const other = seen.get(version);
    if (other !== undefined) {
      throw new UsageError(
        `${file} and ${other} have the same version ${version}. Give one of them another one.`,
      );
    }
    seen.set(version, file);
  }
  return migrations;
}

async function listFiles(directory: string): Promise<readonly string[]> {
  const found = await stat(directory).catch(() => null);
  if (found === null || !found.isDirectory()) {
    throw new UsageError(
      `the migrations directory "${directory}" ${found === null ? 'is not there' : 'is a file'}.`,
    );
  }
  const files: string[] = [];
  const folders = [{ path: directory, depth: 0 }];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    for (const entry of await readdir(folder.path, { withFileTypes: true })) {
      const path = join(folder.path, entry.name);
      if (entry.isDirectory() && folder.depth < MAX_DEPTH) folders.push({ path, depth: folder.depth + 1 });
      if (!entry.isDirectory() && READ.test(entry.name)) files.push(path);
    }
    if (files.length > MAX_FILES) {
      throw new UsageError(
        `"${directory}" holds more than ${MAX_FILES} files: this is no migrations directory.`,
      );
    }
  }
  return files.toSorted();
}

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new EnvironmentError(`cannot read ${path}`, { cause });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`${path} is not UTF-8 text. Save it as UTF-8.`, { cause });
  }
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}

export interface PendingRequest {
  readonly engine: Engine;
  readonly tool: Tool;
  /** Of the migrator, inside the rehearsed database. */
  readonly session: Session;
  readonly migrations: readonly Migration[];
  /** `migrations.released`: last version that production has. */
  readonly released: string | null;
  readonly flavor: string;
}

export type Pending = Pick<LedgerReading, 'applied' | 'pending' | 'notes'>;

/**
 * Asks the database's ledger what is pending. Where there is none it is made; what `released` says production has and
 * the ledger lacks is marked as applied, as the tool's own baseline command would. UsageError for a ledger that says
 * that a migration failed halfway, and for a version `released` that no file has.
 */
export async function findPending(request: PendingRequest): Promise<Pending> {
  const { engine, tool, session, migrations, released, flavor } = request;
  const ledger = tool.ledger(engine.dialect, flavor);
  const upTo = released === null ? [] : upToReleased(migrations, released);
  if (ledger.read === null) {
    return { applied: upTo.map(({ version }) => version), pending: migrations.slice(upTo.length), notes: [] };
  }
  const rows = await readLedger(engine, session, ledger.read);
  const notes: string[] = [];
  if (rows === null) {
    if (released === null && ledger.withoutLedger !== null && (await hasTables(request)))
      notes.push(ledger.withoutLedger);
    await runLedger(session, ledger.create);
  }
  const before = clean(ledger.interpret(rows ?? [], migrations));
  notes.push(...(await markReleased(request, { ledger, upTo, before, fresh: (rows ?? []).length === 0 })));
  const after = clean(ledger.interpret((await readLedger(engine, session, ledger.read)) ?? [], migrations));
  return { applied: after.applied, pending: after.pending, notes: [...notes, ...after.notes] };
}

interface Marking {
  readonly ledger: Ledger;
  readonly upTo: readonly Migration[];
  readonly before: LedgerReading;
  readonly fresh: boolean;
}

async function markReleased(
  { session, released }: PendingRequest,
  { ledger, upTo, before, fresh }: Marking,
): Promise<readonly string[]> {
  if (released === null) return [];
  const held = new Set(before.applied);
  const missing = upTo.filter(({ version }) => !held.has(version));
  for (const migration of missing) await runLedger(session, ledger.markApplied(migration));
  const known = new Set(upTo.map(({ version }) => version));
  const later = before.applied.filter((version) => !known.has(version));
  const notes: string[] = [];
  if (!fresh && missing.length > 0) {
    notes.push(
      `migrations.released is ${released}; ${missing.length} versions up to it were marked in the ledger`,
    );
  }
  if (later.length > 0) {
    notes.push(
      `migrations.released is ${released}, but the ledger already holds ${later.join(', ')}: the ledger counts`,
    );
  }
  return notes;
}

function clean(reading: LedgerReading): LedgerReading {
  if (reading.dirty === null) return reading;
  throw new UsageError(`the database's ledger is not clean: ${reading.dirty}`);
}

async function hasTables({ engine, session }: PendingRequest): Promise<boolean> {
  return (await engine.schema.describe(session)).length > 0;
}

/** Rows of the ledger, null where the database has none. */
async function readLedger(
  engine: Engine,
  session: Session,
  read: LedgerStatement,
): Promise<readonly LedgerRow[] | null> {
  try {
    return await session.query<LedgerRow>(read.sql, read.values);
  } catch (error) {
    if (
      error instanceof SqlError &&
      engine.dialect.classify(error.code, error.message) === 'undefined object'
    ) {
      return null;
    }
    throw error;
  }
}

/** Runs ledger statements in order, in one transaction of their own where there are several. */
export async function runLedger(session: Session, statements: readonly LedgerStatement[]): Promise<void> {
  const bracketed = statements.length > 1;
  try {
    if (bracketed) await session.execute('begin');
    for (const { sql, values } of statements) await session.query(sql, values);
    if (bracketed) await session.execute('commit');
  } catch (error) {
    // A rollback that fails too has nothing to add: the connection is gone.
    if (bracketed) await session.execute('rollback').catch(() => undefined);
    throw error;
  }
}

/** The migrations up to and with the one that `released` names; UsageError lists what is near. */
export function upToReleased(migrations: readonly Migration[], released: string): readonly Migration[] {
  const index = migrations.findLastIndex((migration) => isNamed(migration, released));
  if (index >= 0) return migrations.slice(0, index + 1);
  const at = migrations.findIndex(({ version }) => NATURAL.compare(version, released) > 0);
  const from = Math.max(0, (at < 0 ? migrations.length : at) - NEAR);
  const near = migrations.slice(from, from + 2 * NEAR).map(({ version }) => version);
  throw new UsageError(
    `migrations.released is "${released}", and no migration has that version. Near it are: ${near.join(', ')}.`,
  );
}

const NEAR = 3;
const NATURAL = new Intl.Collator('en', { numeric: true });

/** By version, by file with or without its ending, and by the same number written otherwise (000007 for 7). */
function isNamed({ version, file }: Migration, released: string): boolean {
  const names = [version, file, file.replace(/\.sql$/, ''), file.replace(/\.up\.sql$/, '')];
  if (names.includes(released)) return true;
  return /^\d+$/.test(version) && /^\d+$/.test(released) && BigInt(version) === BigInt(released);
}
