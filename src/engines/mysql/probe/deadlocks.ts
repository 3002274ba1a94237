/** Measuring again what lost a deadlock, and what of the server had found it. */
import type { StatementEffects } from '../../../recording/recording.ts';
import { type Session, SqlError } from '../../engine.ts';

/** ER_LOCK_DEADLOCK: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html#error_er_lock_deadlock */
const DEADLOCK = '1213';
/** Seen once in 200 statements, at a table of partitions whose rows had just been copied. */
const MAX_DEADLOCKS = 2;

/**
 * Deadlocks that InnoDB has found, since the server's start; those among metadata locks have the same error and are not in
 * it. https://dev.mysql.com/doc/refman/8.4/en/information-schema-innodb-metrics-table.html
 */
const FOUND =
  "select m.count as found from information_schema.innodb_metrics m where m.name = 'lock_deadlocks'";

/**
 * A victim of the server's deadlock detection is told to begin again, and each measuring makes its copies anew. The
 * effects say how often that was, and among which locks.
 */
export async function untilNoDeadlock(
  session: Session,
  measuring: () => Promise<StatementEffects>,
): Promise<StatementEffects> {
  const among: string[] = [];
  for (;;) {
    const before = await foundByInnodb(session);
    try {
      const effects = await measuring();
      return among.length === 0 ? effects : { ...effects, source: `${effects.source}; ${again(among)}` };
    } catch (error) {
      if (!(error instanceof SqlError && error.code === DEADLOCK) || among.length === MAX_DEADLOCKS)
        throw error;
      among.push((await foundByInnodb(session)) > before ? 'row locks' : 'metadata locks');
    }
  }
}

async function foundByInnodb(session: Session): Promise<number> {
  const [row] = await session.query<{ found: number | string }>(FOUND);
  return Number(row?.found ?? 0);
}

function again(among: readonly string[]): string {
  return `measured anew after a deadlock among ${among.join(', and another one among ')}`;
}
