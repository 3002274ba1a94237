/** Statements that can run inside a transaction: everything is read while it is open, and it is rolled back. */
import type { StatementEffects } from '../../../recording/recording.ts';
import type { Session } from '../../engine.ts';
import { blockedUses, noneRefused, type SessionPool, tryUses } from './blocked.ts';
import { compareFiles, namesOf, readCatalog } from './catalog.ts';
import { addHeld, type HeldModes, locksOn } from './modes.ts';
import { relationsInReach } from './reach.ts';
import { readSizes, rewritten } from './sizes.ts';
import { usesOf } from './uses.ts';

export interface InTransaction {
  /** In which statements follow each other; in no transaction. */
  readonly session: Session;
  /** In another database. */
  readonly cluster: Session;
  /** With a lock timeout, in the database of the statement. */
  readonly pool: SessionPool;
}

/** Always rolled back. SqlError where the statement fails. */
export async function measureInTransaction(
  { session, cluster, pool }: InTransaction,
  statement: string,
): Promise<StatementEffects> {
  await session.execute('begin');
  try {
    const before = await readCatalog(session);
    const rowsReadBefore = await readRowsRead(session);
    const sizesBefore = await readSizes(session, before);
    const transaction = await transactionOf(cluster, session);
    await session.execute(statement);
    if ((await transactionOf(cluster, session)) !== transaction)
      throw new Error(
        'the statement ends its transaction itself, so that nothing of it can be seen afterwards',
      );
    const held: HeldModes = new Map();
    await addHeld(cluster, session, held);
    const reach = await relationsInReach(pool, before, held);
    const refused = noneRefused();
    await tryUses(pool, usesOf(reach), refused);
    const rowsRead = await readRowsRead(session);
    const { newFiles, ...files } = compareFiles(before, await readCatalog(session));
    return {
      transactional: true,
      source:
        'in an open transaction: pg_locks, pg_class.relfilenode, pg_stat_xact_all_tables and sessions kept waiting',
      rewrites: namesOf(await rewritten(session, newFiles, sizesBefore)),
      blocks: blockedUses(refused),
      waitsFor: null,
      details: {
        kind: 'relation locks',
        locks: locksOn(before, held),
        newFiles: namesOf(newFiles),
        scans: namesOf(
          [...before.values()].filter(({ oid }) => (rowsRead.get(oid) ?? 0) > (rowsReadBefore.get(oid) ?? 0)),
        ),
        ...files,
        refusedInTransaction: null,
      },
    };
  } finally {
    await session.execute('rollback');
  }
}

/** Of this transaction alone: https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS */
const ROWS_READ = `
  select relid as oid, seq_tup_read as rows
  from pg_catalog.pg_stat_xact_all_tables
  where seq_tup_read > 0`;

async function readRowsRead(session: Session): Promise<ReadonlyMap<number, number>> {
  const rows = await session.query<{ oid: number | string; rows: number | string }>(ROWS_READ);
  return new Map(rows.map(({ oid, rows: read }) => [Number(oid), Number(read)]));
}

/** Whoever ends its transaction goes on under another virtual transaction. */
const TRANSACTION = `
  select l.virtualxid as id
  from pg_catalog.pg_locks l
  where l.pid = $1 and l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock'`;

async function transactionOf(cluster: Session, { id }: Session): Promise<string | null> {
  const [row] = await cluster.query<{ id: string }>(TRANSACTION, [id]);
  return row?.id ?? null;
}
