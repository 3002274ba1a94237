/**
 * The switches of the performance schema that the observers need. They are set while the server runs; a user who may
 * not set them leaves them as they are, and `missing` says what is lost.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-setup-tables.html
 */
import { type Session, SqlError } from '../../engine.ts';

export const CONSUMERS = [
  'global_instrumentation',
  'thread_instrumentation',
  'events_waits_current',
  'events_waits_history_long',
  'events_stages_current',
  'events_statements_current',
  'events_transactions_current',
] as const;

export const METADATA_LOCKS = 'wait/lock/metadata/sql/mdl';

/** The wait consumers record every wait that is instrumented: all but the one for metadata locks are switched off. */
const SWITCHES = [
  `update performance_schema.setup_instruments
  set enabled = 'NO', timed = 'NO'
  where name like 'wait/%' and name <> '${METADATA_LOCKS}' and enabled = 'YES'`,
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

/** Switches on what the readers need, as far as the user may. */
export async function switchOn(session: Session): Promise<void> {
  for (const statement of SWITCHES) {
    try {
      await session.query(statement);
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
  }
}
