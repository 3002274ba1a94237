/**
 * The uses of relations that an application has, as statements that change nothing: a read of one row, the same with a row
 * lock, and a delete of a row that no table has (no page has so many rows; 4294967294 is the highest block).
 */
import { dialect } from '../text/dialect.ts';
import type { CatalogRelation } from './catalog.ts';

export const USES = ['reads', 'selectsForUpdate', 'writes'] as const;
export type Use = (typeof USES)[number];

export interface UseOf {
  readonly use: Use;
  readonly relation: CatalogRelation;
  readonly statement: string;
}

/** Every use of every table, partition, view and materialized view. */
export function usesOf(relations: Iterable<CatalogRelation>): readonly UseOf[] {
  return [...relations].flatMap((relation) => {
    const name = dialect.quoteName(relation.parts);
    const statements: Readonly<Record<Use, string>> = {
      reads: `select 1 from ${name} limit 1`,
      selectsForUpdate: `select 1 from ${name} limit 1 for update`,
      writes: `delete from ${name} where ctid = '(4294967294,1)'`,
    };
    return allowedUses(relation).map((use) => ({ use, relation, statement: statements[use] }));
  });
}

function allowedUses({ kind }: CatalogRelation): readonly Use[] {
  if (kind === 'table' || kind === 'partitioned') return USES;
  return kind === 'view' || kind === 'materialized view' ? ['reads'] : [];
}
