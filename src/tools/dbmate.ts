/**
 * dbmate: `<digits>_<name>.sql` with `-- migrate:up [transaction:false]` and `-- migrate:down` sections.
 *
 * As the binary 2.36.0 does it, read off a server's statement log and pkg/dbmate/{db,migration}.go:
 *  - an up section, its directive line included, is one message of the simple protocol;
 *  - BEGIN before it and the ledger's row and COMMIT after it, unless the directive says `transaction:false`; then the
 *    message stands alone (several statements in it are still one implicit transaction of the server's), and the row
 *    follows by itself;
 *  - a file may hold several pairs of sections; each is bracketed by itself and each writes the row, so that the second
 *    pair fails on the ledger's primary key and is rolled back, while the first stays;
 *  - a version is applied when the ledger holds its leading digits.
 * On MySQL (log of 9.7) the message and its bracket are the same; each DDL statement commits by itself, and with the
 * first one the bracket is gone: what stands before a failing statement stays, and the row is not written.
 */

import type { Dialect } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { Ledger, Migration, ScriptPart, SourceFile, Tool } from './tool.ts';
import { baseNameOf, directoryOf, evidencePerDirectory, ledgerOf, readByKey } from './tool.ts';

const FILE_NAME = /^(\d+).*\.sql$/;
const UP = /^--\s*migrate:up(\s*$|\s+\S+)/gm;
const DOWN = /^--\s*migrate:down(\s*$|\s+\S+)/gm;

export const dbmate: Tool = {
  name: 'dbmate',
  title: 'dbmate',
  bracket: 'each',
  detect: (paths, read) =>
    evidencePerDirectory(
      paths
        .filter((path) => FILE_NAME.test(baseNameOf(path)))
        .filter((path) => /^--\s*migrate:up/m.test(read(path) ?? ''))
        .map((path) => ({ because: `${path} has a "-- migrate:up" section`, directory: directoryOf(path) })),
    ),
  migrations: (files) =>
    files
      .filter(({ path }) => !path.includes('/') && FILE_NAME.test(path))
      .toSorted((one, other) => (one.path < other.path ? -1 : 1))
      .map(migrationOf),
  ledger: (dialect, flavor) => ledgerOf('dbmate', LEDGERS, dialect, flavor),
};

function migrationOf(file: SourceFile): Migration {
  const version = FILE_NAME.exec(file.path)?.[1] ?? '';
  return {
    version,
    name: file.path.slice(version.length).replace(/^_|\.sql$/g, '') || version,
    file: file.path,
    parts: sectionsOf(file),
    ledgerKey: version,
    checksum: null,
  };
}

/** One part per up section, in the order of the file; UsageError for what dbmate itself refuses, in its words. */
function sectionsOf({ path, text }: SourceFile): readonly ScriptPart[] {
  const starts = [...text.matchAll(UP)].map(({ index }) => index);
  const first = starts[0];
  if (first === undefined) refuse(path, "define an up block with '-- migrate:up'");
  const preceding = text.slice(0, first).split('\n');
  if (preceding.some((line) => line.trim() !== '' && !/^\s*--/.test(line))) {
    refuse(path, "hold no statement before the first '-- migrate:up'");
  }
  return starts.map((start, index) => {
    const section = text.slice(start, starts[index + 1] ?? text.length);
    const downs = [...section.matchAll(DOWN)];
    const [down] = downs;
    if (down === undefined) refuse(path, "define a down block with '-- migrate:down'");
    if (downs.length > 1) refuse(path, "have one '-- migrate:down' for each '-- migrate:up'");
    const sql = section.slice(0, down.index);
    return {
      sql,
      line: text.slice(0, start).split('\n').length,
      message: 'whole',
      transaction: runsInTransaction(sql) ? 'one' : 'none',
    };
  });
}

function runsInTransaction(section: string): boolean {
  const options = (section.split('\n', 1)[0] ?? '')
    .replace(/^--\s*migrate:up/, '')
    .trim()
    .split(/\s+/);
  return options.findLast((option) => /^transaction:[^:]*$/.test(option)) !== 'transaction:false';
}

function refuse(path: string, what: string): never {
  throw new UsageError(`${path}: dbmate requires each migration to ${what}.`);
}

const LEDGERS = {
  postgres: (dialect: Dialect) => ledger(dialect, 'version varchar primary key'),
  mysql: (dialect: Dialect) => ledger(dialect, 'version varchar(128) primary key'),
  mariadb: (dialect: Dialect) => ledger(dialect, 'version varchar(128) primary key'),
};

/** In the first schema of the search path, as dbmate asks current_schema() for it. */
function ledger({ placeholder }: Dialect, columns: string): Ledger {
  const insert = (migration: Migration) => [
    {
      sql: `insert into schema_migrations (version) values (${placeholder(1)})`,
      values: [migration.ledgerKey],
    },
  ];
  return {
    tables: [['schema_migrations']],
    create: [{ sql: `create table if not exists schema_migrations (${columns})`, values: [] }],
    read: { sql: 'select version from schema_migrations order by version', values: [] },
    interpret: (rows, migrations) => ({
      ...readByKey(
        rows.map(({ version }) => String(version)),
        migrations,
      ),
      dirty: null,
    }),
    markApplied: insert,
    before: () => [],
    after: insert,
    afterRuns: 'in each part',
    failed: () => [],
    withoutLedger: null,
  };
}
