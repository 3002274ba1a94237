/** Relations as a session sees them in pg_class, its own uncommitted changes included; reading them locks none. */
import type { Session } from '../../engine.ts';
import { isUserSchema, relationName } from '../views/relation-names.ts';

/** `relkind` (https://www.postgresql.org/docs/current/catalog-pg-class.html), in words. */
export type RelationKind = 'table' | 'partitioned' | 'view' | 'materialized view' | 'index' | 'other';

export interface CatalogRelation {
  readonly oid: number;
  readonly parts: readonly [schema: string, name: string];
  readonly name: string;
  readonly kind: RelationKind;
  /** Number of its file; 0 where it has none of its own (partitioned, view). */
  readonly fileNode: number;
}

/** By oid; without catalogs, TOAST and temporary relations. */
export type Catalog = ReadonlyMap<number, CatalogRelation>;

const RELATIONS = `
  select c.oid, n.nspname as schema, c.relname as name, c.relkind::text as kind, c.relfilenode as file_node
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace`;

interface RelationRow {
  readonly oid: number | string;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly file_node: number | string;
}

const KINDS: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized view',
  i: 'index',
  I: 'index',
};

export async function readCatalog(session: Session): Promise<Catalog> {
  const rows = await session.query<RelationRow>(RELATIONS);
  return new Map(
    rows
      .filter(({ schema }) => isUserSchema(schema))
      .map(({ oid, schema, name, kind, file_node }) => [
        Number(oid),
        {
          oid: Number(oid),
          parts: [schema, name],
          name: relationName(schema, name),
          kind: KINDS[kind] ?? 'other',
          fileNode: Number(file_node),
        },
      ]),
  );
}

/** What became of files between two readings. */
export interface FileChanges {
  /** Of the same identity, with another file. */
  readonly newFiles: readonly CatalogRelation[];
  /** Indexes of the same name with another file, whatever their identity. */
  readonly rebuiltIndexes: readonly string[];
  /**
   * Indexes with another identity over the same file. A new oid alone does not mean that an index was built: ALTER TYPE
   * without a rewrite makes the row of the index anew over the file that is there.
   */
  readonly reusedIndexFiles: readonly string[];
}

export function compareFiles(before: Catalog, after: Catalog): FileChanges {
  const indexesAfter = new Map(
    [...after.values()].filter(({ kind }) => kind === 'index').map((index) => [index.name, index]),
  );
  const newFiles: CatalogRelation[] = [];
  const rebuiltIndexes: string[] = [];
  const reusedIndexFiles: string[] = [];
  for (const relation of before.values()) {
    const same = after.get(relation.oid);
    if (same !== undefined && same.fileNode !== relation.fileNode) newFiles.push(relation);
    if (relation.kind !== 'index') continue;
    const namesake = same ?? indexesAfter.get(relation.name);
    if (namesake === undefined) continue;
    if (namesake.fileNode !== relation.fileNode) rebuiltIndexes.push(relation.name);
    else if (namesake.oid !== relation.oid) reusedIndexFiles.push(relation.name);
  }
  return { newFiles, rebuiltIndexes: rebuiltIndexes.sort(), reusedIndexFiles: reusedIndexFiles.sort() };
}

/** Names of relations, sorted, each once. */
export function namesOf(relations: Iterable<CatalogRelation>): readonly string[] {
  return [...new Set([...relations].map(({ name }) => name))].sort();
}
