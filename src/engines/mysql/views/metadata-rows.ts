/**
 * The queries of metadata-lock waits, and what their rows say.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-metadata-locks-table.html
 */
import type { Session } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { METADATA_LOCKS } from './instruments.ts';
import { COUNTER_NAMES, type Counters } from './row-wait-queries.ts';
import { placeholders } from './threads.ts';
import type { Timed } from './timer-scale.ts';

const COLUMNS = `l.object_type, l.object_schema, l.object_name, l.lock_type as mode,
    l.lock_status = 'GRANTED' as granted, l.owner_thread_id as thread, l.owner_event_id as event_id,
    cast(l.object_instance_begin as char) as ticket`;

/**
 * All that wait, all locks on what they wait for, and the table locks that one user owns, in one statement: who is in the
 * way of a short wait has gone by the next one.
 */
const READING = `
  select ${COLUMNS},
    l.owner_thread_id in (
      select t.thread_id from performance_schema.threads t where t.processlist_user = ?
    ) as of_holder,
    (
      select w.timer_wait / 1e9
      from performance_schema.events_waits_current w
      where w.thread_id = l.owner_thread_id and w.event_id = l.owner_event_id
        and w.event_name = '${METADATA_LOCKS}' and w.end_event_id is null
      limit 1
    ) as waited_ms
  from performance_schema.metadata_locks l
  where l.lock_status = 'PENDING'
    or l.lock_status = 'GRANTED' and l.object_type = 'TABLE' and l.owner_thread_id in (
      select t.thread_id from performance_schema.threads t where t.processlist_user = ?
    )
    or l.lock_status = 'GRANTED' and (l.object_type, coalesce(l.object_schema, ''), coalesce(l.object_name, '')) in (
      select p.object_type, coalesce(p.object_schema, ''), coalesce(p.object_name, '')
      from performance_schema.metadata_locks p
      where p.lock_status = 'PENDING'
    )`;

/** OBJECT_TYPE that we give to such a wait. */
export const TABLE_FLUSH = 'TABLE FLUSH';

/**
 * MySQL's FLUSH TABLES, alone or WITH READ LOCK, waits until nobody has any table open that was opened before, and whoever
 * opens one of them meanwhile waits too. That is no lock, and stands in the state of the session alone; on MariaDB it waits
 * for metadata locks. https://dev.mysql.com/doc/refman/8.4/en/general-thread-states.html
 */
const FLUSH_WAITS = `
  union all
  select '${TABLE_FLUSH}', null, null, 'table flush', 0, t.thread_id,
    (
      select max(s.event_id)
      from performance_schema.events_statements_current s
      where s.thread_id = t.thread_id and s.nesting_event_level = 0
    ), 'flush', 0, null
  from performance_schema.threads t
  where t.processlist_state = 'Waiting for table flush'`;

/** OBJECT_TYPE that we give to them. */
const COUNTER = 'COUNTER';

/** In the same statement: one of its own, 50 times a second, took half as much of the server and of us again. */
const COUNTED = `
  union all
  select '${COUNTER}', null, if(m.name = 'lock_deadlocks', 'deadlocks', 'waiting'), '', 0, cast(m.count as unsigned), 0, '', 0, null
  from information_schema.innodb_metrics m
  where m.name in (${COUNTER_NAMES})`;

interface LockRow {
  readonly object_type: string;
  readonly object_schema: string | null;
  readonly object_name: string | null;
  readonly mode: string;
  readonly granted: number;
  readonly thread: number;
  readonly event_id: number | null;
  readonly ticket: string;
  readonly waited_ms?: number | null;
  readonly of_holder?: number;
}

export interface Lock {
  readonly objectType: string;
  readonly schema: string | null;
  readonly name: string | null;
  readonly mode: string;
  readonly granted: boolean;
  readonly thread: number;
  readonly eventId: number;
  readonly ticket: string;
  readonly waitedMs: number | null;
  /** It belongs to the user whose locks were asked for. */
  readonly ofHolder: boolean;
}

export interface LocksReading {
  /** All that wait, for locks or a flush of the tables, all that is granted on the same objects, and the table locks of a user. */
  readonly locks: readonly Lock[];
  /** Null where they were not asked for. */
  readonly counters: Counters | null;
}

/** `counted`: with InnoDB's counters of row locks, which may be read by who has PROCESS. */
export async function readLocks(session: Session, holders: string, counted: boolean): Promise<LocksReading> {
  const { flavor } = await serverKind(session);
  const parts = [READING, ...(flavor === 'mysql' ? [FLUSH_WAITS] : []), ...(counted ? [COUNTED] : [])];
  const rows = await session.query<LockRow>(parts.join(''), [holders, holders]);
  const counts = rows.filter((row) => row.object_type === COUNTER);
  const countOf = (name: string) => Number(counts.find((row) => row.object_name === name)?.thread ?? 0);
  return {
    locks: rows.filter((row) => row.object_type !== COUNTER).map(toLock),
    counters: counted ? { waiting: countOf('waiting'), deadlocks: countOf('deadlocks') } : null,
  };
}

/** Every lock on the objects that these locks are on. */
export async function readAround(session: Session, locks: readonly Lock[]): Promise<readonly Lock[]> {
  const names = [...new Set(locks.map(({ name }) => name ?? ''))];
  const types = [...new Set(locks.map(({ objectType }) => objectType))];
  const rows = await session.query<LockRow>(
    `select ${COLUMNS}
      from performance_schema.metadata_locks l
      where l.object_type in (${placeholders(types)}) and coalesce(l.object_name, '') in (${placeholders(names)})
        and l.lock_status in ('PENDING', 'GRANTED')`,
    [...types, ...names],
  );
  return rows.map(toLock);
}

export const TIMED_SOURCE = 'events_waits_history_long';

/** Finished waits on the server's timer of waits, by thread and event. */
export async function timedWaits(
  session: Session,
  gone: readonly Lock[],
): Promise<ReadonlyMap<string, Timed>> {
  const threads = [...new Set(gone.map(({ thread }) => thread))];
  const rows = await session.query<{
    thread: number;
    event_id: number;
    started_ms: number;
    ended_ms: number;
  }>(
    `select thread_id as thread, event_id as event_id, timer_start / 1e9 as started_ms, timer_end / 1e9 as ended_ms
    from performance_schema.events_waits_history_long
    where event_name = '${METADATA_LOCKS}' and timer_end is not null and thread_id in (${placeholders(threads)})`,
    threads,
  );
  return new Map(
    rows.map(({ thread, event_id: eventId, started_ms: startedMs, ended_ms: endedMs }) => [
      eventKey({ thread: Number(thread), eventId: Number(eventId) }),
      { startedMs: Number(startedMs), endedMs: Number(endedMs) },
    ]),
  );
}

export function eventKey({ thread, eventId }: Pick<Lock, 'thread' | 'eventId'>): string {
  return `${thread} ${eventId}`;
}

function toLock(row: LockRow): Lock {
  const waitedMs = row.waited_ms ?? null;
  return {
    objectType: row.object_type,
    schema: row.object_schema,
    name: row.object_name,
    mode: row.mode,
    granted: Number(row.granted) === 1,
    thread: Number(row.thread),
    eventId: Number(row.event_id ?? 0),
    ticket: row.ticket,
    waitedMs: waitedMs === null ? null : Number(waitedMs),
    ofHolder: Number(row.of_holder ?? 0) === 1,
  };
}

/** The ticket is an address and comes again; the event number of a thread only grows. */
export function keyOf({ thread, eventId, ticket }: Lock): string {
  return `metadata ${thread} ${eventId} ${ticket}`;
}

export function sameObject(one: Lock, other: Lock): boolean {
  return one.objectType === other.objectType && one.schema === other.schema && one.name === other.name;
}

const SYSTEM_SCHEMAS = new Set(['performance_schema', 'information_schema', 'mysql', 'sys', 'dummy_sdi_db']);

/** True for schemas that belong to the server. */
export function isSystemSchema(schema: string | null): boolean {
  return schema !== null && SYSTEM_SCHEMAS.has(schema);
}

/** Words for OBJECT_TYPE; a lock on a table is the metadata lock that everybody means. A flush is none. */
export function targetOf({ objectType, name }: Lock): string {
  if (objectType === 'TABLE') return 'metadata';
  if (objectType === TABLE_FLUSH) return 'table flush';
  const scope = objectType.toLowerCase().replaceAll('_', ' ');
  return name === null ? `metadata of ${scope}` : `metadata of ${scope} ${name}`;
}
