/** What the server has to keep for the journal, switched on as far as it may be, and back. */
import { type Session, SqlError } from '../../engine.ts';
import { isRefused, switchOn } from '../views/instruments.ts';

const CONSUMER = 'events_statements_history_long';

const STATE = `
  select @@global.performance_schema as \`on\`,
    @@global.performance_schema_events_statements_history_long_size as size,
    @@global.performance_schema_max_sql_text_length as text_bytes`;

interface State {
  readonly on: number;
  readonly size: number;
  readonly text_bytes: number;
}

const SWITCHED = `
  select
    (select c.enabled from performance_schema.setup_consumers c where c.name = '${CONSUMER}') as consumer,
    (
      select count(*)
      from performance_schema.setup_instruments i
      where i.name like 'statement/sql/%' and (i.enabled = 'NO' or i.timed = 'NO')
    ) as instruments_off,
    (
      select count(*)
      from performance_schema.setup_actors a
      where a.user in ('%', ?) and (a.enabled = 'NO' or a.history = 'NO')
    ) as actors_off,
    (
      select count(*)
      from performance_schema.setup_actors a
      where a.user in ('%', ?)
    ) as actors`;

interface Switched {
  readonly consumer: string | null;
  readonly instruments_off: number;
  readonly actors_off: number;
  readonly actors: number;
}

export interface ReadyJournal {
  readonly mostTextBytes: number;
  /** Switches off what was off before. */
  takeBack(): Promise<void>;
}

export async function prepareJournal(
  administrator: Session,
  user: string,
): Promise<ReadyJournal | { readonly missing: string }> {
  const [state] = await administrator.query<State>(STATE);
  if (state === undefined || Number(state.on) !== 1)
    return { missing: 'performance_schema is off: start the server with performance_schema = ON' };
  if (Number(state.size) === 0)
    return {
      missing: `the server keeps no ended statements: raise performance_schema_${CONSUMER}_size above 0`,
    };
  try {
    return await switched(administrator, user, Number(state.text_bytes));
  } catch (error) {
    if (!isRefused(error)) throw error;
    const reason = error instanceof SqlError ? error.message : '';
    return {
      missing: `${CONSUMER} cannot be switched on (${reason}): grant select, update on performance_schema.*`,
    };
  }
}

/** https://dev.mysql.com/doc/refman/8.4/en/performance-schema-filtering.html */
async function switched(
  administrator: Session,
  user: string,
  mostTextBytes: number,
): Promise<ReadyJournal | { readonly missing: string }> {
  await switchOn(administrator);
  const [found] = await administrator.query<Switched>(SWITCHED, [user, user]);
  if (found === undefined || found.consumer === null)
    return { missing: `the server has no ${CONSUMER} in its performance schema` };
  if (Number(found.instruments_off) > 0)
    return { missing: 'instruments statement/sql/% are off in setup_instruments: switch them on' };
  if (Number(found.actors) === 0 || Number(found.actors_off) > 0)
    return { missing: `setup_actors leaves sessions of user "${user}" out of what the server keeps` };
  const wasOff = found.consumer !== 'YES';
  const turn = (to: 'YES' | 'NO') =>
    administrator.execute(
      `update performance_schema.setup_consumers set enabled = '${to}' where name = '${CONSUMER}'`,
    );
  if (wasOff) await turn('YES');
  return {
    mostTextBytes,
    async takeBack() {
      // A server that is gone has no switch to take back.
      if (wasOff) await turn('NO').catch(() => undefined);
    },
  };
}
