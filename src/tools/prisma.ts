/**
 * Prisma Migrate: `migrations/<name>/migration.sql`, as `prisma migrate deploy` runs it.
 *
 * As schema-engine/commands/src/commands/apply_migrations.rs and sql_migration_persistence.rs do it:
 *  - a row with started_at is written before the script and stays whatever happens;
 *  - the script is one message without BEGIN (simple_query): several statements are one implicit transaction of the
 *    server's, and one that refuses transactions must stand alone;
 *  - success sets applied_steps_count and finished_at; failure sets logs, and every later run is refused until
 *    `prisma migrate resolve`;
 *  - checksum is the SHA-256 of the script in hexadecimal; it is not compared by deploy;
 *  - what is pending is each folder, by name, that has no row that was not rolled back;
 *  - a database with tables and no ledger is refused (P3005).
 * On MySQL (flavour/mysql.rs) the script is one message as well, and what stands before a failing statement stays. There
 * Prisma adds the number of that statement to `logs`, which is left out here.
 * `logs` holds Prisma's message up to the server's error; the debugging form of the error that follows it there is
 * left out.
 */
import { createHash } from 'node:crypto';
import type { Dialect } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import type { Ledger, LedgerOutcome, LedgerReading, LedgerRow, Migration, SourceFile, Tool } from './tool.ts';
import { directoryOf, evidencePerDirectory, ledgerOf, readByKey } from './tool.ts';

const SCRIPT = /^([^/]+)\/migration\.sql$/;

export const prisma: Tool = {
  name: 'prisma',
  title: 'Prisma Migrate',
  bracket: 'each',
  detect: (paths) =>
    evidencePerDirectory(
      paths
        .filter((path) => /(^|\/)[^/]+\/migration\.sql$/.test(path))
        // drizzle-orm 1.0 names its scripts the same and keeps a snapshot beside each.
        .filter((path) => !paths.includes(`${directoryOf(path)}/snapshot.json`))
        .map((path) => ({
          because: `${path} is named as Prisma names files`,
          directory: directoryOf(directoryOf(path)),
        })),
    ),
  migrations,
  ledger: (dialect, flavor) => ledgerOf('Prisma Migrate', LEDGERS, dialect, flavor),
};

function migrations(files: readonly SourceFile[]): readonly Migration[] {
  const scripts = new Map(files.map((file) => [SCRIPT.exec(file.path)?.[1], file]));
  const folders = new Set(
    files.filter(({ path }) => path.includes('/')).map(({ path }) => path.split('/', 1)[0] ?? ''),
  );
  return [...folders].toSorted().map((folder) => {
    const file = scripts.get(folder);
    if (file === undefined) {
      throw new UsageError(
        `${folder}/ has no migration.sql, and Prisma refuses that (P3015). Remove the folder.`,
      );
    }
    return {
      version: folder,
      name: folder.replace(/^\d+_/, ''),
      file: file.path,
      parts: [{ sql: file.text, line: 1, message: 'whole', transaction: 'none' }],
      ledgerKey: folder,
      checksum: createHash('sha256').update(file.text).digest('hex'),
    };
  });
}

/** What differs between kinds of servers: flavour/postgres.rs and flavour/mysql.rs of the schema engine. */
interface Flavored {
  readonly create: string;
  /** A random id in the form of a UUID. */
  readonly randomId: string;
  /** This instant, in UTC where the type keeps no time zone. */
  readonly now: string;
  /** What Prisma puts before the server's message. */
  readonly errorPrefix: string;
}

const onMysql = (dialect: Dialect) =>
  ledger(dialect, { create: MYSQL_CREATE, randomId: 'uuid()', now: 'utc_timestamp(3)', errorPrefix: '' });
const LEDGERS = {
  postgres: (dialect: Dialect) =>
    ledger(dialect, {
      create: POSTGRES_CREATE,
      // As every supported server can make it: gen_random_uuid() came with 13.
      randomId: 'md5(random()::text || clock_timestamp()::text)::uuid::text',
      now: 'clock_timestamp()',
      errorPrefix: 'ERROR: ',
    }),
  mysql: onMysql,
  mariadb: onMysql,
};

const UNFINISHED = 'finished_at is null and rolled_back_at is null';

function ledger({ placeholder }: Dialect, { create, randomId, now, errorPrefix }: Flavored): Ledger {
  return {
    tables: [['_prisma_migrations']],
    create: [{ sql: create, values: [] }],
    read: {
      sql:
        'select migration_name, checksum, finished_at is not null as finished, rolled_back_at is not null as rolled_back, ' +
        'logs from _prisma_migrations order by started_at',
      values: [],
    },
    interpret,
    markApplied: (migration) => [
      {
        sql:
          'insert into _prisma_migrations (id, checksum, logs, started_at, finished_at, migration_name) ' +
          `values (${randomId}, ${placeholder(1)}, '', ${now}, ${now}, ${placeholder(2)})`,
        values: [migration.checksum, migration.ledgerKey],
      },
    ],
    before: (migration) => [
      {
        sql:
          'insert into _prisma_migrations (id, checksum, started_at, migration_name) ' +
          `values (${randomId}, ${placeholder(1)}, ${now}, ${placeholder(2)})`,
        values: [migration.checksum, migration.ledgerKey],
      },
    ],
    after: (migration) => [
      {
        sql:
          `update _prisma_migrations set applied_steps_count = applied_steps_count + 1, finished_at = ${now} ` +
          `where migration_name = ${placeholder(1)} and ${UNFINISHED}`,
        values: [migration.ledgerKey],
      },
    ],
    afterRuns: 'outside',
    failed: (migration, outcome) => [
      {
        sql: `update _prisma_migrations set logs = ${placeholder(1)} where migration_name = ${placeholder(2)} and ${UNFINISHED}`,
        values: [logsOf(migration, outcome, errorPrefix), migration.ledgerKey],
      },
    ],
    withoutLedger:
      'Prisma refuses a database that has tables and no _prisma_migrations (P3005): set migrations.released to the ' +
      'last migration that production has, as "prisma migrate resolve --applied" would',
  };
}

const POSTGRES_CREATE = `create table _prisma_migrations (
  id varchar(36) primary key not null,
  checksum varchar(64) not null,
  finished_at timestamptz,
  migration_name varchar(255) not null,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz not null default now(),
  applied_steps_count integer not null default 0
)`;

const MYSQL_CREATE = `create table _prisma_migrations (
  id varchar(36) primary key not null,
  checksum varchar(64) not null,
  finished_at datetime(3),
  migration_name varchar(255) not null,
  logs text,
  rolled_back_at datetime(3),
  started_at datetime(3) not null default current_timestamp(3),
  applied_steps_count integer unsigned not null default 0
) default character set utf8mb4 collate utf8mb4_unicode_ci`;

function interpret(rows: readonly LedgerRow[], migrations: readonly Migration[]): LedgerReading {
  const live = rows.filter(({ rolled_back }) => !rolled_back);
  const failed = live.filter(({ finished }) => !finished).map(({ migration_name }) => String(migration_name));
  const finished = live.filter((row) => row.finished).map(({ migration_name }) => String(migration_name));
  const { applied, pending, notes } = readByKey(finished, migrations);
  const dirty =
    `_prisma_migrations holds ${failed.join(', ')} as started and never finished (P3009). Repair the schema, then run ` +
    `"prisma migrate resolve --applied ${failed[0]}" or "--rolled-back ${failed[0]}".`;
  return { applied, pending, notes, dirty: failed.length === 0 ? null : dirty };
}

function logsOf(migration: Migration, { failure }: LedgerOutcome, errorPrefix: string): string {
  return [
    'A migration failed to apply. New migrations cannot be applied before the error is recovered from. ' +
      'Read more about how to resolve migration issues in a production database: https://pris.ly/d/migrate-resolve',
    `Migration name: ${migration.ledgerKey}`,
    `Database error code: ${failure?.code ?? 'none'}`,
    `Database error:\n${errorPrefix}${failure?.message ?? ''}`,
  ].join('\n\n');
}
