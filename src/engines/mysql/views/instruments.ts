/**
 * The switches of the performance schema that the observers need. They are set while the server runs; a user who may
 * not set them leaves them as they are, and `missing` says what is lost.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-setup-tables.html
 */
import { type Session, SqlError } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { CYCLES_ERROR } from './timer-scale.ts';

export const CONSUMERS = [
  'global_instrumentation',
  'thread_instrumentation',
  'events_waits_current',
  'events_waits_history_long',
  'events_stages_current',
  'events_statements_current',
  'events_statements_history',
  'events_transactions_current',
] as const;

export const METADATA_LOCKS = 'wait/lock/metadata/sql/mdl';

/**
 * The wait consumers record every wait that is instrumented, and that a session has nothing to do: all but the one for
 * metadata locks are switched off, or they would push it out of the server's memory of waits, 1,000 on MariaDB.
 */
const SWITCHES = [
  `update performance_schema.setup_instruments
  set enabled = 'NO', timed = 'NO'
  where (name like 'wait/%' or name = 'idle') and name <> '${METADATA_LOCKS}' and enabled = 'YES'`,
  `update performance_schema.setup_instruments
  set enabled = 'YES', timed = 'YES'
  where name = '${METADATA_LOCKS}' or name = 'transaction' or name like 'stage/innodb/alter table%'
    or name = 'stage/sql/copy to tmp table'`,
  `update performance_schema.setup_consumers
  set enabled = 'YES'
  where name in (${CONSUMERS.map((name) => `'${name}'`).join(', ')})`,
];

/** ER_TABLEACCESS_DENIED_ERROR, ER_DBACCESS_DENIED_ERROR, ER_SPECIFIC_ACCESS_DENIED_ERROR, ER_OPTION_PREVENTS_STATEMENT. */
const REFUSED = new Set(['1142', '1044', '1227', '1290']);

export function isRefused(error: unknown): boolean {
  return error instanceof SqlError && error.code !== null && REFUSED.has(error.code);
}

/** MariaDB lets the timer of waits be chosen; cycles are not as long as it thinks (timer-scale.ts). */
const TIMER = "update performance_schema.setup_timers set timer_name = 'NANOSECOND' where name = 'wait'";

/** What the timer of waits may be off as a share of what it says, before any wait was seen; nothing is off in nanoseconds. */
export async function waitTimerError(session: Session): Promise<number> {
  if ((await serverKind(session)).flavor !== 'mariadb') return CYCLES_ERROR;
  try {
    const rows = await session.query<{ timer: string }>(
      "select timer_name as timer from performance_schema.setup_timers where name = 'wait'",
    );
    return rows[0]?.timer === 'NANOSECOND' ? 0 : CYCLES_ERROR;
  } catch (error) {
    if (!isRefused(error)) throw error;
    return CYCLES_ERROR;
  }
}

const TIMES_WAITS = `
  select count(*) as switched_on
  from (
    select c.enabled as enabled
    from performance_schema.setup_consumers c
    where c.name in ('global_instrumentation', 'thread_instrumentation', 'events_waits_current', 'events_waits_history_long')
    union all
    select i.enabled
    from performance_schema.setup_instruments i
    where i.name = '${METADATA_LOCKS}' and i.timed = 'YES'
  ) as switches
  where switches.enabled = 'YES'`;

/** True where every wait for a metadata lock leaves an event with its length. */
export async function timesWaits(session: Session): Promise<boolean> {
  try {
    const [row] = await session.query<{ switched_on: number }>(TIMES_WAITS);
    return Number(row?.switched_on) === 5;
  } catch (error) {
    if (!isRefused(error)) throw error;
    return false;
  }
}

/** Switches on what the readers need, as far as the user may. */
export async function switchOn(session: Session): Promise<void> {
  const { flavor } = await serverKind(session);
  for (const statement of flavor === 'mariadb' ? [...SWITCHES, TIMER] : SWITCHES) {
    try {
      await session.query(statement);
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
  }
}
