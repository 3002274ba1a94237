/**
 * Drizzle: `meta/_journal.json` and the `<tag>.sql` files that it names, split at `--> statement-breakpoint`, as
 * `migrate()` of drizzle-orm/node-postgres and `drizzle-kit migrate` run them.
 *
 * As drizzle-orm/src/migrator.ts and pg-core/dialect.ts do it (compared with drizzle-orm 0.45.4 on a real server):
 *  - schema and table of the ledger are made outside of any transaction;
 *  - every pending migration runs in one single transaction together with its ledger row, so that a failure in the last
 *    one takes back the first, and no statement may refuse a transaction;
 *  - each piece between breakpoints is one message, with as many statements as it holds;
 *  - a migration is pending when its `when` in the journal is above the newest created_at of the ledger; an entry with
 *    an older `when` is passed over for ever;
 *  - hash is the SHA-256 of the file in hexadecimal and is compared by nobody.
 * On MySQL (mysql-core/dialect.ts) the ledger lies in the database itself; the first DDL statement ends the transaction,
 * so that each row stays once it is written. The driver mysql2 sends one statement at a time unless its connection has
 * multipleStatements: a piece with several is noted.
 */
import { createHash } from 'node:crypto';
import type { Dialect } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { Ledger, LedgerReading, LedgerRow, Migration, ScriptPart, SourceFile, Tool } from './tool.ts';
import { directoryOf, evidencePerDirectory, ledgerOf } from './tool.ts';

const JOURNAL = 'meta/_journal.json';
const BREAKPOINT = '--> statement-breakpoint';

export const drizzle: Tool = {
  name: 'drizzle',
  title: 'Drizzle',
  bracket: 'all',
  detect: (paths) =>
    evidencePerDirectory(
      paths
        .filter((path) => path === JOURNAL || path.endsWith(`/${JOURNAL}`))
        .map((path) => ({
          because: `${path} is Drizzle's journal`,
          directory: directoryOf(directoryOf(path)),
        })),
    ),
  migrations: (files) => {
    const journal = files.find(({ path }) => path === JOURNAL);
    if (journal === undefined) {
      throw new UsageError(
        `Drizzle's journal ${JOURNAL} is missing. Give the folder that drizzle-kit generate writes to.`,
      );
    }
    return entriesOf(journal.text).map((entry) => migrationOf(entry, files));
  },
  ledger: (dialect, flavor) => ledgerOf('Drizzle', LEDGERS, dialect, flavor),
};

interface JournalEntry {
  readonly tag: string;
  readonly when: number;
}

function entriesOf(text: string): readonly JournalEntry[] {
  let journal: unknown;
  try {
    journal = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(
      `${JOURNAL} is not JSON. Run drizzle-kit generate again, or resolve the merge conflict.`,
      {
        cause,
      },
    );
  }
  const entries = isRecord(journal) && Array.isArray(journal.entries) ? (journal.entries as unknown[]) : null;
  if (entries === null)
    throw new UsageError(`${JOURNAL} has no list "entries". Run drizzle-kit generate again.`);
  return entries.map((entry, index) => {
    if (isRecord(entry) && typeof entry.tag === 'string' && typeof entry.when === 'number') {
      return { tag: entry.tag, when: entry.when };
    }
    throw new UsageError(`${JOURNAL}: entry ${index} must have a text "tag" and a number "when".`);
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function migrationOf({ tag, when }: JournalEntry, files: readonly SourceFile[]): Migration {
  const file = files.find(({ path }) => path === `${tag}.sql`);
  if (file === undefined)
    throw new UsageError(`${tag}.sql is in ${JOURNAL} and not in the folder. Restore the file.`);
  return {
    version: tag,
    name: tag.replace(/^\d+_/, ''),
    file: file.path,
    parts: piecesOf(file.text),
    ledgerKey: String(when),
    checksum: createHash('sha256').update(file.text).digest('hex'),
  };
}

function piecesOf(text: string): readonly ScriptPart[] {
  let line = 1;
  return text.split(BREAKPOINT).map((sql) => {
    const part = { sql, line, message: 'whole', transaction: 'one' } as const;
    line += sql.split('\n').length - 1;
    return part;
  });
}

/** What differs between kinds of servers. */
interface Flavored {
  readonly table: readonly string[];
  readonly create: readonly string[];
  /** Several statements may stand between two breakpoints. */
  readonly severalInPiece: boolean;
}

const COLUMNS = 'id serial primary key, hash text not null, created_at bigint';
const onMysql = (dialect: Dialect) =>
  ledger(dialect, {
    table: ['__drizzle_migrations'],
    create: [`create table if not exists __drizzle_migrations (${COLUMNS})`],
    severalInPiece: false,
  });
const LEDGERS = {
  postgres: (dialect: Dialect) =>
    ledger(dialect, {
      table: ['drizzle', '__drizzle_migrations'],
      create: [
        'create schema if not exists drizzle',
        `create table if not exists drizzle.__drizzle_migrations (${COLUMNS})`,
      ],
      severalInPiece: true,
    }),
  mysql: onMysql,
  mariadb: onMysql,
};

function ledger(dialect: Dialect, { table, create, severalInPiece }: Flavored): Ledger {
  const { placeholder } = dialect;
  const name = table.join('.');
  const insert = (migration: Migration) => [
    {
      sql: `insert into ${name} (hash, created_at) values (${placeholder(1)}, ${placeholder(2)})`,
      values: [migration.checksum, migration.ledgerKey],
    },
  ];
  return {
    tables: [table],
    create: create.map((sql) => ({ sql, values: [] })),
    read: { sql: `select created_at from ${name} order by created_at`, values: [] },
    interpret: (rows, files) => {
      const reading = interpret(rows, files);
      const notes = severalInPiece ? [] : notesOnPieces(reading.pending, dialect);
      return { ...reading, notes: [...reading.notes, ...notes] };
    },
    markApplied: insert,
    before: () => [],
    after: insert,
    afterRuns: 'in the last part',
    failed: () => [],
    withoutLedger: null,
  };
}

function notesOnPieces(pending: readonly Migration[], dialect: Dialect): readonly string[] {
  return pending.flatMap(({ file, parts }) => {
    const part = parts.find(({ sql }) => dialect.split(sql).length > 1);
    if (part === undefined) return [];
    return [
      `${file}:${part.line}: several statements stand between two breakpoints, which Drizzle's driver refuses (1064) ` +
        'unless its connection has multipleStatements; here they are run',
    ];
  });
}

function interpret(rows: readonly LedgerRow[], migrations: readonly Migration[]): LedgerReading {
  const held = rows.map(({ created_at }) => Number(created_at));
  const newest = Math.max(Number.NEGATIVE_INFINITY, ...held);
  const whenOf = ({ ledgerKey }: Migration): number => Number(ledgerKey);
  const passedOver = migrations.filter(
    (migration) => whenOf(migration) <= newest && !held.includes(whenOf(migration)),
  );
  return {
    applied: migrations.filter((migration) => whenOf(migration) <= newest).map(({ version }) => version),
    pending: migrations.filter((migration) => whenOf(migration) > newest),
    dirty: null,
    notes: passedOver.map(
      ({ file }) =>
        `Drizzle never runs ${file}: its "when" in the journal is older than the newest ledger row`,
    ),
  };
}
