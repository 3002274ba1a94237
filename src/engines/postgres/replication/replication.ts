/**
 * A streaming standby on a copy of the data directory:
 * https://www.postgresql.org/docs/current/warm-standby.html#STREAMING-REPLICATION
 */
import { randomBytes } from 'node:crypto';
import { UsageError } from '../../../errors.ts';
import type { PrimaryAddress, ReplicaFile, ReplicaPreparation, Replication, Session } from '../../engine.ts';
import { scramVerifier } from '../connections/roles.ts';
import { dialect } from '../text/dialect.ts';
import { openReplicationReader } from './reader.ts';

const { quote, quoteLiteral } = dialect;

const USER = 'rehearse_replication';
const SLOT = 'rehearse_replica';
/** server_version_num from which a standby is told by a file, and recovery.conf is refused. */
const SIGNAL_FILE_SINCE = 120_000;

export const replication: Replication = { refused, prepare, isFollowing, openReader: openReplicationReader };

const WRONG: Readonly<Record<string, RegExp>> = {
  wal_level: /^minimal$/i,
  max_wal_senders: /^0+$/,
  max_replication_slots: /^0+$/,
  hot_standby: /^(?:off|false|no|0)$/i,
};

function refused(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings)
    .filter(([name, value]) => WRONG[name.toLowerCase()]?.test(value.trim()))
    .map(([name, value]) => `${name} = ${value}`);
}

/**
 * The slot keeps the log that a slow standby has not received; without it the standby would be lost in the middle of a long
 * migration. What it keeps counts as log on the disk, as it does in production.
 */
async function prepare(primary: Session, address: PrimaryAddress): Promise<ReplicaPreparation> {
  const version = await refuseWithout(primary);
  const password = randomBytes(24).toString('base64url');
  const [existing] = await primary.query('select 1 from pg_catalog.pg_roles where rolname = $1', [USER]);
  await primary.query(
    `${existing === undefined ? 'create' : 'alter'} role ${quote(USER)} with login replication
      password ${quoteLiteral(scramVerifier(password))}`,
  );
  await primary.query(
    `select pg_catalog.pg_create_physical_replication_slot($1, true)
    where not exists (select from pg_catalog.pg_replication_slots where slot_name = $1)`,
    [SLOT],
  );
  const connection = `host=${address.host} port=${address.port} user=${USER} password=${password} application_name=${SLOT}`;
  const settings = [
    `primary_conninfo = ${quoteLiteral(connection)}`,
    `primary_slot_name = ${quoteLiteral(SLOT)}`,
    '',
  ];
  return { files: standbyFiles(version, settings), without: [], settings: '', notes: [] };
}

function standbyFiles(version: number, settings: readonly string[]): readonly ReplicaFile[] {
  if (version < SIGNAL_FILE_SINCE) {
    const text = ["standby_mode = 'on'", ...settings].join('\n');
    return [{ path: 'recovery.conf', text, append: false }];
  }
  return [
    { path: 'standby.signal', text: '', append: false },
    { path: 'postgresql.auto.conf', text: settings.join('\n'), append: true },
  ];
}

/** https://www.postgresql.org/docs/current/runtime-config-replication.html */
const SETTINGS = `
  select current_setting('server_version_num')::int as version, current_setting('wal_level') as wal_level,
    current_setting('max_wal_senders')::int as senders, current_setting('max_replication_slots')::int as slots,
    current_setting('hot_standby')::bool as hot`;

/** The version of a server that can have a standby. */
async function refuseWithout(primary: Session): Promise<number> {
  const [row] = await primary.query<{
    version: number;
    wal_level: string;
    senders: number;
    slots: number;
    hot: boolean;
  }>(SETTINGS);
  if (row === undefined) throw new Error('current_setting() gave no row');
  const wrong = [
    ...(row.wal_level === 'minimal' ? ['wal_level = minimal'] : []),
    ...(row.senders === 0 ? ['max_wal_senders = 0'] : []),
    ...(row.slots === 0 ? ['max_replication_slots = 0'] : []),
    ...(row.hot ? [] : ['hot_standby = off']),
  ];
  if (wrong.length === 0) return row.version;
  throw new UsageError(
    `database.replica: there is no replica with ${wrong.join(', ')}. Correct database.settings, or leave database.replica out.`,
  );
}

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW */
async function isFollowing(primary: Session): Promise<boolean> {
  const rows = await primary.query(
    `select 1
    from pg_catalog.pg_stat_replication
    where application_name = $1 and state = 'streaming' and replay_lsn >= pg_catalog.pg_current_wal_lsn()`,
    [SLOT],
  );
  return rows.length > 0;
}
