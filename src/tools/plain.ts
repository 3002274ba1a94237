/**
 * A plain directory of .sql files, run in the natural order of their paths (`2_b.sql` before `10_a.sql`). It keeps no
 * ledger: what production has is said by `migrations.released`, and everything after it is pending.
 *
 * Each file is one transaction, its statements sent one at a time, as `psql -1 -v ON_ERROR_STOP=1 -f FILE` does;
 * statement by statement without one, as plain psql does, when the file
 *  - holds a statement that refuses a transaction (CREATE INDEX CONCURRENTLY, VACUUM), or
 *  - brackets itself with BEGIN and COMMIT, or
 *  - says `-- rehearse: no-transaction` on a line of its own.
 * Files that end in `.down.sql` or `.undo.sql` are the way back and are left out.
 */

import type { Dialect } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { Ledger, Migration, SourceFile, Tool } from './tool.ts';
import { baseNameOf, directoryOf, evidencePerDirectory } from './tool.ts';

const NO_TRANSACTION = /^[ \t]*--[ \t]*rehearse:[ \t]*no-transaction[ \t]*$/m;
const WAY_BACK = /\.(down|undo)\.sql$/i;
const SQL_FILE = /\.sql$/i;

export const plain: Tool = {
  name: 'sql',
  title: 'plain SQL files',
  bracket: 'each',
  detect: (paths) =>
    evidencePerDirectory(
      paths
        .filter((path) => SQL_FILE.test(path) && /^(.*\/)?migrations?$/.test(directoryOf(path)))
        .map((path) => ({
          because: `${path} is an .sql file of a migrations folder`,
          directory: directoryOf(path),
        })),
    ),
  migrations: (files, dialect) =>
    files
      .filter(({ path }) => SQL_FILE.test(path) && !WAY_BACK.test(path))
      .toSorted((one, other) => NATURAL.compare(one.path, other.path) || (one.path < other.path ? -1 : 1))
      .map((file) => migrationOf(file, dialect)),
  ledger: () => NO_LEDGER,
};

/** Numbers inside names compare as numbers. One fixed locale, so that every machine has the same order. */
const NATURAL = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' });

function migrationOf(file: SourceFile, dialect: Dialect): Migration {
  const version = file.path.replace(SQL_FILE, '');
  const statements = dialect.split(file.text).map(({ text }) => text);
  if (statements.length === 0) {
    throw new UsageError(`${file.path} holds no statement. Remove it, or write the migration into it.`);
  }
  const bracketsItself = statements.some((text) => dialect.kindOf(text) === 'transaction');
  const refuses = statements.some((text) => dialect.refusesTransaction(text));
  const single = bracketsItself || refuses || NO_TRANSACTION.test(file.text);
  return {
    version,
    name: baseNameOf(version).replace(/^[\d._-]+/, '') || baseNameOf(version),
    file: file.path,
    parts: [{ sql: file.text, line: 1, message: 'statements', transaction: single ? 'none' : 'one' }],
    ledgerKey: version,
    checksum: null,
  };
}

const NO_LEDGER: Ledger = {
  tables: [],
  create: [],
  read: null,
  interpret: (_rows, migrations) => ({ applied: [], pending: migrations, dirty: null, notes: [] }),
  markApplied: () => [],
  before: () => [],
  after: () => [],
  afterRuns: 'outside',
  failed: () => [],
  withoutLedger: null,
};
