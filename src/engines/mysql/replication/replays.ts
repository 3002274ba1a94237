/**
 * Schema changes as the replica applies them, from its own memory of statements, and what its threads that apply wait for
 * among themselves, from its sums of stages. Both flavors have them, and both count in picoseconds since the server's start.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-statement-tables.html
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-stage-summary-tables.html
 */
import type { ApplierState, Replayed, ReplayReader, Session } from '../../engine.ts';

/** Coordinator and workers: MySQL before and since 8.0.26, MariaDB. */
const APPLIERS = `
  'thread/sql/slave_sql', 'thread/sql/slave_worker', 'thread/sql/replica_sql', 'thread/sql/replica_worker',
  'thread/sql/rpl_parallel_thread', 'thread/sql/rpl_parallel'`;

/**
 * Waits for another transaction that is applied, and for a worker that takes no more; not those for something to do.
 * https://dev.mysql.com/doc/refman/8.4/en/replica-sql-thread-states.html,
 * https://mariadb.com/kb/en/replica-sql-thread-states/
 */
const isStall = (column: string) => `(${column} like 'stage/sql/Waiting for preceding transaction%'
    or ${column} like 'stage/sql/Waiting for dependent transaction%'
    or ${column} like 'stage/sql/Waiting for % to process their queues'
    or ${column} like 'stage/sql/Waiting for % worker queue'
    or ${column} like 'stage/sql/Waiting for prior transaction%'
    or ${column} like 'stage/sql/Waiting for room in worker thread event queue')`;

/** A schema change waits for the readers of its table, here as on the primary. */
const isLockWait = (column: string) => `${column} like 'stage/sql/Waiting for % metadata lock'`;

/** What rows are applied under: thousands a second, which would push the schema changes out of the server's memory. */
const OF_ROWS = `
  'statement/sql/begin', 'statement/sql/commit', 'statement/sql/rollback', 'statement/sql/insert',
  'statement/sql/insert_select', 'statement/sql/update', 'statement/sql/update_multi', 'statement/sql/delete',
  'statement/sql/delete_multi', 'statement/sql/replace', 'statement/sql/replace_select', 'statement/sql/savepoint',
  'statement/sql/load', 'statement/sql/set_option', 'statement/sql/xa_start', 'statement/sql/xa_end'`;

/** Set on the replica before it follows: it is ours, and what its readers send has no place in its memory. */
export const REPLAY_SWITCHES: readonly string[] = [
  `update performance_schema.setup_consumers
  set enabled = 'YES'
  where name in ('global_instrumentation', 'thread_instrumentation', 'events_statements_current',
    'events_statements_history', 'events_statements_history_long', 'events_stages_current')`,
  `update performance_schema.setup_instruments
  set enabled = 'YES', timed = 'YES'
  where ${isStall('name')} or ${isLockWait('name')}`,
  `update performance_schema.setup_instruments
  set enabled = 'NO'
  where name in (${OF_ROWS})`,
  `update performance_schema.setup_actors set history = 'NO'`,
];

/** The statement that asks stands for now. */
const NOW = `
  select (
      select max(s.timer_start) / 1e9
      from performance_schema.events_statements_current s
      join performance_schema.threads t on t.thread_id = s.thread_id
      where t.processlist_id = connection_id()
    ) as now_ms,
    count(*) as kept, cast(coalesce(min(h.timer_end), 0) as char) as oldest_ps,
    @@global.performance_schema_events_statements_history_long_size as size
  from performance_schema.events_statements_history_long h`;

const COLUMNS = `s.thread_id as thread, s.event_id as event, s.event_name as kind, s.sql_text as text,
    s.timer_start / 1e9 as started_ms, s.timer_wait / 1e9 as duration_ms, s.errors as errors,
    cast(s.timer_end as char) as ended_ps`;

const REPLAYS = `
  select ${COLUMNS}, 1 as ended
  from performance_schema.events_statements_history_long s
  join performance_schema.threads t on t.thread_id = s.thread_id
  where t.name in (${APPLIERS}) and s.event_name like 'statement/sql/%' and s.timer_end > cast(? as unsigned)
  union all
  select ${COLUMNS}, 0 as ended
  from performance_schema.events_statements_current s
  join performance_schema.threads t on t.thread_id = s.thread_id
  where t.name in (${APPLIERS}) and s.event_name like 'statement/sql/%' and s.end_event_id is null`;

const WAITS = `
  select w.event_name as stage, sum(w.waited_ms) as waited_ms
  from (
    select s.event_name, s.sum_timer_wait / 1e9 as waited_ms
    from performance_schema.events_stages_summary_by_thread_by_event_name s
    join performance_schema.threads t on t.thread_id = s.thread_id
    where t.name in (${APPLIERS}) and s.count_star > 0
      and (${isStall('s.event_name')} or ${isLockWait('s.event_name')})
    union all
    select c.event_name, c.timer_wait / 1e9
    from performance_schema.events_stages_current c
    join performance_schema.threads t on t.thread_id = c.thread_id
    where t.name in (${APPLIERS}) and c.end_event_id is null
      and (${isStall('c.event_name')} or ${isLockWait('c.event_name')})
  ) w
  group by w.event_name`;

interface NowRow {
  readonly now_ms: number | string | null;
  readonly kept: number;
  readonly oldest_ps: string;
  readonly size: number;
}

interface ReplayRow {
  readonly thread: number;
  readonly event: number;
  readonly kind: string;
  readonly text: string | null;
  readonly started_ms: number | string;
  readonly duration_ms: number | string;
  readonly errors: number | string;
  readonly ended: number;
  /** Of one that runs, where it is now. */
  readonly ended_ps: string | null;
}

export async function openReplays(replica: Session): Promise<ReplayReader | { readonly missing: string }> {
  const [settings] = await replica.query<{ on: number; length: number }>(
    'select @@global.performance_schema as `on`, @@global.performance_schema_max_sql_text_length as length',
  );
  if (Number(settings?.on) !== 1)
    return {
      missing: 'the replica runs without its performance_schema (database.settings), which alone tells it',
    };
  const longest = Number(settings?.length ?? 0);
  const workers = await readWorkers(replica);
  // Whole picoseconds, which no number of a double holds for long: rounded, what was read last would be read again.
  let drainedToPs = 0n;

  return {
    source: 'events_statements_history_long, events_stages_summary_by_thread_by_event_name of the replica',
    async replays() {
      const [ring] = await replica.query<NowRow>(NOW);
      const nowMs = Number(ring?.now_ms ?? 0);
      const overran = Number(ring?.kept) >= Number(ring?.size) && BigInt(ring?.oldest_ps ?? 0) > drainedToPs;
      const rows = await replica.query<ReplayRow>(REPLAYS, [String(drainedToPs)]);
      for (const row of rows)
        if (row.ended === 1 && BigInt(row.ended_ps ?? 0) > drainedToPs)
          drainedToPs = BigInt(row.ended_ps ?? 0);
      return { replays: rows.map((row) => replayed(row, { nowMs, longest })), overran };
    },
    applier: async () => ({ workers, ...(await readWaits(replica)) }),
  };
}

function replayed(row: ReplayRow, { nowMs, longest }: { readonly nowMs: number; readonly longest: number }) {
  const text = row.text ?? '';
  return {
    key: `${row.thread}/${row.event}`,
    text,
    isCut: Buffer.byteLength(text) >= longest - LONGEST_CHARACTER,
    kind: row.kind.replace('statement/sql/', ''),
    startedAgoMs: nowMs - Number(row.started_ms),
    durationMs: Number(row.duration_ms),
    ended: row.ended === 1,
    failed: Number(row.errors) > 0,
  } satisfies Replayed;
}

/** A text is cut before a character that does not fit. */
const LONGEST_CHARACTER = 4;

/** By the names of both flavors, and of MySQL before and since 8.0.26. */
async function readWorkers(replica: Session): Promise<number> {
  const rows = await replica.query<{ Value: string }>(
    "show global variables where variable_name in ('slave_parallel_workers', 'replica_parallel_workers', 'slave_parallel_threads')",
  );
  return Math.max(0, ...rows.map(({ Value }) => Number(Value)));
}

async function readWaits(replica: Session): Promise<Omit<ApplierState, 'workers'>> {
  const rows = await replica.query<{ stage: string; waited_ms: number | string }>(WAITS);
  const waits = rows.map(
    ({ stage, waited_ms }) => [stage.replace('stage/sql/', ''), Number(waited_ms)] as const,
  );
  const forLocks = waits.filter(([name]) => name.endsWith(LOCK_STAGE));
  return {
    waitedMs: Object.fromEntries(waits.filter(([name]) => !name.endsWith(LOCK_STAGE))),
    lockWaitedMs: forLocks.reduce((sum, [, waitedMs]) => sum + waitedMs, 0),
  };
}

const LOCK_STAGE = ' metadata lock';
