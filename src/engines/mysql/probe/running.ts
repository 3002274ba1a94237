/** One undisturbed run of a statement, and what it did to InnoDB's dictionary. */
import type { Session } from '../../engine.ts';
import { METADATA_LOCKS } from '../views/instruments.ts';
import { compareDictionaries, type DictionaryChanges, readDictionary } from './dictionary.ts';
import type { Twin } from './twin.ts';

export interface Ran {
  readonly changes: DictionaryChanges;
  /** `null` of a statement that answers with rows, as OPTIMIZE TABLE: they are no rows of the table. */
  readonly affectedRows: number | null;
  /** Without "stage/": "innodb/alter table (insert)", "sql/copy to tmp table". */
  readonly stages: readonly string[];
  /** Tables and views that it made. */
  readonly made: readonly string[];
}

const SWITCHES = [
  `update performance_schema.setup_instruments
  set enabled = 'YES', timed = 'YES'
  where name = '${METADATA_LOCKS}' or name like 'stage/innodb/alter table%' or name = 'stage/sql/copy to tmp table'`,
  `update performance_schema.setup_consumers
  set enabled = 'YES'
  where name in ('global_instrumentation', 'thread_instrumentation', 'events_stages_current', 'events_stages_history_long')`,
];

/** What the probe reads, on a server that is ours alone. */
export async function switchOnForProbe(session: Session): Promise<void> {
  for (const statement of SWITCHES) await session.execute(statement);
}

/** Runs the statement on the twin with all rows, beside an open snapshot. SqlError where it fails. */
export async function runOnce(twin: Twin, statement: string): Promise<Ran> {
  await twin.renew('all');
  await using observer = await twin.open();
  await using snapshot = await twin.open();
  await snapshot.execute('start transaction with consistent snapshot');
  await using runner = await twin.open();
  const before = await readDictionary(observer, twin.database);
  const tables = await tablesOf(observer);
  twin.spoil();
  const { rows } = await runner.execute(twin.retarget(statement));
  const [counted] = await runner.query<{ n: string | number }>('select row_count() as n');
  const affectedRows = Number(counted?.n) < 0 ? null : rows;
  const stages = await observer.query<{ name: string }>(
    `select distinct s.event_name as name
    from performance_schema.events_stages_history_long s
    where s.thread_id = (select t.thread_id from performance_schema.threads t where t.processlist_id = ?)`,
    [runner.id],
  );
  // LOCK TABLES would be in the way.
  await runner[Symbol.asyncDispose]();
  const now = await tablesOf(observer);
  return {
    changes: compareDictionaries(before, await readDictionary(observer, twin.database)),
    affectedRows,
    stages: stages.map(({ name }) => name.replace(/^stage\//, '')).toSorted(),
    made: now.filter((name) => !tables.includes(name)),
  };
}

async function tablesOf(session: Session): Promise<readonly string[]> {
  return (await session.query<object>('show tables')).map((row) => String(Object.values(row)[0]));
}
