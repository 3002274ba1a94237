/**
 * Names of relations by oid. The fast readings see oids only: they run in another database, where a join with the
 * catalogs of the rehearsed one is not possible, and they must stay cheap.
 */
import type { Session } from '../../engine.ts';

export interface RelationName {
  /** Qualified unless in the schema `public`. */
  readonly name: string;
  /** The table of an index, else the relation itself; without its schema. */
  readonly table: string;
  /** False for catalogs, information_schema and TOAST. */
  readonly ofUser: boolean;
}

export interface RelationNames {
  /** A name once known is kept after the relation is dropped. */
  get(oid: number): RelationName | undefined;
  /** Reads all names. */
  refresh(): Promise<void>;
  /** Looks up those that are not known yet; one that no committed catalog row has is asked for again later. */
  learn(oids: Iterable<number>): Promise<void>;
}

/** A relation of an open transaction stays unknown: asking for it at each reading would be in vain. */
const ASK_AGAIN_MS = 250;

/** A plain read of pg_class takes no lock on user tables: https://www.postgresql.org/docs/current/catalog-pg-class.html */
const NAMES = `
  select c.oid, n.nspname as schema, c.relname as name, coalesce(t.relname, c.relname) as table_name
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_index i on i.indexrelid = c.oid
  left join pg_catalog.pg_class t on t.oid = i.indrelid`;

const NAMES_OF = `${NAMES}
  where c.oid = any ($1::oid[])`;

interface NameRow {
  readonly oid: number | string;
  readonly schema: string;
  readonly name: string;
  readonly table_name: string;
}

export async function openRelationNames(inside: Session): Promise<RelationNames> {
  const names = new Map<number, RelationName>();
  const askedAtMs = new Map<number, number>();

  function store(rows: readonly NameRow[]): void {
    for (const { oid, schema, name, table_name: table } of rows) {
      names.set(Number(oid), { name: relationName(schema, name), table, ofUser: isUserSchema(schema) });
      askedAtMs.delete(Number(oid));
    }
  }

  async function refresh(): Promise<void> {
    store(await inside.query<NameRow>(NAMES));
  }

  async function learn(oids: Iterable<number>): Promise<void> {
    const nowMs = performance.now();
    const wanted = [...new Set(oids)].filter(
      (oid) => !names.has(oid) && nowMs - (askedAtMs.get(oid) ?? -Infinity) >= ASK_AGAIN_MS,
    );
    if (wanted.length === 0) return;
    for (const oid of wanted) askedAtMs.set(oid, nowMs);
    store(await inside.query<NameRow>(NAMES_OF, [`{${wanted.join(',')}}`]));
  }

  await refresh();
  return { get: (oid) => names.get(oid), refresh, learn };
}

/** Name of a relation in a recording. */
export function relationName(schema: string, name: string): string {
  return schema === 'public' ? name : `${schema}.${name}`;
}

/** True for schemas that hold what users made. */
export function isUserSchema(schema: string): boolean {
  return !schema.startsWith('pg_') && schema !== 'information_schema';
}
