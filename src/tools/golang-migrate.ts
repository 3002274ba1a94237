/**
 * golang-migrate: `<digits>_<title>.up.sql`, with `.down.sql` beside it.
 *
 * As migrate.go, source/parse.go and database/postgres/postgres.go of v4 do it (compared with 4.18.1 on a real server
 * over six kinds of file, a failing one and one that leaves its transaction open among them):
 *  - the ledger has one row, the current version; before a migration it is replaced by (version, dirty), after it by
 *    (version, clean), each time by TRUNCATE and INSERT in a transaction of their own;
 *  - the whole file is one message without BEGIN: several statements are one implicit transaction of the server's, and
 *    one that refuses transactions must stand alone (the URL option x-multi-statement is not modelled);
 *  - a failure leaves the ledger dirty at that version, and every later run is refused until `migrate force`;
 *  - what is pending is above the current version; a file below it is never run;
 *  - a version with a down file only runs nothing and is still recorded.
 * On MySQL (database/mysql/mysql.go) the file is one message too, since the driver sets multiStatements itself; there is
 * no transaction around it, so that what stands before a failing statement stays. The ledger's row is replaced by DELETE
 * and INSERT. GET_LOCK, which it holds meanwhile, is not modelled.
 */

import type { Dialect } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type {
  Ledger,
  LedgerReading,
  LedgerRow,
  LedgerStatement,
  Migration,
  SourceFile,
  Tool,
} from './tool.ts';
import { baseNameOf, directoryOf, evidencePerDirectory, ledgerOf, noteMissingFiles } from './tool.ts';

const FILE_NAME = /^(\d+)_(.*)\.(up|down)\.sql$/;

export const golangMigrate: Tool = {
  name: 'golang-migrate',
  title: 'golang-migrate',
  bracket: 'each',
  detect: (paths) =>
    evidencePerDirectory(
      paths
        .filter((path) => FILE_NAME.exec(baseNameOf(path))?.[3] === 'up')
        .map((path) => ({
          because: `${path} is named as golang-migrate names files`,
          directory: directoryOf(path),
        })),
    ),
  migrations,
  ledger: (dialect, flavor) => ledgerOf('golang-migrate', LEDGERS, dialect, flavor),
};

function migrations(files: readonly SourceFile[]): readonly Migration[] {
  const versions = new Map<bigint, { up: SourceFile | null; down: SourceFile | null }>();
  for (const file of files) {
    const [, digits, , direction] = FILE_NAME.exec(file.path) ?? [];
    if (digits === undefined || (direction !== 'up' && direction !== 'down')) continue;
    const found = versions.get(BigInt(digits)) ?? { up: null, down: null };
    const other = found[direction];
    if (other !== null) {
      throw new UsageError(
        `${file.path} and ${other.path} have the same version ${BigInt(digits)}. Give one of them another number.`,
      );
    }
    versions.set(BigInt(digits), { ...found, [direction]: file });
  }
  return [...versions]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([version, { up, down }]) => migrationOf(String(version), up, up ?? down));
}

function migrationOf(version: string, up: SourceFile | null, named: SourceFile | null): Migration {
  const file = named?.path ?? version;
  return {
    version,
    name: FILE_NAME.exec(file)?.[2] ?? version,
    file,
    parts:
      up === null || up.text.trim() === ''
        ? []
        : [{ sql: up.text, line: 1, message: 'whole', transaction: 'none' }],
    ledgerKey: version,
    checksum: null,
  };
}

const LEDGERS = {
  postgres: (dialect: Dialect) => ledger(dialect, 'truncate schema_migrations'),
  mysql: (dialect: Dialect) => ledger(dialect, 'delete from schema_migrations limit 1'),
  mariadb: (dialect: Dialect) => ledger(dialect, 'delete from schema_migrations limit 1'),
};

/** `empty` takes away the one row. */
function ledger({ placeholder }: Dialect, empty: string): Ledger {
  const set = (migration: Migration, dirty: boolean): readonly LedgerStatement[] => [
    { sql: empty, values: [] },
    {
      sql: `insert into schema_migrations (version, dirty) values (${placeholder(1)}, ${placeholder(2)})`,
      values: [migration.ledgerKey, dirty],
    },
  ];
  return {
    tables: [['schema_migrations']],
    create: [
      {
        sql:
          'create table if not exists schema_migrations ' +
          '(version bigint not null primary key, dirty boolean not null)',
        values: [],
      },
    ],
    read: { sql: 'select version, dirty from schema_migrations limit 1', values: [] },
    interpret,
    markApplied: (migration) => set(migration, false),
    before: (migration) => set(migration, true),
    after: (migration) => set(migration, false),
    afterRuns: 'outside',
    failed: () => [],
    withoutLedger: null,
  };
}

function interpret([row]: readonly LedgerRow[], migrations: readonly Migration[]): LedgerReading {
  if (row === undefined) return { applied: [], pending: migrations, dirty: null, notes: [] };
  const current = BigInt(String(row.version));
  const dirty =
    `schema_migrations holds version ${current} as dirty: it failed halfway. Repair the schema by hand, then run ` +
    `"migrate force ${current}" (or the version before it).`;
  return {
    applied: migrations.filter(({ version }) => BigInt(version) <= current).map(({ version }) => version),
    pending: migrations.filter(({ version }) => BigInt(version) > current),
    dirty: row.dirty ? dirty : null,
    notes: noteMissingFiles(
      migrations.some(({ version }) => BigInt(version) === current) ? [] : [String(current)],
    ),
  };
}
