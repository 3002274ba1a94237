/** Transactions that the primary has logged and that the replica has applied, and why it applies no more. */
import type { LogStand, ReplicaState, ReplicationError, ReplicationReader, Session } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { dialect } from '../text/dialect.ts';
import { openBinaryLog } from './binary-log.ts';
import { contiguousOf, positionOf } from './gtids.ts';
import { openReplays } from './replays.ts';

/** The statements were renamed in 8.2 and 8.0.22. */
const BINARY_LOG_STATUS_SINCE = 80_200;
const REPLICA_STATUS_SINCE = 80_022;

type Ages = Pick<ReplicaState, 'applyingAgeMs' | 'appliedAfterMs'>;

/** One flavor's way of telling the same. */
interface Told {
  readonly source: string;
  readonly primary: () => Promise<{
    readonly file: string;
    readonly place: number;
    readonly position: number;
  }>;
  readonly replica: () => Promise<{
    readonly applied: number;
    readonly file: string;
    readonly place: number;
    readonly stoppedBy: ReplicationError | null;
  } | null>;
  /** Null where commits are not stamped finely enough. */
  readonly ages: (() => Promise<Ages>) | null;
}

/**
 * Neither side opens a table or waits for a metadata lock. Bytes come with the file and place at which the primary writes;
 * what the replica has applied is known by transactions alone, since it tells its place in the primary's log only now and then
 * (replica_checkpoint_period).
 */
export async function openReplicationReader(primary: Session, replica: Session): Promise<ReplicationReader> {
  const kind = await serverKind(primary);
  const log = openBinaryLog(primary);
  const told = kind.flavor === 'mariadb' ? mariadb(primary, replica) : await mysql(primary, replica);
  return {
    source: told.source,
    async primaryStand() {
      const { file, place, position } = await told.primary();
      const bytes = await log.bytesAt(file, place);
      if (bytes === null) throw new Error(`the primary does not list its own binary log "${file}"`);
      return { position, bytes } satisfies LogStand;
    },
    async replicaState() {
      const state = await told.replica();
      return {
        appliedPosition: state?.applied ?? null,
        appliedBytes: null,
        receivedBytes:
          state === null || state.file === '' ? null : await log.bytesAt(state.file, state.place),
        conflicts: null,
        // After the rest, so that it is of the instant of the answer.
        ...((await told.ages?.()) ?? { applyingAgeMs: null, appliedAfterMs: null }),
        stoppedBy: state?.stoppedBy ?? null,
      } satisfies ReplicaState;
    },
    replay: await openReplays(replica),
  };
}

interface StatusRow {
  readonly File: string;
  readonly Position: number | string;
  readonly Executed_Gtid_Set: string;
}

/**
 * What both flavors tell, by names from before 8.0.22 or since: `Master_Log_File`, `Source_Log_File`.
 * https://dev.mysql.com/doc/refman/8.4/en/show-replica-status.html, https://mariadb.com/kb/en/show-replica-status/
 */
type ReplicaRow = Readonly<Record<string, number | string | null>>;

async function mysql(primary: Session, replica: Session): Promise<Told> {
  const { version } = await serverKind(primary);
  const [server] = await primary.query<{ uuid: string }>('select @@global.server_uuid as uuid');
  const uuid = server?.uuid ?? '';
  const status = version >= BINARY_LOG_STATUS_SINCE ? 'show binary log status' : 'show master status';
  const replicaStatus = version >= REPLICA_STATUS_SINCE ? 'show replica status' : 'show slave status';
  return {
    source: `${status}, ${replicaStatus}`,
    async primary() {
      const [row] = await primary.query<StatusRow>(status);
      if (row === undefined) throw new Error('the primary writes no binary log');
      const position = contiguousOf(row.Executed_Gtid_Set, uuid);
      return { file: row.File, place: Number(row.Position), position };
    },
    async replica() {
      const [row] = await replica.query<ReplicaRow>(replicaStatus);
      if (row === undefined) return null;
      const stoppedBy = stopOf(row);
      return {
        applied: contiguousOf(text(row, 'Executed_Gtid_Set'), uuid),
        ...arrivedAt(row),
        // The coordinator says no more than that some worker failed.
        stoppedBy: stoppedBy === null ? null : ((await workerError(replica)) ?? stoppedBy),
      };
    },
    ages: readAges(replica),
  };
}

/**
 * Both servers are on one machine and have one clock, which stamps each commit in microseconds:
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-replication-applier-status-by-worker-table.html
 */
const AGES = `
  select max(if(applying_transaction = '', null,
      timestampdiff(microsecond, applying_transaction_original_commit_timestamp, sysdate(6)))) / 1e3 as applying_ms,
    max(if(last_applied_transaction_end_apply_timestamp >= sysdate(6) - interval ? microsecond,
      timestampdiff(microsecond, last_applied_transaction_original_commit_timestamp,
        last_applied_transaction_end_apply_timestamp), null)) / 1e3 as applied_ms
  from performance_schema.replication_applier_status_by_worker`;

function readAges(replica: Session): () => Promise<Ages> {
  let lastMs = performance.now();
  return async () => {
    const askedMs = performance.now();
    const since = Math.ceil((askedMs - lastMs) * 1e3);
    lastMs = askedMs;
    const [row] = await replica.query<{ applying_ms: string | null; applied_ms: string | null }>(AGES, [
      since,
    ]);
    const age = (ms: string | null | undefined) =>
      ms === null || ms === undefined ? null : Math.max(0, Number(ms));
    return { applyingAgeMs: age(row?.applying_ms), appliedAfterMs: age(row?.applied_ms) };
  };
}

const WORKER_ERROR = `
  select last_error_number as code, last_error_message as message
  from performance_schema.replication_applier_status_by_worker
  where last_error_number <> 0
  order by last_error_timestamp
  limit 1`;

async function workerError(replica: Session): Promise<ReplicationError | null> {
  const [row] = await replica.query<{ code: number; message: string }>(WORKER_ERROR);
  return row === undefined ? null : errorOf(row.code, row.message);
}

function mariadb(primary: Session, replica: Session): Told {
  return {
    source: 'gtid_binlog_pos, show master status, show all slaves status',
    async primary() {
      // Bytes that come after the transactions counted make the lag in bytes no smaller than it is.
      const [gtids] = await primary.query<{ position: string }>(
        'select @@global.gtid_binlog_pos as position',
      );
      const [row] = await primary.query<StatusRow>('show master status');
      if (row === undefined) throw new Error('the primary writes no binary log');
      return { file: row.File, place: Number(row.Position), position: positionOf(gtids?.position ?? '') };
    },
    async replica() {
      const [row] = await replica.query<ReplicaRow>('show all slaves status');
      if (row === undefined) return null;
      return {
        applied: positionOf(text(row, 'Gtid_Slave_Pos')),
        ...arrivedAt(row),
        stoppedBy: stopOf(row),
      };
    },
    ages: null,
  };
}

function text(row: ReplicaRow, ...names: readonly string[]): string {
  const name = names.find((each) => row[each] !== undefined);
  return name === undefined ? '' : String(row[name] ?? '');
}

function arrivedAt(row: ReplicaRow) {
  return {
    file: text(row, 'Source_Log_File', 'Master_Log_File'),
    place: Number(text(row, 'Read_Source_Log_Pos', 'Read_Master_Log_Pos')),
  };
}

/** A connection that is lost is made again; one that is given up is not. */
function stopOf(row: ReplicaRow): ReplicationError | null {
  const applying = text(row, 'Last_SQL_Errno');
  if (Number(applying) !== 0) return errorOf(applying, text(row, 'Last_SQL_Error'));
  const receiving = text(row, 'Last_IO_Errno');
  const isGivenUp = text(row, 'Replica_IO_Running', 'Slave_IO_Running') === 'No';
  return Number(receiving) !== 0 && isGivenUp ? errorOf(receiving, text(row, 'Last_IO_Error')) : null;
}

/** Messages quote rows and whole statements. */
function errorOf(code: number | string, message: string): ReplicationError {
  const told = message.replace(WHERE, '').replace(QUERY, '');
  return { code: String(code), message: dialect.redactValues(told).trim() };
}

/** Which worker, at which place of the log: `Worker 1 failed executing transaction '...' at source log ..., end_log_pos 9; `. */
const WHERE = /^Worker \d+ failed executing transaction .*?, end_log_pos \d+; /s;

/** `... Query: 'alter table ...'`, up to the end. */
const QUERY = /[,.]?\s*Query: '.*$/s;
