/** VACUUM (ANALYZE) whose visibility map is complete. */
import type { Session, TableDescription } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';

/**
 * As long as asynchronous commits are not on disk, VACUUM finds their rows not visible to all and sets no visibility
 * map, nor for their neighbours' (seen on 15 and 18). So the commits of VACUUM itself wait for the log, and before the
 * first one a transaction waits for it that writes: one that writes nothing commits asynchronously whatever is set
 * (RecordTransactionCommit in xact.c).
 */
const COMMIT_SYNCHRONOUSLY = 'set synchronous_commit = on';
const FLUSH_COMMITS = "select pg_logical_emit_message(true, 'rehearse', 'settle')";
const COMMIT_AS_BEFORE = 'reset synchronous_commit';

export async function vacuum(session: Session, tables: readonly TableDescription[]): Promise<void> {
  await session.execute(COMMIT_SYNCHRONOUSLY);
  await session.execute(FLUSH_COMMITS);
  for (const table of tables.filter(({ partitioning }) => partitioning !== 'partition'))
    await session.execute(`vacuum (analyze) ${dialect.quoteName(table.parts)}`);
  await session.execute(COMMIT_AS_BEFORE);
}
