/**
 * Looks at the locks from within MySQL, so that nobody outside is woken as long as nothing changes. There are no blocks of
 * statements outside of routines, and a routine would have to be left in somebody's schema: one SELECT looks, a row for each
 * look, until a row is wanted. It has tables of the performance schema open, for which a FLUSH TABLES waits until a look sees it:
 * some 30 ms.
 */
import { crc32 } from 'node:zlib';
import { type Session, SqlError, type Watched } from '../../engine.ts';
import { LOOK_EVERY_MS, looksWithin } from '../../looks.ts';
import type { Lock } from './metadata-rows.ts';

/** Soon over when the observer is to stop. */
const LOOKS = 20;
/** On a server that has little time for it: no look begins after this, far from the statement timeout of an observer. */
const LONGEST_MS = 600;

/** Waits for rows and for a flush are looked for where a statement has been running for so long: to ask of each took twice as long. */
const LATE_MS = 10;

/**
 * A variable keeps when each look began; a server that no longer lets us assign it there is read from outside. Each part mentions `looks.n`, or it would be asked once for all rows. InnoDB's counters are all copied to read one of them,
 * which takes as long as ten looks.
 */
const watchWithout = (ownThread: number): string => `
  with recursive looks (n) as (select 1 union all select n + 1 from looks where n <= ${LOOKS})
  select looks.n as n, timestampdiff(microsecond, now(6), sysdate(6)) / 1000 as total, @rehearse_began as began,
    (select m.count from information_schema.innodb_metrics m where m.name = 'lock_deadlocks') as deadlocks
  from looks
  where looks.n > ${LOOKS}
    or looks.n > 1 and timestampdiff(microsecond, now(6), sysdate(6)) > ${LONGEST_MS * 1000}
    or sleep(${LOOK_EVERY_MS / 1000}) <> 0
    or (@rehearse_began := concat(
      if(looks.n = 1, '', concat(@rehearse_began, ' ')), timestampdiff(microsecond, now(6), sysdate(6)) / 1000
    )) is null
    or (
      select coalesce(sum(if(
        l.lock_status = 'PENDING', -1e15,
        crc32(concat_ws(' ', l.owner_thread_id, l.lock_type, l.object_schema, l.object_name))
      )), 0)
      from performance_schema.metadata_locks l
      left join performance_schema.threads t on t.thread_id = l.owner_thread_id
      where looks.n > 0 and (
        l.lock_status = 'PENDING'
        or l.lock_status = 'GRANTED' and l.object_type = 'TABLE' and t.processlist_user = ?
      )
    ) <> ?
    or exists (
      select 1
      from performance_schema.events_statements_current s
      where looks.n > 0 and s.end_event_id is null and s.timer_wait > ${LATE_MS * 1e9} and s.thread_id <> ${ownThread}
        and (
          exists (select 1 from performance_schema.data_lock_waits w where looks.n > 0)
          or exists (
            select 1
            from performance_schema.threads t
            where t.thread_id = s.thread_id and t.processlist_state = 'Waiting for table flush'
          )
        )
    )
  limit 1`;

interface RawWatched {
  /** Row that ended it: {@link LOOKS} and one when no look did. */
  readonly n: number | string;
  /** Milliseconds since it began: its end, and when each look began. */
  readonly total: number | string;
  readonly began: string | Buffer;
  readonly deadlocks: number | string | null;
}

export interface LocksWatched extends Watched {
  /** That InnoDB has found so far, and how long after the question that was so for certain. */
  readonly deadlocks: number;
  readonly foundAfterMs: number;
}

export interface LockWatch {
  /** Ends with the first look that shows a wait, or other table locks of the user than these. */
  watch(holders: string, held: readonly Lock[]): Promise<LocksWatched>;
}

/** What this session runs, as the watch sees what others run. */
const OWN = `
  select t.thread_id as thread, (
    select s.timer_wait
    from performance_schema.events_statements_current s
    where s.thread_id = t.thread_id and s.end_event_id is null
    limit 1
  ) as running, sleep(0.001) = 0 and sysdate(6) > now(6) as moves
  from performance_schema.threads t
  where t.processlist_id = connection_id()`;

/** Null where the server does not let us, does not tell for how long statements have been running, or has SYSDATE() stand still. */
export async function openLockWatch(session: Session): Promise<LockWatch | null> {
  const [own] = await session.query<{ thread: number; running: number | string | null; moves: number }>(OWN);
  if (own === undefined || own.running === null || Number(own.moves) !== 1) return null;
  const statement = watchWithout(Number(own.thread));

  async function watch(holders: string, held: readonly Lock[]): Promise<LocksWatched> {
    const askedAtMs = performance.now();
    const [row] = await session.query<RawWatched>(statement, [holders, String(digestOf(held))]);
    if (row === undefined) throw new Error('the look at the locks gave no row');
    return watchedOf(row, performance.now() - askedAtMs);
  }
  try {
    await watch('', []);
  } catch (error) {
    if (error instanceof SqlError) return null;
    throw error;
  }
  return { watch };
}

/** As the statement makes it of the table locks of the user. */
function digestOf(held: readonly Lock[]): number {
  return held.reduce((sum, { thread, mode, schema, name }) => {
    const parts = [thread, mode, schema, name].filter((part) => part !== null);
    return sum + crc32(parts.join(' '));
  }, 0);
}

/** The row that ends it before the last has had its look, but for one that came too late for that. */
export function watchedOf({ n, total, began, deadlocks }: RawWatched, answeredAfterMs: number): LocksWatched {
  const row = Number(n);
  const starts = String(began).split(' ').map(Number);
  const changed = row <= LOOKS;
  const looked = changed && starts.length === row;
  // A sleep that was cut off leaves the instants of the watch before.
  const ofThis = looked || starts.length === row - 1;
  const made = ofThis ? looksWithin(starts, Number(total), answeredAfterMs) : [];
  const looks = made.slice(0, looked ? -1 : undefined);
  return {
    changed,
    looks,
    deadlocks: Number(deadlocks ?? 0),
    foundAfterMs: looks.at(-1)?.askedAfterMs ?? 0,
  };
}
