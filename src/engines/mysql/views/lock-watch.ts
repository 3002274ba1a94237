/**
 * Looks at the locks from within MySQL, so that nobody outside is woken as long as nothing changes. There are no blocks of
 * statements outside of routines, and a routine would have to be left in somebody's schema: one SELECT looks, a row for each
 * look, until a row is wanted.
 */
import { crc32 } from 'node:zlib';
import { type Session, SqlError } from '../../engine.ts';
import type { Lock } from './metadata-rows.ts';

/** As often as they are read from here. */
export const LOOK_EVERY_MS = 20;
/** Soon over when the observer is to stop. */
const LOOKS = 20;
/** On a server that has little time for it: no look begins after this, far from the statement timeout of an observer. */
const LONGEST_MS = 600;
/** Sleeps end by the server's clock of the day, in steps of its own. */
const CLOCK_ERROR_MS = 1;

/** Waits for rows and for a flush are looked for where a statement has been running for so long: to ask of each took twice as long. */
const LATE_MS = 10;

/**
 * Each part mentions `looks.n`, or it would be asked once for all rows. InnoDB's counters are all copied to read one of them,
 * which takes as long as ten looks.
 */
const watchWithout = (ownThread: number): string => `
  with recursive looks (n) as (select 1 union all select n + 1 from looks where n <= ${LOOKS})
  select looks.n as n, timestampdiff(microsecond, now(6), sysdate(6)) / 1000 as total,
    (select m.count from information_schema.innodb_metrics m where m.name = 'lock_deadlocks') as deadlocks
  from looks
  where looks.n > ${LOOKS}
    or timestampdiff(microsecond, now(6), sysdate(6)) > ${LONGEST_MS * 1000}
    or sleep(${LOOK_EVERY_MS / 1000}) <> 0
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
  readonly n: number | string;
  readonly total: number | string;
  readonly deadlocks: number | string | null;
}

export interface LocksWatched {
  readonly changed: boolean;
  readonly looks: readonly { readonly askedAfterMs: number; readonly answeredAfterMs: number }[];
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
  ) as running
  from performance_schema.threads t
  where t.processlist_id = connection_id()`;

/** Null where the server does not let us, or does not tell for how long statements have been running. */
export async function openLockWatch(session: Session): Promise<LockWatch | null> {
  const [own] = await session.query<{ thread: number; running: number | string | null }>(OWN);
  if (own === undefined || own.running === null) return null;
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

/**
 * The sleep before a look takes its time at least, so that the first look cannot have been made before that, nor the one before
 * the last later than that before the answer. A server whose clock was set meanwhile tells nothing of its looks.
 */
export function watchedOf({ n, total, deadlocks }: RawWatched, answeredAfterMs: number): LocksWatched {
  const rows = Number(n);
  const changed = rows <= LOOKS;
  const made = rows - 1;
  const totalMs = Number(total);
  const possible =
    totalMs >= made * LOOK_EVERY_MS - CLOCK_ERROR_MS && totalMs <= answeredAfterMs + CLOCK_ERROR_MS;
  const looks = Array.from({ length: possible ? made : 0 }, (_, index) => ({
    askedAfterMs: (index + 1) * LOOK_EVERY_MS - CLOCK_ERROR_MS,
    answeredAfterMs: answeredAfterMs - (made - 1 - index) * (LOOK_EVERY_MS - CLOCK_ERROR_MS),
  }));
  return {
    changed,
    looks,
    deadlocks: Number(deadlocks ?? 0),
    foundAfterMs: looks.at(-1)?.askedAfterMs ?? 0,
  };
}
