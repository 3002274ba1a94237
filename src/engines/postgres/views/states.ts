/**
 * State of tables, indexes and constraints in the catalogs, and what a statement did to it. The states are read by
 * plain selects: pg_get_indexdef, pg_get_constraintdef and their kin wait behind ACCESS EXCLUSIVE.
 *
 * A table was rewritten when its file node is another one: https://www.postgresql.org/docs/current/sql-altertable.html
 */
import type { ObservedChange } from '../../../recording/recording.ts';
import { columnChanges } from '../../column-changes.ts';
import type { RelationStates, Session } from '../../engine.ts';
import { relationName } from './relation-names.ts';

type State = Readonly<Record<string, string | number | null>>;
type Change = Omit<ObservedChange, 'statementId'>;

const USER_SCHEMAS = "n.nspname <> 'information_schema' and n.nspname !~ '^pg_'";

/** https://www.postgresql.org/docs/current/catalog-pg-attribute.html */
const TABLES = `
  select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relpages as pages,
    pg_catalog.pg_relation_filenode(c.oid) as file_node,
    (
      select string_agg(
        a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end,
        e'\\n' order by a.attnum
      )
      from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) as columns
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'm') and ${USER_SCHEMAS}`;

/** https://www.postgresql.org/docs/current/catalog-pg-index.html */
const INDEXES = `
  select c.oid, n.nspname as schema, c.relname as name, t.relname as table_name,
    pg_catalog.pg_relation_filenode(c.oid) as file_node,
    (i.indisvalid and i.indisready)::int as usable
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_class t on t.oid = i.indrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where ${USER_SCHEMAS}`;

/** https://www.postgresql.org/docs/current/catalog-pg-constraint.html */
const CONSTRAINTS = `
  select k.oid, n.nspname as schema, t.relname as table_name, k.conname as name, k.convalidated::int as validated
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class t on t.oid = k.conrelid
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
  where ${USER_SCHEMAS}`;

interface ObjectRow {
  readonly oid: number | string;
  readonly schema: string;
  readonly name: string;
}
interface TableRow extends ObjectRow {
  readonly kind: string;
  readonly pages: number;
  readonly file_node: number | null;
  readonly columns: string | null;
}
interface IndexRow extends ObjectRow {
  readonly table_name: string;
  readonly file_node: number | null;
  readonly usable: number;
}
interface ConstraintRow extends ObjectRow {
  readonly table_name: string;
  readonly validated: number;
}

/** Keys are the kind and the oid, since a name may go to another object and an object may change its name. */
export async function readRelationStates(
  inside: Session,
  leaveOut: ReadonlySet<string> = new Set(),
): Promise<RelationStates> {
  const states = new Map<string, State>();
  for (const row of await inside.query<TableRow>(TABLES)) {
    if (leaveOut.has(row.name)) continue;
    states.set(`table ${row.oid}`, {
      name: relationName(row.schema, row.name),
      kind: row.kind,
      fileNode: row.file_node,
      pages: row.pages,
      columns: row.columns,
    });
  }
  for (const row of await inside.query<IndexRow>(INDEXES)) {
    if (leaveOut.has(row.table_name)) continue;
    states.set(`index ${row.oid}`, {
      name: relationName(row.schema, row.name),
      table: relationName(row.schema, row.table_name),
      fileNode: row.file_node,
      usable: row.usable,
    });
  }
  for (const row of await inside.query<ConstraintRow>(CONSTRAINTS)) {
    if (leaveOut.has(row.table_name)) continue;
    states.set(`constraint ${row.oid}`, {
      name: row.name,
      table: relationName(row.schema, row.table_name),
      validated: row.validated,
    });
  }
  return states;
}

/** What changed, table by table in the order of their names; no entry for what stayed as it was. */
export function compareRelationStates(before: RelationStates, after: RelationStates): readonly Change[] {
  const changes: Change[] = [
    ...pairs(before, after, 'table').flatMap(([old, now]) => tableChanges(old, now)),
    ...indexChanges(before, after),
    ...pairs(before, after, 'constraint').flatMap(([old, now]) => constraintChanges(old, now)),
  ];
  return changes.sort((one, other) =>
    one.relation < other.relation ? -1 : Number(one.relation > other.relation),
  );
}

type Pair = readonly [before: State | undefined, after: State | undefined];

/** Every object of a kind that is in either state. */
function pairs(before: RelationStates, after: RelationStates, kind: string): readonly Pair[] {
  const keys = new Set([...before.keys(), ...after.keys()].filter((key) => key.startsWith(`${kind} `)));
  return [...keys].map((key) => [before.get(key), after.get(key)]);
}

const TABLE_SOURCE = 'pg_class, pg_attribute';
const FILE_SOURCE = 'pg_class.relfilenode';

function tableChanges(before: State | undefined, after: State | undefined): readonly Change[] {
  if (before === undefined || after === undefined) return presence('table', TABLE_SOURCE, before, after);
  const details = [
    ...(before.name === after.name ? [] : [`renamed from ${before.name}`]),
    ...columnChanges(columnsByName(String(before.columns ?? '')), columnsByName(String(after.columns ?? ''))),
  ];
  const change = (algorithm: string, detail: string, source: string): readonly Change[] => [
    {
      relation: String(after.name),
      algorithm,
      detail: [detail, ...details].filter(Boolean).join('; '),
      source,
    },
  ];
  if (before.fileNode === after.fileNode)
    return details.length === 0 ? [] : change('catalog only', '', TABLE_SOURCE);
  // TRUNCATE and REFRESH give a new file too, and rewrite no row of a user.
  if (after.kind === 'm') return change('refresh', 'the materialized view is in a new file', FILE_SOURCE);
  if (Number(after.pages) === 0 && Number(before.pages) > 0)
    return change('new empty file', 'the table was emptied', FILE_SOURCE);
  return change('rewrite', 'the table is in a new file: every row was written again', FILE_SOURCE);
}

function columnsByName(columns: string): ReadonlyMap<string, string> {
  const lines = columns.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
}

const INDEX_SOURCE = 'pg_index, pg_class.relfilenode';

/** An index row of another oid may stand over the same file (ALTER TYPE without a rewrite): then nothing was built. */
function indexChanges(before: RelationStates, after: RelationStates): readonly Change[] {
  const all = pairs(before, after, 'index');
  const olds = all.map(([old]) => old).filter((state) => state !== undefined);
  const nows = all.map(([, now]) => now).filter((state) => state !== undefined);
  return all.flatMap(([old, now]) => {
    if (now === undefined) {
      const livesOn = nows.some((other) => other.name === old?.name || sameFile(other, old));
      return livesOn ? [] : presence('index', INDEX_SOURCE, old, now);
    }
    const was =
      old ?? olds.find((other) => sameFile(other, now)) ?? olds.find((other) => other.name === now.name);
    return oneIndex(was, now);
  });
}

/** The index of a partitioned table has no file of its own. */
function sameFile(one: State, other: State | undefined): boolean {
  return one.fileNode !== null && one.fileNode === other?.fileNode;
}

function oneIndex(was: State | undefined, now: State): readonly Change[] {
  const relation = String(now.name);
  const on = `on ${now.table}`;
  const usable = now.usable !== 0;
  const changes: Change[] = [];
  const add = (algorithm: string, detail: string): void => {
    const validity = usable ? 'valid' : 'invalid index';
    changes.push({ relation, algorithm, detail, source: INDEX_SOURCE, validity });
  };
  if (!usable) {
    if (was?.usable !== 0) add('index left invalid', `${on}: it is kept up to date and never used`);
  } else if (was === undefined) add('index built', on);
  else if (was.fileNode !== now.fileNode) add('index rebuilt', on);
  else if (was.usable === 0) add('index built', `${on}: it was invalid before`);
  if (was !== undefined && was.name !== now.name) {
    add('catalog only', `renamed from ${was.name}`);
    if (was.usable === 0) changes.push(renamedAway(String(was.name), relation, INDEX_SOURCE));
  }
  return changes;
}

/** What was invalid under its old name is so no more; the new one says how it is. */
function renamedAway(relation: string, to: string, source: string): Change {
  return { relation, algorithm: 'catalog only', detail: `renamed to ${to}`, source, validity: 'gone' };
}

const CONSTRAINT_SOURCE = 'pg_constraint.convalidated';

function constraintChanges(before: State | undefined, after: State | undefined): readonly Change[] {
  const table = String((after ?? before)?.table);
  const nameOf = ({ name }: State): string => `${table}.${name}`;
  const change = (
    state: State,
    algorithm: string,
    detail: string,
    validity: NonNullable<Change['validity']>,
  ): Change => ({ relation: nameOf(state), algorithm, detail, source: CONSTRAINT_SOURCE, validity });
  if (after === undefined)
    return before === undefined ? [] : [change(before, 'catalog only', 'constraint gone', 'gone')];
  const validity = after.validated === 0 ? 'constraint not validated' : 'valid';
  if (before === undefined) {
    const [algorithm, detail] =
      after.validated === 0
        ? ['constraint not validated', 'rows that were there are not checked']
        : ['constraint added', ''];
    return [change(after, algorithm, detail, validity)];
  }
  if (before.validated === 0 && after.validated === 1)
    return [change(after, 'constraint validated', '', validity)];
  if (before.name === after.name) return [];
  return [
    change(after, 'catalog only', `constraint renamed from ${before.name}`, validity),
    ...(before.validated === 0 ? [renamedAway(nameOf(before), nameOf(after), CONSTRAINT_SOURCE)] : []),
  ];
}

/** Creation and removal. */
function presence(
  kind: string,
  source: string,
  before: State | undefined,
  after: State | undefined,
): readonly Change[] {
  const relation = String((after ?? before)?.name);
  return [
    {
      relation,
      algorithm: 'catalog only',
      detail: `${kind} ${after === undefined ? 'dropped' : 'created'}`,
      source,
      ...(kind === 'index' && after === undefined ? { validity: 'gone' } : {}),
    },
  ];
}
