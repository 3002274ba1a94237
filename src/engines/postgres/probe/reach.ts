/** Relations whose uses a statement can keep waiting. */
import type { Session } from '../../engine.ts';
import type { SessionPool } from './blocked.ts';
import type { Catalog, CatalogRelation } from './catalog.ts';
import type { HeldModes } from './modes.ts';

/** Of so many relations each is tried; three uses take a millisecond each where nothing is in their way. */
const FEW = 40;

/**
 * A use locks the relation, its indexes, its partitions, before Postgres 14 its parent, and what a view reads. So from what
 * was locked this goes from an index to its table, between partitions and parents, and from a relation to the views on it.
 */
const REACH = `
  with recursive edges (origin, target) as (
    select i.indexrelid, i.indrelid from pg_catalog.pg_index i
    union all
    select h.inhrelid, h.inhparent from pg_catalog.pg_inherits h
    union all
    select h.inhparent, h.inhrelid from pg_catalog.pg_inherits h
    union all
    select d.refobjid, r.ev_class
    from pg_catalog.pg_depend d
    join pg_catalog.pg_rewrite r on r.oid = d.objid
    where d.classid = 'pg_catalog.pg_rewrite'::regclass
      and d.refclassid = 'pg_catalog.pg_class'::regclass
  ),
  reached (oid) as (
    select unnest($1::oid[])
    union
    select e.target
    from reached r
    join edges e on e.origin = r.oid
  )
  select oid from reached`;

/** All relations when they are few, else those that what is held can matter to. */
export async function relationsInReach(
  pool: SessionPool,
  catalog: Catalog,
  held: HeldModes,
): Promise<readonly CatalogRelation[]> {
  const relations = [...catalog.values()].filter(({ kind }) => kind !== 'index' && kind !== 'other');
  if (relations.length <= FEW) return relations;
  return pool.with((session) => readReached(session, catalog, held));
}

/** Those that what is held can matter to. */
export async function readReached(
  session: Session,
  catalog: Catalog,
  held: HeldModes,
): Promise<readonly CatalogRelation[]> {
  const rows = await session.query<{ oid: number | string }>(REACH, [`{${[...held.keys()].join(',')}}`]);
  return rows
    .flatMap(({ oid }) => catalog.get(Number(oid)) ?? [])
    .filter(({ kind }) => kind !== 'index' && kind !== 'other');
}
