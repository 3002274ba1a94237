/** Positions of the primary and of its standby in the log, and recovery conflicts. */
import type { ReplicaState, ReplicationReader, Session } from '../../engine.ts';

/** What may be sent is what is written: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP */
const PRIMARY = `
  select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::float8 as position`;

/** https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL */
const REPLICA = `
  select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_replay_lsn(), '0/0')::float8 as applied,
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_receive_lsn(), '0/0')::float8 as received,
    to_jsonb(c) as conflicts
  from pg_catalog.pg_stat_database_conflicts c
  where c.datname = current_database()`;

interface ReplicaRow {
  readonly applied: number | null;
  readonly received: number | null;
  readonly conflicts: Readonly<Record<string, unknown>>;
}

/** A cheap query on each: neither takes a lock that anybody waits for. */
export async function openReplicationReader(primary: Session, replica: Session): Promise<ReplicationReader> {
  return {
    source: 'pg_current_wal_lsn, pg_last_wal_replay_lsn, pg_stat_database_conflicts',
    async primaryStand() {
      const [row] = await primary.query<{ position: number }>(PRIMARY);
      if (row === undefined) throw new Error('pg_current_wal_lsn() gave no row');
      const position = Number(row.position);
      return { position, bytes: position };
    },
    async replicaState() {
      const [row] = await replica.query<ReplicaRow>(REPLICA);
      if (row === undefined) throw new Error('the replica does not have the rehearsed database');
      return {
        appliedPosition: numberOrNull(row.applied),
        appliedBytes: numberOrNull(row.applied),
        receivedBytes: numberOrNull(row.received),
        conflicts: conflictsOf(row.conflicts),
        applyingAgeMs: null,
        appliedAfterMs: null,
        stoppedBy: null,
      } satisfies ReplicaState;
    },
    replay: { missing: 'a standby applies pages of log, and does not tell of which statement they are' },
  };
}

function numberOrNull(value: number | null): number | null {
  return value === null ? null : Number(value);
}

/** Columns confl_lock, confl_snapshot, ...: which there are differs by version. */
function conflictsOf(row: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([column]) => column.startsWith('confl_'))
      .map(([column, count]) => [column.slice('confl_'.length), Number(count)]),
  );
}
