/**
 * Flyway: `V1_1__description.sql`, repeatable `R__description.sql`, baseline `B5__description.sql`; `U` (undo) is left
 * out. `V1__x.sql.conf` beside a script may say executeInTransaction. Subfolders are read too.
 *
 * As DbMigrate, ParserSqlScript, ChecksumCalculator, MigrationInfoImpl, PostgreSQLParser and PostgreSQLDatabase do it:
 *  - statements are sent one at a time, a whole file in one transaction with its row in flyway_schema_history, so that
 *    a failure leaves neither;
 *  - a file whose statements refuse transactions runs without one, and its failure leaves a row with success = false
 *    that stops every later run until `flyway repair`; a file that mixes both kinds is refused unless its .conf decides;
 *  - the checksum is the CRC-32 of the lines without their ends, the byte order mark left out;
 *  - versions compare number by number, trailing zeros are nothing; a version below the newest applied one is passed
 *    over (outOfOrder is off), and so is everything up to a baseline; the newest baseline script replaces all before it
 *    where the history is empty; repeatables follow in the order of their descriptions when their checksum changed.
 * On MySQL and MariaDB (MySQLDatabase: supportsDdlTransactions is false) a failure leaves the statements before it, and
 * always a row with success = false; DbMigrate writes it outside of the transaction.
 * Flyway's second connection, which holds the advisory lock, is not modelled, nor are placeholders with values of the
 * user's own: a script that uses one is refused by name.
 */
import { crc32 } from 'node:zlib';
import type { Dialect } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import { interpretHistory } from './flyway-history.ts';
import { compareVersions, type FlywayName, parseFlywayName } from './flyway-names.ts';
import type { Ledger, LedgerOutcome, LedgerStatement, Migration, SourceFile, Tool } from './tool.ts';
import { baseNameOf, directoryOf, evidencePerDirectory, ledgerOf } from './tool.ts';

export const flyway: Tool = {
  name: 'flyway',
  title: 'Flyway',
  bracket: 'each',
  detect: (paths) =>
    evidencePerDirectory(
      paths
        .filter((path) => /^[VR][\d._]*__.+\.sql$/.test(baseNameOf(path)))
        .map((path) => ({ because: `${path} is named as Flyway names files`, directory: locationOf(path) })),
    ),
  migrations,
  ledger: (dialect, flavor) => ledgerOf('Flyway', LEDGERS, dialect, flavor),
};

/** Flyway reads a location with the folders inside it: the folder called migration, or the one of the file. */
function locationOf(path: string): string {
  return /^(?:.*?\/)?migrations?(?=\/)/.exec(path)?.[0] ?? directoryOf(path);
}

const ORDER_OF_KIND = { baseline: 0, versioned: 0, repeatable: 1, undo: 2 } as const;

function migrations(files: readonly SourceFile[], dialect: Dialect): readonly Migration[] {
  const configurations = new Map(files.map(({ path, text }) => [path, text]));
  const named = files.flatMap((file) => {
    const name = parseFlywayName(file.path);
    return name === null || name.kind === 'undo' ? [] : [{ file, name }];
  });
  refuseDuplicates(named);
  return named
    .toSorted(
      ({ name: one }, { name: other }) =>
        ORDER_OF_KIND[one.kind] - ORDER_OF_KIND[other.kind] ||
        compareVersions(one.version, other.version) ||
        (one.kind < other.kind
          ? -1
          : one.kind > other.kind
            ? 1
            : one.description < other.description
              ? -1
              : 1),
    )
    .map(({ file, name }) =>
      migrationOf(file, name, { dialect, configuration: configurations.get(`${file.path}.conf`) }),
    );
}

function refuseDuplicates(named: readonly { readonly file: SourceFile; readonly name: FlywayName }[]): void {
  const seen = new Map<string, string>();
  for (const { file, name } of named) {
    const key =
      name.kind === 'repeatable' ? `R ${name.description}` : `${name.kind} ${canonical(name.version)}`;
    const other = seen.get(key);
    if (other !== undefined) {
      throw new UsageError(
        `${file.path} and ${other} are the same migration to Flyway. Give one of them another version or description.`,
      );
    }
    seen.set(key, file.path);
  }
}

function canonical(version: string): string {
  return version.replace(/(^|\.)0+(?=\d)/g, '$1').replace(/(\.0)+$/, '');
}

interface ScriptContext {
  readonly dialect: Dialect;
  /** Text of the .conf file beside the script. */
  readonly configuration: string | undefined;
}

function migrationOf(
  file: SourceFile,
  name: FlywayName,
  { dialect, configuration }: ScriptContext,
): Migration {
  if (!/^\s*placeholderReplacement\s*=\s*false\s*$/m.test(configuration ?? '')) refusePlaceholders(file);
  const version = name.kind === 'repeatable' ? `R__${name.description.replaceAll(' ', '_')}` : name.version;
  return {
    version: name.kind === 'baseline' ? `B${version}` : version,
    name: name.description || version,
    file: file.path,
    parts: [
      {
        sql: file.text,
        line: 1,
        message: 'statements',
        transaction: runsInTransaction(file, dialect, configuration) ? 'one' : 'none',
      },
    ],
    ledgerKey: name.kind === 'repeatable' ? '' : name.version,
    checksum: String(checksumOf(file.text)),
  };
}

/** https://documentation.red-gate.com/flyway/flyway-concepts/migrations/placeholders */
function refusePlaceholders({ path, text }: SourceFile): void {
  const placeholder = /\$\{[^}\n]+\}/.exec(text)?.[0];
  if (placeholder === undefined) return;
  throw new UsageError(
    `${path} uses the placeholder ${placeholder}, whose value is not known here. Write the value into a copy of the ` +
      `script, or set placeholderReplacement=false in ${path}.conf where it is no placeholder.`,
  );
}

function runsInTransaction(
  { path, text }: SourceFile,
  dialect: Dialect,
  configuration: string | undefined,
): boolean {
  const said = /^\s*executeInTransaction\s*=\s*(true|false)\s*$/m.exec(configuration ?? '')?.[1];
  if (said !== undefined) return said === 'true';
  const statements = dialect.split(text);
  const refusing = statements.filter((statement) => flywayKnowsToRefuse(statement.text, dialect));
  if (refusing.length > 0 && refusing.length < statements.length) {
    throw new UsageError(
      `${path}:${refusing[0]?.line}: Flyway refuses a migration that mixes statements which need no transaction with ` +
        `others (mixed is off). Move this one into a file of its own, or set executeInTransaction in ${path}.conf.`,
    );
  }
  return refusing.length === 0;
}

/**
 * Flyway knows some of the statements that refuse a transaction (PostgreSQLParser); the others (REINDEX CONCURRENTLY,
 * DETACH PARTITION CONCURRENTLY...) it runs inside one, where the server refuses them.
 */
const KNOWN_TO_REFUSE = [
  /^(create|drop) (database|tablespace|subscription)\b/,
  /^alter system\b/,
  /^(create|drop)( unique)? index concurrently\b/,
  /^reindex( verbose| \( ?verbose ?\))? (schema|database|system)\b/,
  /^vacuum\b/,
  /^discard all\b/,
];

function flywayKnowsToRefuse(statement: string, dialect: Dialect): boolean {
  const words = dialect.blank(statement).trim().replace(/\s+/g, ' ').toLowerCase();
  return dialect.refusesTransaction(statement) && KNOWN_TO_REFUSE.some((pattern) => pattern.test(words));
}

/** Signed 32 bits, as Java casts it. */
function checksumOf(text: string): number {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  return lines.reduce((checksum, line) => crc32(line, checksum), 0) | 0;
}

const TABLE = 'flyway_schema_history';

/** What differs between kinds of servers: MySQLDatabase.getRawCreateScript, doGetCurrentUser. */
interface Flavored {
  readonly create: readonly string[];
  readonly currentUser: string;
  /** A failure takes back all of a file that runs in a transaction, its row too. */
  readonly transactionalDdl: boolean;
}

const onMysql = (dialect: Dialect) =>
  ledger(dialect, {
    create: MYSQL_CREATE,
    currentUser: "substring_index(user(), '@', 1)",
    transactionalDdl: false,
  });
const LEDGERS = {
  postgres: (dialect: Dialect) =>
    ledger(dialect, { create: POSTGRES_CREATE, currentUser: 'current_user', transactionalDdl: true }),
  mysql: onMysql,
  mariadb: onMysql,
};

function ledger({ placeholder }: Dialect, { create, currentUser, transactionalDdl }: Flavored): Ledger {
  const insert = (migration: Migration, outcome: LedgerOutcome): LedgerStatement => ({
    sql:
      `insert into ${TABLE} (installed_rank, version, description, type, script, checksum, installed_by, ` +
      `execution_time, success) select coalesce(max(installed_rank), 0) + 1, ${placeholder(1)}, ${placeholder(2)}, ` +
      `${placeholder(3)}, ${placeholder(4)}, ${placeholder(5)}, ${currentUser}, ${placeholder(6)}, ${placeholder(7)} ` +
      `from ${TABLE}`,
    values: [
      migration.ledgerKey === '' ? null : migration.ledgerKey,
      migration.name,
      migration.version.startsWith('B') ? 'SQL_BASELINE' : 'SQL',
      migration.file,
      migration.checksum,
      Math.round(outcome.durationMs),
      outcome.failure === null,
    ],
  });
  return {
    tables: [[TABLE]],
    create: create.map((sql) => ({ sql, values: [] })),
    read: {
      sql: `select version, description, type, script, checksum, success from ${TABLE} order by installed_rank`,
      values: [],
    },
    interpret: interpretHistory,
    markApplied: (migration) =>
      migration.version.startsWith('B') ? [] : [insert(migration, { durationMs: 0, failure: null })],
    before: () => [],
    after: (migration, outcome) => [insert(migration, outcome)],
    afterRuns: 'in the last part',
    failed: (migration, outcome) =>
      !transactionalDdl || migration.parts.some(({ transaction }) => transaction === 'none')
        ? [insert(migration, outcome)]
        : [],
    withoutLedger:
      'Flyway refuses a database that has tables and no flyway_schema_history: set migrations.released to the last ' +
      'version that production has, as "flyway baseline" would',
  };
}

const POSTGRES_CREATE = [
  `create table ${TABLE} (
  installed_rank int not null,
  version varchar(50),
  description varchar(200) not null,
  type varchar(20) not null,
  script varchar(1000) not null,
  checksum integer,
  installed_by varchar(100) not null,
  installed_on timestamp not null default now(),
  execution_time integer not null,
  success boolean not null
)`,
  `alter table ${TABLE} add constraint ${TABLE}_pk primary key (installed_rank)`,
  `create index ${TABLE}_s_idx on ${TABLE} (success)`,
];

const MYSQL_CREATE = [
  `create table ${TABLE} (
  installed_rank int not null,
  version varchar(50),
  description varchar(200) not null,
  type varchar(20) not null,
  script varchar(1000) not null,
  checksum int,
  installed_by varchar(100) not null,
  installed_on timestamp not null default current_timestamp,
  execution_time int not null,
  success bool not null,
  constraint ${TABLE}_pk primary key (installed_rank)
)`,
  `create index ${TABLE}_s_idx on ${TABLE} (success)`,
];
