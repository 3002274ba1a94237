/** Bytes of tables, to tell a table that was written anew from one that was emptied. */
import type { Session } from '../../engine.ts';
import type { Catalog, CatalogRelation } from './catalog.ts';

/** A table whose file is new and empty while the old one was not was emptied: no row of it was written again. */
export async function rewritten(
  session: Session,
  newFiles: readonly CatalogRelation[],
  sizesBefore: ReadonlyMap<number, number>,
): Promise<readonly CatalogRelation[]> {
  const tables = newFiles.filter(hasRows);
  const sizes = await sizesOf(
    session,
    tables.map(({ oid }) => oid),
  );
  return tables.filter(({ oid }) => (sizes.get(oid) ?? 0) > 0 || (sizesBefore.get(oid) ?? 0) === 0);
}

const SIZES = `
  select r.oid, pg_catalog.pg_relation_size(r.oid::regclass) as bytes
  from unnest($1::oid[]) as r(oid)`;

async function sizesOf(session: Session, oids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (oids.length === 0) return new Map();
  const rows = await session.query<{ oid: number | string; bytes: number | string | null }>(SIZES, [
    `{${oids.join(',')}}`,
  ]);
  return new Map(rows.map(({ oid, bytes }) => [Number(oid), Number(bytes ?? 0)]));
}

function hasRows({ kind }: CatalogRelation): boolean {
  return kind === 'table' || kind === 'materialized view';
}

/** In bytes, of tables and materialized views. The lock that reading a size takes is given back at once. */
export async function readSizes(session: Session, catalog: Catalog): Promise<ReadonlyMap<number, number>> {
  return sizesOf(
    session,
    [...catalog.values()].filter(hasRows).map(({ oid }) => oid),
  );
}
