/**
 * Server settings of the two profiles, and how they are made permanent.
 * Every setting named here exists in all majors from 10 on.
 */
import { totalmem } from 'node:os';
import { UsageError } from '../../../errors.ts';
import { type Session, type SettingsProfile, SqlError } from '../../engine.ts';

const MEBIBYTE = 2 ** 20;

/** As a careful team runs production: nothing that makes a migration cheaper or its traces poorer than there. */
const rehearsalSettings: Readonly<Record<string, string>> = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  wal_level: 'replica',
  max_wal_size: '2GB',
  autovacuum: 'on',
  log_lock_waits: 'on',
  track_io_timing: 'on',
  lc_messages: 'C',
  log_line_prefix: '%m [%p] %q%u@%d ',
  // One file that the journal of statements and lock waits is read from; its format is the server's best one.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'rehearsal.log',
  log_rotation_age: '0',
  log_rotation_size: '0',
  log_timezone: 'UTC',
};

/** Fast and unsafe: a crash while filling means filling again, never a wrong rehearsal. */
const fillingSettings: Readonly<Record<string, string>> = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  max_wal_size: '16GB',
  checkpoint_timeout: '30min',
  autovacuum: 'off',
  lc_messages: 'C',
};

/** No log of what COPY writes into a table made in the same transaction; needs all of them together. */
const minimalLog: Readonly<Record<string, string>> = { wal_level: 'minimal', max_wal_senders: '0' };
/** Settings that a minimal log contradicts, so that the server would not start. */
const needMoreLog = ['wal_level', 'max_wal_senders', 'archive_mode', 'summarize_wal'];

/** Settings that belong to the provisioner, or that would make the rehearsal hang, each with what to do. */
const refused: Readonly<Record<string, string>> = {
  port: 'the provisioner chooses it',
  listen_addresses: 'the provisioner chooses them',
  unix_socket_directories: 'the provisioner chooses them',
  data_directory: 'the provisioner chooses it',
  config_file: 'the provisioner chooses it',
  hba_file: 'the provisioner chooses it',
  ident_file: 'the provisioner chooses it',
  external_pid_file: 'the provisioner chooses it',
  synchronous_standby_names: 'every commit would wait for a standby that is not there',
};

/** Settings whose value is a list of quoted names (GUC_LIST_QUOTE): one literal would become one name. */
const nameLists = new Set([
  'shared_preload_libraries',
  'session_preload_libraries',
  'local_preload_libraries',
  'search_path',
  'temp_tablespaces',
]);

const settingName = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$/i;

/** Settings of a profile; the wanted ones win in both. Throws UsageError for those that cannot be wished for. */
export function settingsOf(
  profile: SettingsProfile,
  wanted: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const users = Object.fromEntries(
    Object.entries(wanted).map(([name, value]) => [name.toLowerCase(), value]),
  );
  for (const [name, value] of Object.entries(users)) refuseUnusable(name, value);
  if (profile === 'rehearsal') return { ...rehearsalSettings, ...memorySettings(totalmem()), ...users };
  const log = needMoreLog.some((name) => name in users) ? {} : minimalLog;
  return { ...fillingSettings, ...log, ...fillingMemory(totalmem()), ...users };
}

function refuseUnusable(name: string, value: string): void {
  if (!settingName.test(name)) {
    throw new UsageError(
      `database.settings: "${name}" is no name of a Postgres setting. Write it as in postgresql.conf.`,
    );
  }
  const reason = refused[name];
  if (reason === undefined) return;
  throw new UsageError(
    `database.settings: ${name} = "${value}" cannot be set in a rehearsal: ${reason}. Leave it out.`,
  );
}

/** An eighth of the memory, since the load, the page cache and perhaps a second server need the rest. */
function memorySettings(memoryBytes: number): Readonly<Record<string, string>> {
  const shared = clamp(memoryBytes / 8 / MEBIBYTE, 128, 1024);
  return {
    shared_buffers: `${shared}MB`,
    effective_cache_size: `${clamp(memoryBytes / 2 / MEBIBYTE, 256, 65_536)}MB`,
    maintenance_work_mem: `${clamp(memoryBytes / 64 / MEBIBYTE, 64, 256)}MB`,
  };
}

function fillingMemory(memoryBytes: number): Readonly<Record<string, string>> {
  return {
    ...memorySettings(memoryBytes),
    maintenance_work_mem: `${clamp(memoryBytes / 16 / MEBIBYTE, 64, 1024)}MB`,
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.floor(Math.min(most, Math.max(least, value)));
}

/**
 * Replaces whatever was set before through ALTER SYSTEM; it holds after the next restart.
 * pg_stat_statements is preloaded where the server ships it, unless the settings name libraries themselves. The log is
 * written as jsonlog, before 15 as csvlog, unless they name a destination.
 */
export async function applySettings(
  session: Session,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const complete = {
    ...('shared_preload_libraries' in settings ? {} : await preloaded(session)),
    ...(settings.logging_collector === 'on' ? await structuredLog(session) : {}),
    ...settings,
  };
  await session.execute('alter system reset all');
  for (const [name, value] of Object.entries(complete)) {
    try {
      await session.execute(`alter system set ${quotedName(name)} = ${quotedValue(name, value)}`);
    } catch (error) {
      throw explainRefusal(name, value, error);
    }
  }
}

/** https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-JSONLOG */
async function structuredLog(session: Session): Promise<Readonly<Record<string, string>>> {
  const [row] = await session.query<{ version: number }>(
    "select current_setting('server_version_num')::int as version",
  );
  return { log_destination: (row?.version ?? 0) >= JSONLOG_SINCE ? 'jsonlog' : 'csvlog' };
}

const JSONLOG_SINCE = 150_000;

/** `undefined_file`: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const NO_SUCH_LIBRARY = '58P01';

/**
 * Loading it into this session does nothing. pg_available_extensions reads the files of all extensions, and fails where one of
 * them is of a newer server, as in the npm package of Postgres 10.
 */
async function preloaded(session: Session): Promise<Readonly<Record<string, string>>> {
  try {
    await session.execute("load 'pg_stat_statements'");
    return { shared_preload_libraries: 'pg_stat_statements' };
  } catch (error) {
    if (error instanceof SqlError && error.code === NO_SUCH_LIBRARY) return {};
    throw error;
  }
}

function quotedName(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
}

function quotedValue(name: string, value: string): string {
  const values = nameLists.has(name) && value !== '' ? value.split(',').map((part) => part.trim()) : [value];
  return values.map((part) => `'${part.replaceAll("'", "''")}'`).join(', ');
}

/**
 * What the server answers to a setting that is wrong: undefined_object, invalid_parameter_value, cant_change_runtime_param,
 * feature_not_supported (not built in), syntax_error; https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const wrongSettingCodes = new Set(['42704', '22023', '55P02', '0A000', '42601']);

function explainRefusal(name: string, value: string, error: unknown): unknown {
  if (!(error instanceof SqlError) || error.code === null || !wrongSettingCodes.has(error.code)) return error;
  return new UsageError(
    `database.settings: the server refuses ${name} = "${value}": ${error.message}. Correct it or leave it out.`,
    { cause: error },
  );
}
