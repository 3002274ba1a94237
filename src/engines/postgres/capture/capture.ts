/** Reads the shape of a database in use, in one read-only transaction; a standby will do. */
import { EnvironmentError } from '../../../errors.ts';
import type { Capture, CapturedFacts, CaptureRequest } from '../../capture.ts';
import { type Session, SqlError } from '../../engine.ts';
import { connections } from '../connections/connections.ts';
import { readSettings } from '../views/server-facts.ts';
import { readCombinedStatistics } from './combined-statistics.ts';
import { profileTables } from './profile.ts';
import { readSchema } from './schema.ts';
import { readSizedIndexes, readSizedTables } from './sizes.ts';
import { OWN_MARK, readStatements } from './statements.ts';
import { readColumnStatistics, readDistinctGroups, readForeignKeyColumns } from './statistics.ts';

export const capture: Capture = {
  bloatInTable: true,
  grants: [
    "create role rehearse_capture login password '...';",
    'grant connect on database DATABASE to rehearse_capture;',
    'grant pg_read_all_data to rehearse_capture;     -- Postgres 14 and later; before: grant select on all tables in schema S',
    'grant pg_read_all_stats to rehearse_capture;    -- pg_monitor holds this one and the next',
    'grant pg_read_all_settings to rehearse_capture;',
    '-- tables with row security: alter role rehearse_capture bypassrls, or capture as their owner',
    '-- the query mix: shared_preload_libraries = pg_stat_statements, and create extension pg_stat_statements',
  ],
  read,
};

const APPLICATION_NAME = 'rehearse capture';
/** A lock that takes longer is held by a migration: the catalogs are about to change. */
const LOCK_TIMEOUT_MS = 5_000;
/** A capture that is stopped from outside does not hold back vacuum for longer. */
const IDLE_TIMEOUT_MS = 60_000;
const OLDEST_VERSION = 100_000;

async function read(request: CaptureRequest): Promise<CapturedFacts> {
  const { target, signal } = request;
  await using session = await connections.connect(target, { applicationName: APPLICATION_NAME }, signal);
  const stop = () => void session.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await readAll(marked(session), request);
  } catch (error) {
    signal.throwIfAborted();
    throw explained(error, request);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Its statements can be told from the application's in the server's own statistics. */
function marked(session: Session): Session {
  return {
    ...session,
    query: (text, values) => session.query(`${text} ${OWN_MARK}`, values),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/**
 *  1. begins the read-only transaction with its limits
 *  2. the schema as DDL
 *  3. rows, bytes, indexes, foreign keys
 *  4. statistics of the columns
 *  5. the query mix, last, since it may be refused and with it the transaction
 */
async function readAll(session: Session, request: CaptureRequest): Promise<CapturedFacts> {
  const { schemas, values, say } = request;
  const version = await begin(session, request);
  const tables = await readSizedTables(session, schemas);
  refuseEmpty(tables.length, request, await readSchemaNames(session));
  say(`reading the schema of ${tables.length} tables and partitions`);
  const schema = await readSchema(session, schemas);
  say('reading sizes and indexes');
  const indexes = await readSizedIndexes(session);
  const foreignKeys = await readForeignKeyColumns(session);
  say(values ? 'reading column statistics with their values' : 'reading column statistics, without values');
  const columns = await readColumnStatistics(session, values);
  const combined = tables.some(({ isParent }) => isParent)
    ? await readCombinedStatistics(session, values)
    : [];
  const distinctGroups = await readDistinctGroups(session, version.number);
  const profiled = profileTables({ tables, indexes, foreignKeys, columns, combined, distinctGroups });
  const settings = await readSettings(session);
  if (request.statements) say('reading pg_stat_statements');
  const statements = request.statements ? await readStatements(session) : LEFT_OUT;
  return {
    engine: 'postgres',
    flavor: 'postgres',
    serverVersion: version.text,
    settings: Object.fromEntries(settings.map(({ name, value }) => [name, value])),
    schema: schema.ddl,
    tables: profiled.tables,
    statements: statements.statements,
    statementsSince: statements.statementsSince,
    missing: [...profiled.missing, ...schema.missing, ...statements.missing],
  };
}

const LEFT_OUT = {
  statements: [],
  statementsSince: null,
  missing: [{ what: 'statements', reason: 'not asked for (--no-statements)' }],
} as const;

/** One snapshot for everything: https://www.postgresql.org/docs/current/sql-set-transaction.html */
async function begin(
  session: Session,
  { statementTimeoutMs }: CaptureRequest,
): Promise<{ readonly text: string; readonly number: number }> {
  await session.execute('begin transaction isolation level repeatable read read only');
  const limits = [
    `statement_timeout = ${statementTimeoutMs}`,
    `lock_timeout = ${Math.min(statementTimeoutMs, LOCK_TIMEOUT_MS)}`,
    `idle_in_transaction_session_timeout = ${IDLE_TIMEOUT_MS}`,
    // Then every name that the server prints is qualified.
    'search_path = pg_catalog',
  ];
  for (const each of limits) await session.execute(`set local ${each}`);
  const [version] = await session.query<{ text: string; number: number }>(
    "select split_part(current_setting('server_version'), ' ', 1) as text, current_setting('server_version_num')::int as number",
  );
  if (version === undefined) throw new Error('server_version gave no row');
  if (version.number < OLDEST_VERSION)
    throw new EnvironmentError(
      `the server is Postgres ${version.text}, and a capture needs 10 or later: capture after its upgrade`,
    );
  return version;
}

async function readSchemaNames(session: Session): Promise<readonly string[]> {
  const rows = await session.query<{ name: string }>(
    "select nspname::text as name from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1",
  );
  return rows.map(({ name }) => name);
}

function refuseEmpty(tables: number, { target, schemas }: CaptureRequest, known: readonly string[]): void {
  const unknown = schemas.filter((schema) => !known.includes(schema));
  if (unknown.length > 0)
    throw new EnvironmentError(
      `database "${target.database}" has no schema ${unknown.map((name) => `"${name}"`).join(', ')}: it has ${known.join(', ')}`,
    );
  if (tables > 0) return;
  const where = schemas.length === 0 ? '' : ` in ${schemas.map((name) => `"${name}"`).join(', ')}`;
  throw new EnvironmentError(
    `database "${target.database}" has no table${where}: name the database of the application in the URL`,
  );
}

/** SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function explained(error: unknown, { statementTimeoutMs }: CaptureRequest): unknown {
  if (!(error instanceof SqlError)) return error;
  if (error.code === '57014')
    return new EnvironmentError(
      `a statement of the capture took longer than ${statementTimeoutMs / 1000} s: give it more with --statement-timeout`,
      { cause: error },
    );
  if (error.code === '55P03')
    return new EnvironmentError(
      `a table is locked (${error.message}): capture again when no migration is running`,
      { cause: error },
    );
  return new EnvironmentError(`the server refused to be read: ${error.message}`, { cause: error });
}
