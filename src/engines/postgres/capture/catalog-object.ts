/** An object of the catalogs with the SQL that makes it, and what every query for such objects says alike. */

export interface CatalogObject {
  /** Catalog and oid: "pg_class:16384". */
  readonly key: string;
  /** Where it stands among objects that do not depend on each other; a lower one is made earlier. */
  readonly rank: number;
  /** Null for what is in no schema. */
  readonly schema: string | null;
  readonly name: string;
  readonly kind: CatalogKind;
  /** Keys of objects that it must follow, beside those that pg_depend tells. */
  readonly needs: readonly string[];
  readonly statements: readonly string[];
}

export type CatalogKind =
  | 'schema'
  | 'extension'
  | 'type'
  | 'sequence'
  | 'function'
  | 'table'
  | 'default'
  | 'ownership'
  | 'view'
  | 'index'
  | 'foreign key'
  | 'statistics'
  | 'trigger'
  | 'rule';

const RANKS: Readonly<Record<CatalogKind, number>> = {
  schema: 0,
  extension: 1,
  type: 2,
  sequence: 3,
  function: 4,
  table: 5,
  default: 6,
  ownership: 7,
  view: 8,
  index: 9,
  'foreign key': 10,
  statistics: 11,
  trigger: 12,
  rule: 13,
};

/** A row of a query for objects. */
export interface ObjectRow {
  readonly catalog: string;
  readonly oid: number;
  readonly schema: string | null;
  readonly name: string;
  readonly needs?: readonly string[];
  readonly statements: readonly string[];
}

export function objectsOf(kind: CatalogKind, rows: readonly ObjectRow[]): readonly CatalogObject[] {
  return rows.map(({ catalog, oid, schema, name, needs, statements }) => ({
    key: `${catalog}:${oid}`,
    rank: RANKS[kind],
    schema,
    name,
    kind,
    needs: needs ?? [],
    statements,
  }));
}

/** Rows of a catalog that no extension brought. */
export function ownOf(catalog: string, alias: string): string {
  return `not exists (
    select
    from pg_depend e
    where e.classid = '${catalog}'::regclass and e.objid = ${alias}.oid and e.deptype = 'e'
  )`;
}

/** Schemas that users make. */
export const USER_SCHEMA = "n.nspname <> 'information_schema' and n.nspname !~ '^pg_'";

/** The name of a collation other than that of the type, as a clause. */
export function collationClause(collation: string, ofType: string): string {
  return `coalesce((
    select format(' collate %I.%I', cn.nspname, co.collname)
    from pg_collation co
      join pg_namespace cn on cn.oid = co.collnamespace
    where co.oid = ${collation} and ${collation} <> ${ofType}
  ), '')`;
}

/** The clauses of a sequence of `pg_sequence` with the alias s. */
export const SEQUENCE_CLAUSES = `format(
  'start with %s increment by %s minvalue %s maxvalue %s cache %s%s',
  s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, case when s.seqcycle then ' cycle' else '' end
)`;
