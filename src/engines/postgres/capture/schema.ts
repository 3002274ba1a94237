/** The schema of a database as DDL, from its catalogs: in an order in which everything stands before what needs it. */
import type { Session } from '../../engine.ts';
import type { CatalogObject } from './catalog-object.ts';
import { readLeftOut } from './left-out.ts';
import { readObjects } from './objects.ts';

export interface CapturedSchema {
  readonly ddl: string;
  readonly missing: readonly { readonly what: string; readonly reason: string }[];
}

/**
 * The DDL of what is in `schemas` (all of the user's when empty), with what that needs from elsewhere: extensions, types
 * and functions. Tables of other schemas are not brought in; what needs one is left out and named.
 *
 * Why the catalogs and not pg_dump: pg_dump must be as new as the server, locks every table for its whole run, and fails
 * as a whole where one table may not be read. The catalogs are read within the one transaction, and by any user.
 */
export async function readSchema(session: Session, schemas: readonly string[]): Promise<CapturedSchema> {
  const objects = await readObjects(session);
  const edges = await readEdges(session, new Set(objects.map(({ key }) => key)));
  const { ordered, leftOut } = inOrder(objects, edges, schemas);
  const statements = ordered.flatMap((object) => object.statements);
  // A function may speak of what is made after it.
  const ddl = ['set check_function_bodies = false', ...statements]
    .map((text) => `${text.trim()};\n`)
    .join('\n');
  return { ddl, missing: [...(await readLeftOut(session, schemas)), ...leftOut] };
}

interface Edges {
  /** Captured objects that an object needs. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
  /** Objects that need something which is not captured, and what that is. */
  readonly lacking: ReadonlyMap<string, string>;
}

interface EdgeRow {
  readonly from: string;
  readonly to: string;
  readonly type: string;
  /** True for what is neither a part of the server nor of an extension. */
  readonly named: string | null;
}

/**
 * https://www.postgresql.org/docs/current/catalog-pg-depend.html. Objects below 16384 come with the server. A sequence that
 * a serial column owns depends on its table (a), and the table's default on the sequence: the first is said afterwards.
 */
const EDGES = `
  select
    d.classid::regclass::text || ':' || d.objid as from,
    d.refclassid::regclass::text || ':' || d.refobjid as to,
    d.deptype::text as type,
    case when d.deptype <> 'i' and d.refobjid >= 16384 then
      pg_describe_object(d.refclassid, d.refobjid, 0)
    end as named
  from pg_depend d
  where d.objid >= 16384
    and (d.refobjid >= 16384 or d.refclassid = 'pg_extension'::regclass)
    and not (d.deptype = 'a' and exists (select from pg_sequence s where s.seqrelid = d.objid))`;

/**
 * Defaults and constraints of a table or domain belong to it; so does what the catalogs hold for it internally. The
 * constraint of a constraint trigger belongs to the trigger.
 */
const OWNERS = `
  select 'pg_attrdef:' || oid as part, 'pg_class:' || adrelid as owner from pg_attrdef
  union all
  select 'pg_constraint:' || oid, case when contypid <> 0 then 'pg_type:' || contypid else 'pg_class:' || conrelid end
  from pg_constraint
  where contype not in ('p', 'u', 'x', 'f', 't')`;

async function readEdges(session: Session, captured: ReadonlySet<string>): Promise<Edges> {
  const owners = new Map<string, string>();
  for (const { part, owner } of await session.query<{ part: string; owner: string }>(OWNERS))
    owners.set(part, owner);
  const rows = await session.query<EdgeRow>(EDGES);
  const extensionOf = new Map<string, string>();
  for (const { from, to, type } of rows) {
    if (type === 'e') extensionOf.set(from, to);
    else if (type === 'i' && !captured.has(from) && !owners.has(from)) owners.set(from, to);
  }
  /** The captured object that something is a part of; null when there is none. */
  function whole(key: string): string | null {
    let at = key;
    for (let step = 0; step < MOST_STEPS && !captured.has(at); step += 1) {
      const next = extensionOf.get(at) ?? owners.get(at);
      if (next === undefined) return null;
      at = next;
    }
    return captured.has(at) ? at : null;
  }

  const needs = new Map<string, string[]>();
  const lacking = new Map<string, string>();
  for (const { from, to, type, named } of rows) {
    const user = type === 'e' ? null : whole(from);
    if (user === null) continue;
    const needed = whole(to);
    if (needed === null) {
      if (named !== null && !ALWAYS_THERE.test(named)) lacking.set(user, named);
    } else if (needed !== user) {
      const list = needs.get(user);
      if (list === undefined) needs.set(user, [needed]);
      else list.push(needed);
    }
  }
  return { needs, lacking };
}

/** A column's array type of a row type of an extension's table: no chain is longer. */
const MOST_STEPS = 8;
/** As pg_describe_object says it. Constraint triggers and rewrite rules stand for what has been looked at already. */
const ALWAYS_THERE = /^(?:schema|extension plpgsql|language|index|toast table|role)\b/;

interface Ordered {
  readonly ordered: readonly CatalogObject[];
  readonly leftOut: readonly { readonly what: string; readonly reason: string }[];
}

/** Depth first, by rank and name, so that two captures of one schema give one text. */
function inOrder(objects: readonly CatalogObject[], edges: Edges, schemas: readonly string[]): Ordered {
  const byKey = new Map(objects.map((object) => [object.key, object]));
  const isWanted = ({ schema, kind }: CatalogObject) =>
    schema === null
      ? kind === 'schema' && schemas.length === 0
      : schemas.length === 0 || schemas.includes(schema);
  const ordered: CatalogObject[] = [];
  const reasons = new Map<CatalogObject, string>();
  const seen = new Map<string, boolean>();

  /** False when the object, or something that it needs, cannot be made. */
  function place(object: CatalogObject): boolean {
    const before = seen.get(object.key);
    if (before !== undefined) return before;
    // A circle (a function of a table's rows in that table's default) is cut here: bodies are not checked.
    seen.set(object.key, true);
    const lacking = edges.lacking.get(object.key) ?? lackingAmong(object);
    if (lacking !== null) {
      reasons.set(object, `it needs ${lacking}, which is not captured`);
      seen.set(object.key, false);
      return false;
    }
    ordered.push(object);
    return true;
  }

  function lackingAmong(object: CatalogObject): string | null {
    const needed = [...object.needs, ...(edges.needs.get(object.key) ?? [])];
    const found = needed.map((key) => byKey.get(key)).filter((each) => each !== undefined);
    for (const each of found.sort(byRank)) {
      const isForeign = (each.kind === 'table' || each.kind === 'view') && !isWanted(each);
      if (isForeign || !place(each)) return `${each.kind} ${nameOf(each)}`;
    }
    const home = object.schema === null ? null : homes.get(object.schema);
    if (home !== undefined && home !== null) place(home);
    return null;
  }

  const homes = new Map(objects.filter(({ kind }) => kind === 'schema').map((each) => [each.name, each]));
  for (const object of [...objects].sort(byRank)) if (isWanted(object)) place(object);
  const leftOut = [...reasons].map(([object, reason]) => ({
    what: `schema of ${object.kind} ${nameOf(object)}`,
    reason,
  }));
  return { ordered, leftOut: [...leftOut, ...unusedExtensions(objects, new Set(ordered))] };
}

function byRank(one: CatalogObject, other: CatalogObject): number {
  return one.rank - other.rank || compare(nameOf(one), nameOf(other)) || compare(one.key, other.key);
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function nameOf({ schema, name }: CatalogObject): string {
  return schema === null || schema === 'public' ? name : `${schema}.${name}`;
}

function unusedExtensions(
  objects: readonly CatalogObject[],
  used: ReadonlySet<CatalogObject>,
): Ordered['leftOut'] {
  const names = objects
    .filter((object) => object.kind === 'extension' && !used.has(object))
    .map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    {
      what: `schema of ${names.length === 1 ? 'extension' : 'extensions'} ${names.sort().join(', ')}`,
      reason:
        'no captured table, index or default needs it by the catalogs; add it when the body of a function does',
    },
  ];
}
