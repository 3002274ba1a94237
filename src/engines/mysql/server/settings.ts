/**
 * Server settings of the two profiles, and how they are made permanent: an option file, which both flavors read at their
 * start. `loose_` marks those that not every flavor and version knows.
 * https://dev.mysql.com/doc/refman/en/option-modifiers.html
 */
import { totalmem } from 'node:os';
import { UsageError } from '../../../errors.ts';
import type { ServerRecipe, Session, SettingsProfile } from '../../engine.ts';

const MEBIBYTE = 2 ** 20;
/** One option given several times, each with its own value: the values stand in one setting with these between them. */
const SEVERAL = /\s*;\s*/;

type Settings = Readonly<Record<string, string>>;

/** As a careful team runs production: nothing that makes a migration cheaper or its traces poorer than there. */
const rehearsalSettings: Settings = {
  log_bin: 'binlog',
  loose_binlog_format: 'ROW',
  sync_binlog: '1',
  innodb_flush_log_at_trx_commit: '1',
  innodb_doublewrite: 'ON',
  local_infile: 'ON',
  skip_name_resolve: 'ON',
  loose_innodb_redo_log_capacity: '1G',
  loose_innodb_log_file_size: '512M',
  performance_schema: 'ON',
  performance_schema_instrument:
    'wait/lock/metadata/sql/mdl=ON; stage/innodb/%=ON; stage/sql/copy to tmp table=ON',
  performance_schema_consumer_events_stages_current: 'ON',
  // Four times the server's own: 30 MB more for the 10,000 statements of the ring that the journal is read from.
  performance_schema_max_sql_text_length: '4096',
  performance_schema_events_statements_history_long_size: '10000',
};

/**
 * Fast and unsafe: a crash while filling means filling again, never a wrong rehearsal. Without a redo log at all LOAD DATA
 * took the same CPU on 9.7.4, and the server cannot be started again after a crash: the log stays.
 */
const fillingSettings: Settings = {
  skip_log_bin: 'ON',
  innodb_flush_log_at_trx_commit: '0',
  innodb_doublewrite: 'OFF',
  // What a slow stop writes and purges cannot run on into the baseline.
  innodb_fast_shutdown: '0',
  loose_innodb_change_buffering: 'none',
  local_infile: 'ON',
  skip_name_resolve: 'ON',
  loose_innodb_redo_log_capacity: '2G',
  loose_innodb_log_file_size: '1G',
  // In mode 1, MariaDB's own, two streams into one table wait for each other; without a binlog 2 is as safe.
  innodb_autoinc_lock_mode: '2',
  loose_innodb_ddl_buffer_size: '128M',
  loose_innodb_sort_buffer_size: '64M',
};

const CHOSEN = 'the provisioner chooses it';
const FIXED = 'it is fixed when the data directory is made';

/** Settings that belong to the provisioner, or that would make the rehearsal impossible, each with what is so. */
const refused: Settings = {
  ...{ port: CHOSEN, socket: CHOSEN, datadir: CHOSEN, basedir: CHOSEN, bind_address: CHOSEN, user: CHOSEN },
  ...{ pid_file: CHOSEN, log_error: CHOSEN, skip_networking: CHOSEN, init_file: CHOSEN, mysqlx: CHOSEN },
  ...{ innodb_data_home_dir: CHOSEN, innodb_log_group_home_dir: CHOSEN, innodb_undo_directory: CHOSEN },
  ...{ lower_case_table_names: FIXED, innodb_page_size: FIXED, innodb_data_file_path: FIXED },
  skip_grant_tables: 'the rehearsal needs users of its own',
};

const settingName = /^[a-z_][a-z0-9_]*$/;

/** Settings of a profile; the wanted ones win in both. Throws UsageError for those that cannot be wished for. */
export function settingsOf(profile: SettingsProfile, wanted: Settings): Settings {
  const users = Object.fromEntries(
    Object.entries(wanted).map(([name, value]) => [name.toLowerCase().replaceAll('-', '_'), value]),
  );
  for (const [name, value] of Object.entries(users)) refuseUnusable(name, value);
  const own = profile === 'rehearsal' ? rehearsalSettings : fillingSettings;
  const { skip_log_bin, ...others } = {
    ...own,
    ...textSettings(users),
    ...memorySettings(profile, totalmem()),
  };
  const log = skip_log_bin === undefined || 'log_bin' in users ? {} : { skip_log_bin };
  const kept = Object.entries(others).filter(([name]) => !(name.replace(/^loose_/, '') in users));
  return { ...Object.fromEntries(kept), ...log, ...users };
}

function refuseUnusable(name: string, value: string): void {
  if (!settingName.test(name))
    throw new UsageError(
      `database.settings: "${name}" is no name of a MySQL or MariaDB setting. Write it as in my.cnf.`,
    );
  if (/[\r\n]/.test(value))
    throw new UsageError(`database.settings: the value of ${name} has several lines. Write one.`);
  const reason = refused[name.replace(/^loose_/, '')];
  if (reason === undefined) return;
  throw new UsageError(
    `database.settings: ${name} = "${value}" cannot be set in a rehearsal: ${reason}. Leave it out.`,
  );
}

/** What the packages and images of both flavors set; MariaDB 10.11 by itself has latin1. */
function textSettings(users: Settings): Settings {
  return 'collation_server' in users ? {} : { character_set_server: 'utf8mb4' };
}

/** An eighth of the memory, since the load, the page cache and perhaps a second server need the rest. */
function memorySettings(profile: SettingsProfile, memoryBytes: number): Settings {
  const share = profile === 'filling' ? 6 : 8;
  const most = profile === 'filling' ? 2048 : 1024;
  const mebibytes = Math.floor(Math.min(most, Math.max(128, memoryBytes / share / MEBIBYTE)));
  return { innodb_buffer_pool_size: `${mebibytes}M` };
}

/** Options that are no variables, so that the server does not list them. */
const NOT_LISTED =
  /^(?:loose_|performance_schema_(?:instrument|consumer_)|skip_|disable_|enable_|plugin_|early_plugin_|default_time_zone$|character_set_client_handshake$)/;

/** Asks the running server whether it knows each setting, then writes them down for its next start. */
export const applySettings: ServerRecipe['applySettings'] = async (session, settings, write) => {
  const known = await knownSettings(session);
  for (const [name, value] of Object.entries(settings))
    if (!known.has(name) && !NOT_LISTED.test(name))
      throw new UsageError(
        `database.settings: the server knows no setting ${name} (= "${value}"). Correct it or leave it out.`,
      );
  await write(optionFile(settings));
};

async function knownSettings(session: Session): Promise<ReadonlySet<string>> {
  const rows = await session.query<{ Variable_name: string }>('show global variables');
  return new Set(rows.map((row) => row.Variable_name.toLowerCase()));
}

/** https://dev.mysql.com/doc/refman/en/option-files.html */
export function optionFile(settings: Settings): string {
  const lines = Object.entries(settings).flatMap(([name, value]) => {
    const values = name.endsWith('performance_schema_instrument') ? value.split(SEVERAL) : [value];
    return values.map((each) => `${name} = "${each.replaceAll('\\', '\\\\')}"`);
  });
  return `[mysqld]\n${lines.join('\n')}\n`;
}
