/**
 * What pg_stat_statements counts, read from another database than the rehearsed one and without an object that stays: its
 * function is made for this session alone (pg_temp), in the form that the library has for this major. So the migration may
 * create and drop the extension as it likes. https://www.postgresql.org/docs/current/pgstatstatements.html
 */
import { type Session, SqlError } from '../../engine.ts';
import { DRILL, LOAD, OBSERVER } from '../connections/roles.ts';

/** Of all statements that the server takes for one, since it counts. */
export interface Counted {
  readonly queryId: string;
  /** False: another statement ran it; null: this major counts both together. */
  readonly topLevel: boolean | null;
  /** By the migration's user; another one may be a role that it took, and anybody who looks at the database. */
  readonly own: boolean;
  /** Values are parameters in it, but for those of utility statements. */
  readonly text: string;
  readonly calls: number;
  /** Returned or changed. */
  readonly rows: number;
  /** Null before 13. */
  readonly logBytes: number | null;
  /** Without parsing and planning. */
  readonly executionMs: number;
}

export interface CountReader {
  /** Of the rehearsed database, whoever ran it but for the load, the drills and the observers. */
  read(): Promise<readonly Counted[]>;
}

/** Columns of pg_stat_statements that each form of its function has in common. */
const COUNTERS = (time: string): string =>
  `calls bigint, ${time} double precision, least_time double precision, most_time double precision,
   mean_time double precision, deviation double precision, rows bigint,
   shared_hit bigint, shared_read bigint, shared_dirtied bigint, shared_written bigint,
   local_hit bigint, local_read bigint, local_dirtied bigint, local_written bigint,
   temp_read bigint, temp_written bigint, read_time double precision, write_time double precision`;
const PLANS = `plans bigint, plan_time double precision, least_plan double precision, most_plan double precision,
   mean_plan double precision, plan_deviation double precision`;
const LOG = 'wal_records bigint, wal_fpi bigint, wal_bytes numeric';

interface Form {
  /** Of the C function; later libraries keep the earlier forms. */
  readonly symbol: string;
  readonly columns: string;
  readonly topLevel: string;
  readonly logBytes: string;
}

/** pg_stat_statements.c: PG_FUNCTION_INFO_V1 of each version of the extension. */
function formOf(version: number): Form {
  const ids = 'userid oid, dbid oid';
  const query = 'queryid bigint, query text';
  const execution = COUNTERS('execution_time');
  if (version >= 140_000)
    return {
      symbol: 'pg_stat_statements_1_9',
      columns: `${ids}, toplevel boolean, ${query}, ${PLANS}, ${execution}, ${LOG}`,
      topLevel: 's.toplevel',
      logBytes: 's.wal_bytes::text',
    };
  if (version >= 130_000)
    return {
      symbol: 'pg_stat_statements_1_8',
      columns: `${ids}, ${query}, ${PLANS}, ${execution}, ${LOG}`,
      topLevel: 'null::boolean',
      logBytes: 's.wal_bytes::text',
    };
  return {
    symbol: 'pg_stat_statements_1_3',
    columns: `${ids}, ${query}, ${execution}`,
    topLevel: 'null::boolean',
    logBytes: 'null::text',
  };
}

const FUNCTION = 'pg_temp.rehearse_counted';

/** Numbers as texts: those of 64 bits would lose their end. */
const READ = ({ topLevel, logBytes }: Form, texts: string): string => `
  select s.queryid::text as "queryId", ${topLevel} as "topLevel", ${texts} as text, coalesce(r.rolname = $4, false) as own, s.calls::text as calls,
    s.rows::text as rows, ${logBytes} as "logBytes", s.execution_time as "executionMs"
  from ${FUNCTION}($1) s
  join pg_catalog.pg_database d on d.oid = s.dbid
  left join pg_catalog.pg_roles r on r.oid = s.userid
  where d.datname = $2 and s.queryid is not null and coalesce(r.rolname, '') <> all ($3)`;

/** undefined_file, object_not_in_prerequisite_state (not preloaded), undefined_function (another library of that name). */
const NOT_THERE: Readonly<Record<string, string>> = {
  '58P01': 'the server does not ship pg_stat_statements',
  '55000': 'pg_stat_statements is not in shared_preload_libraries',
  '42883': 'its pg_stat_statements is not the one of Postgres',
};

/** Or why nothing is counted. */
export async function openCounts(
  session: Session,
  { user, database }: { readonly user: string; readonly database: string },
): Promise<CountReader | { readonly missing: string }> {
  const [server] = await session.query<{ version: number; loaded: boolean }>(
    `select current_setting('server_version_num')::int as version,
       current_setting('pg_stat_statements.max', true) is not null as loaded`,
  );
  if (server?.loaded !== true)
    return {
      missing: 'pg_stat_statements is not in shared_preload_libraries, or the server does not ship it',
    };
  const form = formOf(server.version);
  const shown = READ(form, 's.query');
  const hidden = READ(form, 'null::text');
  const others = [LOAD, DRILL, OBSERVER];
  try {
    await session.execute(
      `create or replace function ${FUNCTION}(texts boolean) returns table (${form.columns})
       language c strict volatile as '$libdir/pg_stat_statements', '${form.symbol}'`,
    );
    await session.query(hidden, [false, database, others, user]);
  } catch (error) {
    if (!(error instanceof SqlError) || error.code === null) throw error;
    return { missing: NOT_THERE[error.code] ?? `the server refuses to read it: ${error.message}` };
  }
  const texts = new Map<string, string>();
  type Row = { readonly [Key in 'calls' | 'rows']: string } & {
    readonly logBytes: string | null;
  } & Pick<Counted, 'queryId' | 'topLevel' | 'own' | 'executionMs'> & { readonly text: string | null };
  return {
    async read() {
      const read = (withTexts: boolean): Promise<readonly Row[]> =>
        session.query<Row>(withTexts ? shown : hidden, [withTexts, database, others, user]);
      let rows = await read(false);
      // Texts may be long and many: they are read when there is a new one.
      if (rows.some(({ queryId }) => !texts.has(queryId))) {
        rows = await read(true);
        for (const { queryId, text } of rows) texts.set(queryId, text ?? '');
      }
      return rows.map((row) => ({
        ...row,
        text: texts.get(row.queryId) ?? '',
        calls: Number(row.calls),
        rows: Number(row.rows),
        logBytes: row.logBytes === null ? null : Number(row.logBytes),
      }));
    },
  };
}
