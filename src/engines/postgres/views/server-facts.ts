/** Facts of a server that a report names: its settings, its clock, and what our observers may not see on it. */
import type { ObservedViews, Session } from '../../engine.ts';

/**
 * Settings that somebody chose. What belongs to our own session, to files and addresses of this machine, or may hold
 * a secret is left out: texts that an application keeps in settings of its own (app.jwt_secret) too. https://www.postgresql.org/docs/current/view-pg-settings.html
 */
const SETTINGS = `
  select name, current_setting(name) as value
  from pg_catalog.pg_settings
  where source not in ('default', 'override', 'client', 'session', 'interactive', 'test')
    and name !~ '(_file|_directory|_directories|_path|_conninfo|_command|_library|_key|password|passphrase|secret|token|credential)'
    and not (name like '%.%' and vartype = 'string')
    and name not in ('port', 'listen_addresses', 'primary_slot_name', 'cluster_name', 'logging_collector', 'log_destination')
    and name !~ '^log_(filename|rotation_age|rotation_size|timezone)$'
  order by name`;

export const readSettings: ObservedViews['readSettings'] = (session) =>
  session.query<{ name: string; value: string }>(SETTINGS);

export async function readClock(session: Session): Promise<number> {
  const [row] = await session.query<{ milliseconds: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as milliseconds',
  );
  if (row === undefined) throw new Error('clock_timestamp() gave no row');
  return Number(row.milliseconds);
}

/** https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT: 0 is no limit. */
export const readLockWaitLimit: ObservedViews['readLockWaitLimit'] = async (session) => {
  const [row] = await session.query<{ milliseconds: number }>(
    "select setting::int as milliseconds from pg_catalog.pg_settings where name = 'lock_timeout'",
  );
  if (row === undefined) throw new Error('the server has no lock_timeout');
  return { setting: 'lock_timeout', limitMs: row.milliseconds === 0 ? null : row.milliseconds };
};

/** Role of the observers; createRoles makes it. */
const OBSERVER = 'rehearse_observer';

const ABILITIES = `
  select current_setting('server_version_num')::int as version,
    pg_has_role(r.oid, 'pg_read_all_stats', 'usage') as reads_statistics
  from pg_catalog.pg_roles r
  where r.rolname in ($1, current_user)
  order by r.rolname = $1 desc
  limit 1`;

interface Abilities {
  readonly version: number;
  readonly reads_statistics: boolean;
}

export const missing: ObservedViews['missing'] = async (session) => {
  const [abilities] = await session.query<Abilities>(ABILITIES, [OBSERVER]);
  if (abilities === undefined) throw new Error('the current user has no role');
  const found: { what: string; reason: string }[] = [];
  if (!abilities.reads_statistics) {
    found.push({
      what: 'statements of the sessions that wait or block',
      reason: `the observer may not read them: grant pg_monitor to ${OBSERVER}`,
    });
  }
  if (abilities.version < 140_000) {
    found.push({
      what: 'the exact start of a lock wait',
      reason:
        'pg_locks has waitstart from Postgres 14 on; here a wait is known to within the reading interval',
    });
  }
  if (abilities.version < 120_000) {
    found.push({
      what: 'progress of index builds, CLUSTER and VACUUM FULL; temporary files without a readable data directory',
      reason: 'the views and pg_ls_tmpdir exist from Postgres 12 on',
    });
  }
  return found;
};
