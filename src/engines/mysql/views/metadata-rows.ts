/**
 * The queries of metadata-lock waits, and what their rows say.
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-metadata-locks-table.html
 */
import type { Session } from '../../engine.ts';
import { METADATA_LOCKS } from './instruments.ts';
import { placeholders } from './threads.ts';

const COLUMNS = `l.object_type, l.object_schema, l.object_name, l.lock_type as mode,
    l.lock_status = 'GRANTED' as granted, l.owner_thread_id as thread, l.owner_event_id as event_id,
    cast(l.object_instance_begin as char) as ticket`;

/** All that wait, and the table locks that one user owns. */
const READING = `
  select ${COLUMNS},
    (
      select w.timer_wait / 1e9
      from performance_schema.events_waits_current w
      where w.thread_id = l.owner_thread_id and w.event_id = l.owner_event_id
        and w.event_name = '${METADATA_LOCKS}' and w.end_event_id is null
      limit 1
    ) as waited_ms
  from performance_schema.metadata_locks l
  where l.lock_status = 'PENDING'
    or (
      l.lock_status = 'GRANTED' and l.object_type = 'TABLE'
      and l.owner_thread_id in (
        select t.thread_id from performance_schema.threads t where t.processlist_user = ?
      )
    )`;

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
}

/** All that wait, and the table locks that a user owns. */
export async function readLocks(session: Session, holders: string): Promise<readonly Lock[]> {
  return (await session.query<LockRow>(READING, [holders])).map(toLock);
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

/** Finished waits as the server timed them, by thread and event. */
export async function timedWaits(
  session: Session,
  gone: readonly Lock[],
): Promise<ReadonlyMap<string, number>> {
  const threads = [...new Set(gone.map(({ thread }) => thread))];
  const rows = await session.query<{ thread: number; event_id: number; waited_ms: number | null }>(
    `select thread_id as thread, event_id as event_id, timer_wait / 1e9 as waited_ms
    from performance_schema.events_waits_history_long
    where event_name = '${METADATA_LOCKS}' and end_event_id is not null and thread_id in (${placeholders(threads)})`,
    threads,
  );
  return new Map(
    rows.flatMap(({ thread, event_id: eventId, waited_ms: waitedMs }) =>
      waitedMs === null
        ? []
        : [[eventKey({ thread: Number(thread), eventId: Number(eventId) }), Number(waitedMs)]],
    ),
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
  };
}

/** The ticket is an address and comes again; the event number of a thread only grows. */
export function keyOf({ thread, eventId, ticket }: Lock): string {
  return `metadata ${thread} ${eventId} ${ticket}`;
}

export function sameObject(one: Lock, other: Lock): boolean {
  return one.objectType === other.objectType && one.schema === other.schema && one.name === other.name;
}
