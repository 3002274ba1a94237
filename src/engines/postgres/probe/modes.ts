/** Modes of relation locks, and what a session holds. */
import type { RelationLock } from '../../../recording/recording.ts';
import type { Session } from '../../engine.ts';
import type { Catalog } from './catalog.ts';

/** Weakest first: https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES */
const MODES = [
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
];

/** Relations and modes that were held, by oid. */
export type HeldModes = Map<number, Set<string>>;

/** From another database: pg_locks shows all, and no snapshot of ours is in the way of a statement. */
const HELD = `
  select l.relation, l.mode
  from pg_catalog.pg_locks l
  where l.pid = $1 and l.granted and l.locktype = 'relation'
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = $2)`;

/** Adds what the session holds now. */
export async function addHeld(cluster: Session, holder: Session, held: HeldModes): Promise<void> {
  const rows = await cluster.query<{ relation: number | string; mode: string }>(HELD, [
    holder.id,
    holder.target.database,
  ]);
  for (const { relation, mode } of rows) {
    const oid = Number(relation);
    const modes = held.get(oid);
    if (modes === undefined) held.set(oid, new Set([mode]));
    else modes.add(mode);
  }
}

/** Locks on relations of the catalog, by name. */
export function locksOn(catalog: Catalog, held: HeldModes): readonly RelationLock[] {
  const locks = [...held].flatMap(([oid, modes]) => {
    const relation = catalog.get(oid)?.name;
    if (relation === undefined) return [];
    return [{ relation, modes: [...modes].sort((one, other) => MODES.indexOf(other) - MODES.indexOf(one)) }];
  });
  return locks.sort((one, other) => (one.relation < other.relation ? -1 : 1));
}
