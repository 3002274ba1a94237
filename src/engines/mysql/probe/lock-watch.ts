/**
 * Runs one statement and looks at the metadata locks of its session until it waits for one or has ended.
 * https://dev.mysql.com/doc/refman/en/performance-schema-metadata-locks-table.html
 */
import { EnvironmentError } from '../../../errors.ts';
import type { Session } from '../../engine.ts';

export interface ProbedLock {
  readonly table: string;
  readonly mode: string;
}

export interface Stop {
  /** What it waits for; null when it has ended. */
  readonly pending: ProbedLock | null;
  /** What it owns, or owned when it was last seen. */
  readonly granted: readonly ProbedLock[];
}

export interface Watch {
  /** Begins the statement. */
  start(statement: string): void;
  /** Waits until it waits for a lock that counts, or has ended; `before` is called ahead of each look. */
  stopped(counts: (pending: ProbedLock) => boolean, before?: () => void): Promise<Stop>;
  /** Waits until another session queues for a lock on a table, or owns one. */
  queued(session: Session, table: string): Promise<true>;
  /** Connections that own a lock on the table. */
  owners(table: string): Promise<readonly number[]>;
  /** True once the statement has copied rows, or built something. */
  worked(): Promise<boolean>;
}

/** While servers start beside us a look takes tens of milliseconds. */
const LOOK_EVERY_MS = 3;
/** No statement on empty tables takes as long; then it waits for something that we do not see. */
const LIMIT_MS = 20_000;

const LOCKS = `
  select l.object_name as name, l.lock_type as mode, l.lock_status = 'GRANTED' as granted
  from performance_schema.metadata_locks l
  where l.owner_thread_id = (select t.thread_id from performance_schema.threads t where t.processlist_id = ?)
    and l.object_type = 'TABLE' and l.object_schema = ? and l.lock_status in ('GRANTED', 'PENDING')`;

/** What an ALTER builds beside the table belongs to it alone, and so do the tables in which InnoDB keeps a FULLTEXT index. */
const INTERNAL = /^(#sql|fts_[0-9a-f]{16}_)/i;

const OWNERS = `
  select distinct t.processlist_id as id
  from performance_schema.metadata_locks l
  join performance_schema.threads t on t.thread_id = l.owner_thread_id
  where l.object_type = 'TABLE' and l.object_schema = ? and l.object_name = ? and l.lock_status = 'GRANTED'`;

const WORK = `
  select s.event_name as name
  from performance_schema.events_stages_history_long s
  join performance_schema.threads t on t.thread_id = s.thread_id
  where t.processlist_id = ?
    and (s.event_name = 'stage/sql/copy to tmp table' or s.event_name like 'stage/innodb/alter table%')
  limit 1`;

/** Waits that are none for a metadata lock, as those of FLUSH TABLES for a table to be closed, have a state of their own. */
const STATE = `
  select t.processlist_state as state
  from performance_schema.threads t
  where t.processlist_id = ?`;

interface LockRow {
  readonly name: string;
  readonly mode: string;
  readonly granted: number;
}

/** `runner` runs the statement, `observer` looks. */
export function openWatch(runner: Session, observer: Session, database: string): Watch {
  let ended = false;
  let granted: readonly ProbedLock[] = [];

  async function locksOf(session: Session): Promise<readonly LockRow[]> {
    const rows = await observer.query<LockRow>(LOCKS, [session.id, database]);
    return rows.filter(({ name }) => !INTERNAL.test(name));
  }

  async function until<Result>(what: string, look: () => Promise<Result | null>): Promise<Result> {
    const deadline = performance.now() + LIMIT_MS;
    for (;;) {
      const found = await look();
      if (found !== null) return found;
      if (performance.now() > deadline) {
        const [row] = await observer.query<{ state: string | null }>(STATE, [runner.id]);
        await runner.cancel();
        const state = row?.state ?? null;
        throw new EnvironmentError(
          `${what}: not seen within ${LIMIT_MS / 1000} s${state === null ? '' : `, in which the server said "${state}"`}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  return {
    start(statement) {
      const end = () => {
        ended = true;
      };
      // That it fails is learned where it runs undisturbed; here its locks are looked at.
      runner.execute(statement).then(end, end);
    },
    stopped: (counts, before) =>
      until<Stop>('end of the statement, or its wait for a metadata lock', async () => {
        before?.();
        const over = ended;
        const rows = await locksOf(runner);
        const owned = rows.filter((row) => Number(row.granted) === 1);
        if (owned.length > 0) granted = owned.map(({ name, mode }) => ({ table: name, mode }));
        if (over) return { pending: null, granted };
        const wait = rows.find((row) => Number(row.granted) === 0);
        const pending = wait === undefined ? null : { table: wait.name, mode: wait.mode };
        return pending !== null && counts(pending) ? { pending, granted } : null;
      }),
    worked: async () => (await observer.query(WORK, [runner.id])).length > 0,
    owners: async (table) =>
      (await observer.query<{ id: number }>(OWNERS, [database, table])).map(({ id }) => Number(id)),
    queued: (session, table) =>
      until<true>(`lock on "${table}" of a session behind the statement`, async () => {
        const rows = await locksOf(session);
        return rows.some(({ name }) => name === table) ? true : null;
      }),
  };
}
