/**
 * Progress of running DDL: the stages of MySQL count work done and work estimated; MariaDB shows a percentage per stage of
 * a copy in its process list. An estimate may lie below the work done in the end (119264 of 118370 rows were seen).
 * https://dev.mysql.com/doc/refman/8.4/en/monitor-alter-table-performance-schema.html
 * https://mariadb.com/kb/en/progress-reporting/
 */
import type { SeenProgress, Session } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { switchOn } from './instruments.ts';

const STAGES = `
  select t.processlist_id as id, s.event_name as phase, s.work_completed as done, s.work_estimated as total
  from performance_schema.events_stages_current s
  join performance_schema.threads t on t.thread_id = s.thread_id
  where t.processlist_id is not null and s.end_event_id is null and s.work_estimated > 0`;

/**
 * An ALTER in place has no stages there, but one figure for the whole server, in hundredths of a percent: told while one
 * session alone is at it. https://mariadb.com/kb/en/innodb-status-variables/#innodb_onlineddl_pct_progress
 */
const IN_PLACE = 'altering table in place';
const PROCESS_LIST = `
  select p.id as id, concat(coalesce(p.state, ''), ' (stage ', p.stage, ' of ', p.max_stage, ')') as phase,
    p.progress as done, 100 as total
  from information_schema.processlist p
  where p.max_stage > 0
  union all
  select min(p.id), '${IN_PLACE}', min(g.variable_value) / 100, 100
  from information_schema.processlist p
  join information_schema.global_status g on g.variable_name = 'INNODB_ONLINEDDL_PCT_PROGRESS'
  where p.state = 'altering table' and p.max_stage = 0
  having count(*) = 1`;

/** InnoDB takes what is done and estimated along from one of its stages to the next (ut0stage.h). */
const INNODB_ALTER = 'stage/innodb/alter table';

interface ProgressRow {
  readonly id: number;
  readonly phase: string;
  readonly done: number | string;
  readonly total: number | string;
}

const queries = new WeakMap<Session, Promise<string>>();

export async function readProgress(inside: Session): Promise<readonly SeenProgress[]> {
  let query = queries.get(inside);
  if (query === undefined) {
    query = prepare(inside);
    queries.set(inside, query);
  }
  const rows = await inside.query<ProgressRow>(await query);
  return rows.map(({ id, phase, done, total }) => ({
    ...((phase.startsWith(INNODB_ALTER) || phase === IN_PLACE) && { of: 'statement' as const }),
    sessionId: Number(id),
    phase: phase.replace(/^stage\/[^/]+\//, ''),
    done: Number(done),
    total: Number(total),
  }));
}

async function prepare(inside: Session): Promise<string> {
  const { flavor } = await serverKind(inside);
  if (flavor === 'mariadb') return PROCESS_LIST;
  await switchOn(inside);
  return STAGES;
}
