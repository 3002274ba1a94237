/**
 * Looks at the locks from within the server, so that nobody outside is woken as long as nothing changes: read from here every
 * 20 ms, an idle server's locks cost it 18 ms of CPU a second and us 35; looked at from within, 15 and 4.
 */
import { type Session, SqlError, type Watched } from '../../engine.ts';
import { LOOK_EVERY_MS, looksWithin } from '../../looks.ts';
import type { GrantedRow } from './lock-rows.ts';

/** Shorter than what servers are usually asked to log as slow, and soon over when the observer is to stop. */
const LOOKS = 10;
/** On a server that has little time for it: no look begins after this, far from the statement timeout of an observer. */
const LONGEST_MS = 300;

/** A granted lock in the digest; lock-rows.ts writes the same of the locks that were read. */
const PART = "pg_catalog.concat_ws(' ', l.pid, l.mode, l.relation, l.page, l.tuple)";

/**
 * Temporary, so that it goes with the session. It sleeps before each look: the reading before it was just made. What it tells of
 * time is milliseconds since it began: when each look began, and its own end. The digest is made where there is anything to be
 * told; a look at an idle server took a fifth less without it.
 */
function createFunction(condition: string): string {
  const sinceStart = 'extract(epoch from pg_catalog.clock_timestamp() - started)::float8 * 1000';
  return `
  create function pg_temp.rehearse_watch(
    known text, looks int, db oid, others int[], out changed boolean, out began float8[], out total float8
  ) language plpgsql as $watch$
  declare
    started constant timestamptz := pg_catalog.clock_timestamp();
  begin
    changed := false;
    for look in 1..looks loop
      perform pg_catalog.pg_sleep(${LOOK_EVERY_MS / 1000});
      began := began || ${sinceStart};
      if exists (select from pg_catalog.pg_locks l where ${condition}) then
        select coalesce(pg_catalog.bool_or(not l.granted), false) or known <>
          coalesce(pg_catalog.string_agg(${PART}, ',') filter (where l.granted and l.pid is not null), '')
        into changed
        from pg_catalog.pg_locks l
        where ${condition};
      else
        changed := known <> '';
      end if;
      exit when changed or pg_catalog.clock_timestamp() - started > interval '${LONGEST_MS} ms';
    end loop;
    total := ${sinceStart};
  end $watch$`;
}

const WATCH = 'select changed, began, total from pg_temp.rehearse_watch($1, $2, $3, $4)';

interface RawWatched {
  readonly changed: boolean;
  readonly began: readonly number[];
  readonly total: number;
}

export interface LockWatch {
  /** Ends with the first look that shows a wait or other granted locks than these. */
  watch(granted: readonly GrantedRow[], others: string): Promise<Watched>;
}

/** `condition` is on pg_locks as `l`, with the parameters `db` and `others`. Null where the server does not let us. */
export async function openLockWatch(
  cluster: Session,
  databaseOid: number,
  condition: string,
): Promise<LockWatch | null> {
  try {
    await cluster.execute(createFunction(condition));
  } catch (error) {
    if (error instanceof SqlError) return null;
    throw error;
  }
  return {
    async watch(granted, others) {
      const askedAtMs = performance.now();
      const [row] = await cluster.query<RawWatched>(WATCH, [digestOf(granted), LOOKS, databaseOid, others]);
      if (row === undefined) throw new Error('pg_temp.rehearse_watch gave no row');
      return watchedOf(row, performance.now() - askedAtMs);
    },
  };
}

function digestOf(granted: readonly GrantedRow[]): string {
  return granted.map(({ digest }) => digest).join(',');
}

/** The last look of those that ended with a change shows that; what it is gets read now. */
export function watchedOf({ changed, began, total }: RawWatched, answeredAfterMs: number): Watched {
  return { changed, looks: looksWithin(began, total, answeredAfterMs).slice(0, changed ? -1 : undefined) };
}
