/**
 * A replica on a copy of the data directory, with GTIDs, which takes the binary log as the primary writes it:
 * https://dev.mysql.com/doc/refman/8.4/en/replication-gtids-howto.html, https://mariadb.com/kb/en/gtid/
 */
import { randomBytes } from 'node:crypto';
import { EnvironmentError, UsageError } from '../../../errors.ts';
import type { PrimaryAddress, ReplicaPreparation, Replication, Session } from '../../engine.ts';
import { OBSERVER_ACCOUNT } from '../connections/roles.ts';
import { type ServerKind, serverKind } from '../server/server-kind.ts';
import { optionFile } from '../server/settings.ts';
import { dialect } from '../text/dialect.ts';
import { openReplicationReader } from './reader.ts';
import { REPLAY_SWITCHES } from './replays.ts';

const { quoteLiteral } = dialect;

const USER = "'rehearse_replication'@'%'";
const USER_NAME = 'rehearse_replication';
/** Below, replicas are masters and slaves: https://dev.mysql.com/doc/relnotes/mysql/8.0/en/news-8-0-23.html */
const SOURCE_SINCE = 80_023;
/** https://dev.mysql.com/doc/relnotes/mysql/8.2/en/news-8-2-0.html */
const BINARY_LOGS_SINCE = 80_200;

export const replication: Replication = { refused, prepare, isFollowing, openReader: openReplicationReader };

/** https://dev.mysql.com/doc/refman/8.4/en/replication-options-binary-log.html#option_mysqld_log-bin */
const WITHOUT_LOG = new Set(['skip_log_bin', 'disable_log_bin']);

function refused(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings)
    .filter(([name, value]) => {
      const plain = name
        .toLowerCase()
        .replaceAll('-', '_')
        .replace(/^loose_/, '');
      return WITHOUT_LOG.has(plain) && !/^(?:0|off|false)$/i.test(value);
    })
    .map(([name, value]) => `${name} = ${value}`);
}

interface PrimaryFacts {
  readonly log_bin: number;
  readonly server_id: number;
  readonly secure: number;
  readonly sync_binlog: number;
  /** Transactions that the copy has already. */
  readonly done: string;
}

async function prepare(primary: Session, address: PrimaryAddress): Promise<ReplicaPreparation> {
  const kind = await serverKind(primary);
  const facts = await readFacts(primary, kind);
  if (facts.log_bin === 0)
    throw new UsageError(
      'database.replica: there is no replica without the binary log. Take skip_log_bin or log_bin out of database.settings, ' +
        'or leave database.replica out.',
    );
  const notes = [
    `The replica takes the binary log of the primary (sync_binlog ${facts.sync_binlog}): its bytes count as disk, and what it costs to write it is in the latencies.`,
    ...(kind.flavor === 'mysql' ? await switchGtidsOn(primary) : []),
  ];
  const password = randomBytes(24).toString('base64url');
  await createUser(primary, password);
  return {
    files: [],
    // It holds the server_uuid, of which there may be one: https://dev.mysql.com/doc/refman/8.4/en/replication-options.html
    without: ['auto.cnf'],
    settings: optionFile(settingsOf(kind, facts)),
    follow: (replica) =>
      follow(replica, { kind, address, password, done: facts.done, tls: facts.secure === 1 }),
    notes,
  };
}

async function readFacts(primary: Session, { flavor, version }: ServerKind): Promise<PrimaryFacts> {
  const done = flavor === 'mariadb' ? '@@global.gtid_binlog_pos' : '@@global.gtid_executed';
  // MariaDB knows it since 10.5; both flavors that are served do.
  const [row] = await primary.query<PrimaryFacts>(
    `select @@global.log_bin as log_bin, @@global.server_id as server_id, @@global.require_secure_transport as secure,
      @@global.sync_binlog as sync_binlog,
      ${done} as done`,
  );
  if (row === undefined) throw new Error(`the server (${version}) gave no row of variables`);
  return {
    log_bin: Number(row.log_bin),
    server_id: Number(row.server_id),
    secure: Number(row.secure),
    sync_binlog: Number(row.sync_binlog),
    done: row.done.replace(/\s/g, ''),
  };
}

const GTID_STEPS = ['OFF', 'OFF_PERMISSIVE', 'ON_PERMISSIVE', 'ON'];

/** While it runs: https://dev.mysql.com/doc/refman/8.4/en/replication-mode-change-online-enable-gtids.html */
async function switchGtidsOn(primary: Session): Promise<readonly string[]> {
  const [row] = await primary.query<{ mode: string; consistency: string }>(
    'select @@global.gtid_mode as mode, @@global.enforce_gtid_consistency as consistency',
  );
  const changed: string[] = [];
  if (row?.consistency !== 'ON') {
    await primary.execute('set global enforce_gtid_consistency = on');
    changed.push('enforce_gtid_consistency');
  }
  const steps = GTID_STEPS.slice(GTID_STEPS.indexOf(row?.mode ?? 'OFF') + 1);
  for (const step of steps) await primary.execute(`set global gtid_mode = ${step}`);
  if (steps.length > 0) changed.push('gtid_mode');
  return changed.length === 0
    ? []
    : [
        `For the replica ${changed.join(' and ')} was switched on; statements that it refuses fail here, and not in a production without it.`,
      ];
}

/** Not logged: the replica needs no such user. */
async function createUser(primary: Session, password: string): Promise<void> {
  await primary.execute('set session sql_log_bin = 0');
  try {
    await withoutSecret(password, async () => {
      await primary.execute(`create user if not exists ${USER} identified by ${quoteLiteral(password)}`);
      await primary.execute(`alter user ${USER} identified by ${quoteLiteral(password)}`);
      await primary.execute(`grant replication slave on *.* to ${USER}`);
    });
  } finally {
    await primary.execute('set session sql_log_bin = 1');
  }
}

/** Those of the primary come first; where that has its logs somewhere else the replica's would be the same files. */
function settingsOf({ flavor }: ServerKind, { server_id }: PrimaryFacts): Readonly<Record<string, string>> {
  return {
    server_id: String(server_id === MOST_SERVER_ID ? 1 : server_id + 1),
    log_bin: 'rehearse-replica-bin',
    log_bin_index: 'rehearse-replica-bin.index',
    relay_log: 'rehearse-relay-bin',
    relay_log_index: 'rehearse-relay-bin.index',
    skip_slave_start: 'ON',
    // An event is executed by the primary, and comes with its log.
    event_scheduler: 'OFF',
    ...(flavor === 'mysql' ? { gtid_mode: 'ON', enforce_gtid_consistency: 'ON' } : {}),
  };
}

const MOST_SERVER_ID = 2 ** 32 - 1;

interface Following {
  readonly kind: ServerKind;
  readonly address: PrimaryAddress;
  readonly password: string;
  readonly done: string;
  readonly tls: boolean;
}

/** In this order: nothing of what is done here may be in the replica's own log, which counts transactions too. */
async function follow(replica: Session, following: Following): Promise<void> {
  const { kind, done, password } = following;
  await replica.execute('set session sql_log_bin = 0');
  if (kind.flavor === 'mariadb') await replica.execute(`grant slave monitor on *.* to ${OBSERVER_ACCOUNT}`);
  for (const statement of REPLAY_SWITCHES) await replica.execute(statement);
  await replica.execute(
    kind.flavor === 'mysql' && kind.version >= BINARY_LOGS_SINCE
      ? 'reset binary logs and gtids'
      : 'reset master',
  );
  if (kind.flavor === 'mariadb') await replica.execute(`set global gtid_slave_pos = ${quoteLiteral(done)}`);
  else if (done !== '') await replica.execute(`set global gtid_purged = ${quoteLiteral(done)}`);
  await withoutSecret(password, () => replica.execute(changeSource(following)));
  const renamed = kind.flavor === 'mysql' && kind.version >= SOURCE_SINCE;
  await replica.execute(renamed ? 'start replica' : 'start slave');
  await replica.execute(
    kind.flavor === 'mysql' ? 'set global super_read_only = on' : 'set global read_only = on',
  );
}

/** Without TLS where the primary does not ask for it: both are on one machine, and the password goes by the server's key. */
function changeSource({ kind, address, password, tls }: Following): string {
  const renamed = kind.flavor === 'mysql' && kind.version >= SOURCE_SINCE;
  const prefix = renamed ? 'source' : 'master';
  const settings = [
    `${prefix}_host = ${quoteLiteral(address.host)}`,
    `${prefix}_port = ${address.port}`,
    `${prefix}_user = ${quoteLiteral(USER_NAME)}`,
    `${prefix}_password = ${quoteLiteral(password)}`,
    `${prefix}_connect_retry = 1`,
    `${prefix}_ssl = ${tls ? 1 : 0}`,
    ...(kind.flavor === 'mariadb'
      ? ['master_use_gtid = slave_pos', 'master_ssl_verify_server_cert = 0']
      : [`${prefix}_auto_position = 1`, renamed ? 'get_source_public_key = 1' : 'get_master_public_key = 1']),
  ];
  return `change ${renamed ? 'replication source' : 'master'} to ${settings.join(', ')}`;
}

/** What the server says of a statement with a password, without it; the statement itself is told to nobody. */
async function withoutSecret(password: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new EnvironmentError(`no replica can be made: ${message.replaceAll(password, '***')}`);
  }
}

/** Errors are not waited for: they are told at once. */
async function isFollowing(primary: Session, replica: Session): Promise<boolean> {
  const reader = await openReplicationReader(primary, replica);
  const { position } = await reader.primaryStand();
  const { appliedPosition, stoppedBy } = await reader.replicaState();
  if (stoppedBy !== null)
    throw new EnvironmentError(
      `the replica does not follow: ${stoppedBy.message} (${stoppedBy.code}). Leave database.replica out, or correct database.settings.`,
    );
  return appliedPosition !== null && appliedPosition >= position;
}
