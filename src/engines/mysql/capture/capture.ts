/** Reads the shape of a MySQL or MariaDB database in use, in one read-only transaction; a replica will do. */
import { EnvironmentError, UsageError } from '../../../errors.ts';
import type { Capture, CapturedFacts, CaptureRequest } from '../../capture.ts';
import { type Session, SqlError } from '../../engine.ts';
import { connections } from '../connections/connections.ts';
import { groupBy } from '../groups.ts';
import { readChecks } from '../schema/checks.ts';
import { columnOf, readColumns } from '../schema/columns.ts';
import { readForeignKeys } from '../schema/indexes.ts';
import { type ServerKind, serverKind } from '../server/server-kind.ts';
import { dialect, LOCK_WAIT_TIMEOUT, QUERY_TIMEOUT } from '../text/dialect.ts';
import { isRefused } from '../views/instruments.ts';
import { readSettings } from '../views/server-facts.ts';
import { readHistograms } from './histograms.ts';
import { columnsWithoutStatistics, columnsWithoutWidth, profileTable, type TableFacts } from './profile.ts';
import { readSchema } from './schema.ts';
import { readSizedIndexes, readSizedPartitions, readSizedTables } from './sizes.ts';
import { readStatements } from './statements.ts';

/**
 * InnoDB gives a table or index single pages up to 32 of them, then extents:
 * https://dev.mysql.com/doc/refman/8.4/en/innodb-file-space.html
 */
const PAGE_BYTES = 16_384;
const SINGLE_PAGES = 32;
const EXTENT_BYTES = 1_048_576;

export const capture: Capture = {
  growthBytes: (bytes) => (bytes > SINGLE_PAGES * PAGE_BYTES ? EXTENT_BYTES : 2 * PAGE_BYTES),
  // DATA_FREE, the free extents, is no part of DATA_LENGTH.
  bloatInTable: false,
  grants: [
    "create user rehearse_capture identified by '...';",
    'grant select, show view, trigger on DATABASE.* to rehearse_capture;',
    'grant process on *.* to rehearse_capture;',
    'grant select on performance_schema.* to rehearse_capture;',
    'grant select on mysql.innodb_index_stats to rehearse_capture;',
    'grant show_routine on *.* to rehearse_capture;           -- MySQL alone',
    'grant select on mysql.proc to rehearse_capture;          -- MariaDB alone',
    'grant select on mysql.column_stats to rehearse_capture;  -- MariaDB alone',
    'grant select on mysql.table_stats to rehearse_capture;   -- MariaDB alone',
    '-- statistics of columns: analyze table T update histogram on A, B;  MariaDB: analyze table T persistent for all',
  ],
  read,
};

const APPLICATION_NAME = 'rehearse capture';
/** A lock that takes longer is held by a migration: the dictionary is about to change. */
const LOCK_TIMEOUT_MS = 5_000;
/** A capture that is stopped from outside does not stay connected for longer. */
const IDLE_TIMEOUT_SECONDS = 60;
/** What the dictionary and the statistics are read from: MySQL 8.0.19, MariaDB 10.6, which has JSON_TABLE. */
const OLDEST: Readonly<Record<ServerKind['flavor'], { readonly version: number; readonly name: string }>> = {
  mysql: { version: 80_019, name: 'MySQL 8.0.19' },
  mariadb: { version: 100_600, name: 'MariaDB 10.6' },
};
/** Tables between two lines of progress. */
const TABLES_PER_LINE = 1_000;

async function read(request: CaptureRequest): Promise<CapturedFacts> {
  const { target, signal, statementTimeoutMs, schemas } = request;
  const others = schemas.filter((name) => name !== target.database);
  if (others.length > 0)
    throw new UsageError(
      `--schema ${others.join(', ')}: a schema is a database here, and the URL names "${target.database}": capture each by its own URL`,
    );
  const lockTimeoutMs = Math.max(
    1000,
    Math.min(LOCK_TIMEOUT_MS, Math.ceil(statementTimeoutMs / 1000) * 1000),
  );
  const limits = { applicationName: APPLICATION_NAME, statementTimeoutMs, lockTimeoutMs };
  await using session = await connections.connect(target, limits, signal);
  const stop = () => void session.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await readAll(session, request);
  } catch (error) {
    signal.throwIfAborted();
    throw explained(error, request);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 *  1. begins the read-only transaction with its limits
 *  2. the schema as DDL
 *  3. rows, bytes, indexes, foreign keys
 *  4. statistics of the columns
 *  5. settings and the query mix
 */
async function readAll(session: Session, request: CaptureRequest): Promise<CapturedFacts> {
  const { values, say } = request;
  const kind = await serverKind(session);
  const serverVersion = await begin(session, kind);
  const tables = await readSizedTables(session);
  if (tables.length === 0)
    throw new EnvironmentError(
      `database "${request.target.database}" has no table that this user may see: name the database of the application in the URL, or grant select on it`,
    );
  say(`reading the schema of ${tables.length} tables`);
  const schema = await readSchema(session, (done) => {
    if (done > 0 && done % TABLES_PER_LINE === 0) say(`  ${done} of ${tables.length}`);
  });
  say(
    values
      ? 'reading indexes and column statistics with their values'
      : 'reading indexes and column statistics, without values',
  );
  const facts = await readFacts(session, kind, { tables, withValues: values });
  const settings = await readChosenSettings(session);
  if (request.statements) say('reading the statement statistics');
  const statements = request.statements ? await readStatements(session) : LEFT_OUT;
  return {
    engine: 'mysql',
    flavor: kind.flavor,
    serverVersion,
    settings: Object.fromEntries((settings ?? []).map(({ name, value }) => [name, value])),
    schema: schema.ddl,
    tables: facts.tables.map(profileTable),
    statements: statements.statements,
    statementsSince: statements.statementsSince,
    missing: [
      { what: 'exact rows', reason: "InnoDB's own estimates were taken: a count would read every row" },
      ...facts.missing,
      ...facts.tables.flatMap((table) => missingOf(table, kind)),
      ...schema.missing,
      ...(settings === null ? [{ what: 'settings', reason: 'grant select on performance_schema.*' }] : []),
      ...statements.missing,
    ],
  };
}

const LEFT_OUT = {
  statements: [],
  statementsSince: null,
  missing: [{ what: 'statements', reason: 'not asked for (--no-statements)' }],
} as const;

/** https://dev.mysql.com/doc/refman/8.4/en/commit.html */
async function begin(session: Session, { flavor, version }: ServerKind): Promise<string> {
  const [row] = await session.query<{ version: string }>('select version() as version');
  const text = /\d+(?:\.\d+)+/.exec((row?.version ?? '').replace(/^5\.5\.5-(?=\d)/, ''))?.[0] ?? '';
  if (version < OLDEST[flavor].version)
    throw new EnvironmentError(
      `the server is ${flavor} ${text}, and a capture needs ${OLDEST[flavor].name} or later: capture after its upgrade`,
    );
  const [modes] = await session.query<{ mode: string; quoted: number }>(
    'select @@session.sql_mode as mode, @@session.sql_quote_show_create as quoted',
  );
  const settings = [
    `wait_timeout = ${IDLE_TIMEOUT_SECONDS}`,
    // How SHOW CREATE prints; left alone where it is right, so that production's own choice stays readable.
    ...(/ANSI|NO_BACKSLASH|MSSQL|ORACLE|DB2|MAXDB|POSTGRESQL|NO_.*_OPTIONS/.test(modes?.mode ?? '')
      ? ["sql_mode = ''"]
      : []),
    ...(Number(modes?.quoted) === 1 ? [] : ['sql_quote_show_create = 1']),
    // Statistics of now; what is in the cache may be a day old, and a miss would be written to it.
    ...(flavor === 'mysql' ? ['information_schema_stats_expiry = 0'] : ['group_concat_max_len = 16777216']),
  ];
  for (const each of settings) await session.execute(`set session ${each}`);
  await session.execute('start transaction with consistent snapshot, read only');
  return text;
}

/** MySQL notes a setting as chosen when any session set it for itself, as ours did with these. */
const OWN_DEFAULTS: Readonly<Record<string, string>> = {
  wait_timeout: '28800',
  lock_wait_timeout: '31536000',
  innodb_lock_wait_timeout: '50',
  information_schema_stats_expiry: '86400',
};

/** Null when they may not be read. */
async function readChosenSettings(session: Session) {
  try {
    const settings = await readSettings(session);
    return settings.filter(({ name, value }) => OWN_DEFAULTS[name] !== value);
  } catch (error) {
    if (!isRefused(error)) throw error;
    return null;
  }
}

interface Facts {
  readonly tables: readonly TableFacts[];
  readonly missing: CapturedFacts['missing'];
}

async function readFacts(
  session: Session,
  { flavor }: ServerKind,
  { tables, withValues }: { readonly tables: readonly TableFacts['table'][]; readonly withValues: boolean },
): Promise<Facts> {
  const columns = await readColumns(session, flavor);
  const checks = await readChecks(session, flavor);
  const { indexes, missing } = await readSizedIndexes(session, flavor === 'mysql');
  const partitions = groupBy(await readSizedPartitions(session), ({ table }) => table);
  const foreignKeys = await readForeignKeys(session);
  const { histograms, missing: unread } = await readHistograms(session, flavor, withValues);
  const indexesOf = groupBy(indexes, ({ table }) => table);
  const histogramsOf = groupBy(histograms, ({ table }) => table);
  return {
    tables: tables.map((table) => ({
      table,
      partitions: partitions.get(table.name) ?? [],
      columns: (columns.get(table.name) ?? []).map((row) =>
        columnOf(row, checks.get(table.name) ?? [], flavor),
      ),
      indexes: indexesOf.get(table.name) ?? [],
      foreignKeys: foreignKeys.get(table.name) ?? [],
      histograms: histogramsOf.get(table.name) ?? [],
    })),
    missing: [...missing, ...unread],
  };
}

function missingOf(facts: TableFacts, { flavor }: ServerKind): CapturedFacts['missing'] {
  const { name, rows } = facts.table;
  if (rows === 0) return [];
  const bare = columnsWithoutStatistics(facts);
  const possible = bare.filter(({ type }) => !NO_HISTOGRAM[flavor].test(type.base) && type.kind !== 'json');
  const impossible = bare.filter((column) => !possible.includes(column));
  const quoted = dialect.quote(name);
  const run =
    flavor === 'mysql'
      ? `analyze table ${quoted} update histogram on ${possible.map((each) => dialect.quote(each.name)).join(', ')}`
      : `analyze table ${quoted} persistent for all`;
  const lists: readonly [string, readonly { readonly name: string }[], string][] = [
    ['column statistics', possible, `no histogram. Run: ${run}`],
    ['column statistics', impossible, 'the server keeps none for such types'],
    ['widths', columnsWithoutWidth(facts), 'estimated from the average length of a row'],
  ];
  return lists
    .filter(([, columns]) => columns.length > 0)
    .map(([what, columns, reason]) => ({
      what: `${what} of ${name}: ${columns.map((column) => column.name).join(', ')}`,
      reason,
    }));
}

/** https://dev.mysql.com/doc/refman/8.4/en/analyze-table.html and https://mariadb.com/kb/en/engine-independent-table-statistics/ */
const NO_HISTOGRAM: Readonly<Record<ServerKind['flavor'], RegExp>> = {
  mysql: /^(?:json|geom|point|line|polygon|multi)/,
  mariadb: /(?:text|blob|json)$|^(?:geom|point|line|polygon|multi)/,
};

function explained(error: unknown, { statementTimeoutMs }: CaptureRequest): unknown {
  if (!(error instanceof SqlError)) return error;
  if (error.code === QUERY_TIMEOUT)
    return new EnvironmentError(
      `a statement of the capture took longer than ${statementTimeoutMs / 1000} s: give it more with --statement-timeout`,
      { cause: error },
    );
  if (error.code === LOCK_WAIT_TIMEOUT)
    return new EnvironmentError('a table is locked: capture again when no migration is running', {
      cause: error,
    });
  return new EnvironmentError(`the server refused to be read: ${error.message}`, { cause: error });
}
