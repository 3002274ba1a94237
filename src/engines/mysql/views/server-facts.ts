/** Facts of a server that a report names: its settings, its clock, and what our observers may not see on it. */
import type { NotMeasured } from '../../../recording/recording.ts';
import { type ObservedViews, type Session, SqlError } from '../../engine.ts';
import { type ServerKind, serverKind } from '../server/server-kind.ts';
import { type CONSUMERS, isRefused, METADATA_LOCKS, switchOn } from './instruments.ts';
import { stoppedCounters } from './row-wait-queries.ts';

/** What belongs to files and addresses of this machine, or may hold a secret. */
const PRIVATE =
  /(_file|_dir|dir|_path|_basename|_index|_command|password|passphrase|secret|_key|_cert|_ca|_auth|socket|report_)$|^(datadir|basedir|tmpdir|port|hostname|server_uuid|init_|ssl_|tls_|admin_|bind_address|log_error|general_log_file|slow_query_log_file|secure_)/;

/** https://dev.mysql.com/doc/refman/8.4/en/performance-schema-variables-info-table.html */
const MYSQL_SETTINGS = `
  select i.variable_name as name, g.variable_value as value
  from performance_schema.variables_info i
  join performance_schema.global_variables g on g.variable_name = i.variable_name
  where i.variable_source <> 'COMPILED'
  order by i.variable_name`;

/** https://mariadb.com/kb/en/information-schema-system_variables-table/ */
const MARIADB_SETTINGS = `
  select lower(v.variable_name) as name, v.global_value as value
  from information_schema.system_variables v
  where v.global_value is not null and v.global_value_origin not in ('COMPILE-TIME', 'AUTO')
  order by v.variable_name`;

export const readSettings: ObservedViews['readSettings'] = async (session) => {
  const { flavor } = await serverKind(session);
  const rows = await session.query<{ name: string; value: string | null }>(
    flavor === 'mariadb' ? MARIADB_SETTINGS : MYSQL_SETTINGS,
  );
  return rows
    .filter(({ name }) => !PRIVATE.test(name))
    .map(({ name, value }) => ({ name, value: value ?? '' }));
};

export async function readClock(session: Session): Promise<number> {
  const [row] = await session.query<{ milliseconds: number | string }>(
    'select unix_timestamp(sysdate(6)) * 1000 as milliseconds',
  );
  if (row === undefined) throw new Error('sysdate() gave no row');
  return Number(row.milliseconds);
}

/** Metadata locks: https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_lock_wait_timeout */
export const readLockWaitLimit: ObservedViews['readLockWaitLimit'] = async (session) => {
  const [row] = await session.query<{ seconds: number }>('select @@session.lock_wait_timeout as seconds');
  if (row === undefined) throw new Error('@@lock_wait_timeout gave no row');
  return { setting: 'lock_wait_timeout', limitMs: Number(row.seconds) * 1000 };
};

const PERFORMANCE_SCHEMA_OFF = 'performance_schema is off: start the server with performance_schema = ON';

export const missing: ObservedViews['missing'] = async (session) => {
  const kind = await serverKind(session);
  const [schema] = await session.query<{ on: number }>('select @@global.performance_schema as `on`');
  const lacks: NotMeasured[] = [];
  if (Number(schema?.on) !== 1) {
    lacks.push({
      what: `metadata-lock waits, ${kind.flavor === 'mysql' ? 'row-lock waits, ' : ''}who blocks whom, statements of the sessions, and whether a rebuild was a copy`,
      reason: `${PERFORMANCE_SCHEMA_OFF}; how long tables could not be read or written (canaries), stalls, failed operations${kind.flavor === 'mysql' ? '' : ', row-lock waits'} and deadlocks are measured without it`,
      unseen: 'lock waits',
    });
  } else lacks.push(...(await lackingSwitches(session)));
  return [...lacks, ...(await lackingPrivileges(session, kind)), ...lacksOfFlavor(kind)];
};

/** What each switch is needed for. */
const NEEDED_FOR: Readonly<Record<(typeof CONSUMERS)[number] | typeof METADATA_LOCKS, string>> = {
  global_instrumentation: 'everything that the performance schema tells',
  thread_instrumentation: 'how long a metadata-lock wait took',
  events_waits_current:
    'how long a metadata-lock wait has gone on (it is known to within the reading interval)',
  events_waits_history_long:
    'how long a metadata-lock wait took (it is known to within the reading interval)',
  events_stages_current: 'progress of running DDL',
  events_statements_current:
    'the last statement of a session that idles in a transaction, and when a wait between two readings was, to better than a second',
  events_statements_history: 'how a lock wait of others ended',
  events_transactions_current: 'whether a session idles in a transaction',
  [METADATA_LOCKS]: 'metadata-lock waits and who blocks whom',
};

/** Without them no metadata-lock wait is seen; without the others it is known less well. */
const SHOW_WAITS: readonly string[] = ['global_instrumentation', METADATA_LOCKS];

async function lackingSwitches(session: Session): Promise<readonly NotMeasured[]> {
  await switchOn(session);
  let rows: readonly { readonly name: string; readonly on: number }[];
  try {
    rows = await session.query<{ name: string; on: number }>(
      `select name as name, enabled = 'YES' as \`on\` from performance_schema.setup_consumers
      union all
      select name, enabled = 'YES' from performance_schema.setup_instruments where name = '${METADATA_LOCKS}'`,
    );
  } catch (error) {
    if (!isRefused(error)) throw error;
    return [
      {
        what: 'metadata-lock waits, progress, and what statements a session ran',
        reason: `user "${session.target.user}" may not read the performance schema: grant select, update on performance_schema.*`,
        unseen: 'lock waits',
      },
    ];
  }
  return Object.entries(NEEDED_FOR).flatMap(([name, what]) => {
    const found = rows.find((row) => row.name === name);
    if (found !== undefined && Number(found.on) === 1) return [];
    const reason =
      found === undefined
        ? `the server has no ${name} in its performance schema`
        : `${name} is off, and user "${session.target.user}" may not switch it on: grant update on performance_schema.*`;
    return [{ what, reason, ...(SHOW_WAITS.includes(name) && { unseen: 'lock waits' }) }];
  });
}

async function lackingPrivileges(session: Session, { flavor }: ServerKind): Promise<readonly NotMeasured[]> {
  try {
    await session.query('select trx_id from information_schema.innodb_trx limit 1');
    const stopped = await stoppedCounters(session);
    if (!stopped.includes('lock_row_lock_current_waits')) return [];
    return [
      {
        what: 'row-lock waits',
        reason:
          "InnoDB's counter lock_row_lock_current_waits is switched off: set global innodb_monitor_enable = 'lock_row_lock_current_waits'",
        unseen: 'lock waits',
      },
    ];
  } catch (error) {
    if (!(error instanceof SqlError) || !isRefused(error)) throw error;
    return [
      {
        what: `row-lock waits, which algorithm an ALTER used, and whether purge was done before the baseline${flavor === 'mysql' ? ', and row versions' : ''}`,
        reason: `user "${session.target.user}" may not read InnoDB's views: grant process on *.*`,
        unseen: 'lock waits',
      },
    ];
  }
}

function lacksOfFlavor({ flavor }: ServerKind): readonly NotMeasured[] {
  if (flavor === 'mysql') return [];
  return [
    {
      what: 'row-lock waits to better than 100 ms',
      reason: "MariaDB answers from a copy of InnoDB's locks that it renews every 100 ms",
    },
    {
      what: 'how many instant changes the rows of a table have seen',
      reason: 'MariaDB keeps no count of them',
    },
    {
      what: 'the mode to which a statement raises a metadata lock that it owns',
      reason: 'MariaDB goes on showing the mode in which the lock was granted first',
    },
  ];
}
