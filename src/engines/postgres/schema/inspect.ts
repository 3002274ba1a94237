/** Asks the server what a statement's parameters are, without running it. */
import {
  type ColumnType,
  type KeyExpression,
  type ParameterInspection,
  type Session,
  SqlError,
  type StatementInspection,
} from '../../engine.ts';
import { readComparisons } from './comparisons.ts';
import { type PlanReading, readGenericPlan } from './plans.ts';
import { readTargets, type Target } from './targets.ts';
import { readTypes } from './types.ts';

const NAME = 'rehearse_inspected';

/**
 * In a transaction that is rolled back:
 *
 * 1. PREPARE: the server says the type of each parameter
 * 2. EXPLAIN of the plan for unknown values (12 and later): each condition says which parameter is compared with which
 *    column; before, the conditions are read from the text
 * 3. the locks that the two have left: they tell the tables exactly, views resolved, and whether rows are written
 * 4. the statement's text: columns that values are put into, and limits
 */
export async function inspect(session: Session, statement: string): Promise<StatementInspection> {
  let prepared = false;
  await session.execute('begin');
  try {
    await prepare(session, statement);
    prepared = true;
    const types = await parameterTypes(session);
    const plan = await readGenericPlan(session, { name: NAME, text: statement, parameters: types.length });
    const tables = await session.query<TableInUse>(TABLES_IN_USE);
    const uses = [
      ...(await targetUses(session, statement, tables)),
      ...('notMeasured' in plan ? [] : planUses(plan, tables)),
      // After what the plan says: conditions on a WITH query are on no table there.
      ...textUses(statement, tables),
    ];
    return {
      parameters: types.map((type, index) => inspectionOf(type, index + 1, uses)),
      tables: [...new Set(tables.map((table) => table.root))].sort(),
      kind: tables.some((table) => table.mode !== 'AccessShareLock') ? 'write' : 'read',
      fullScans:
        'notMeasured' in plan
          ? plan
          : [...new Set(plan.fullScans.map((scanned) => rootOf(tables, scanned)))].sort(),
    };
  } finally {
    await session.execute('rollback');
    // A prepared statement outlives the transaction.
    if (prepared) await session.execute(`deallocate ${NAME}`);
  }
}

async function prepare(session: Session, statement: string): Promise<void> {
  const beginning = `prepare ${NAME} as `;
  try {
    await session.execute(beginning + statement);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const { code, message, cause } = error;
    const position = error.position === null ? null : Math.max(1, error.position - beginning.length);
    throw new SqlError(message, { code, statement, position, cause });
  }
}

/** https://www.postgresql.org/docs/current/view-pg-prepared-statements.html */
const PARAMETER_TYPES = `
  select u.type::oid as oid
  from pg_prepared_statements p
    cross join lateral unnest(p.parameter_types) with ordinality u (type, position)
  where p.name = $1
  order by u.position`;

async function parameterTypes(session: Session): Promise<readonly ColumnType[]> {
  const rows = await session.query<{ oid: number }>(PARAMETER_TYPES, [NAME]);
  if (rows.length === 0) return [];
  const types = await readTypes(session);
  return rows.map((row) => types.resolve(row.oid, -1));
}

/** A table on which this transaction holds a lock; one row for each mode. */
interface TableInUse {
  readonly schema: string;
  readonly name: string;
  /** Name of the table itself, or of the partitioned table at the top; as in a recording. */
  readonly root: string;
  readonly mode: string;
  readonly columns: readonly string[];
}

/** https://www.postgresql.org/docs/current/view-pg-locks.html */
const TABLES_IN_USE = `
  with recursive
  used (member, top, mode) as (
    select l.relation, l.relation, l.mode
    from pg_locks l
    where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.granted
    union all
    select u.member, i.inhparent, u.mode
    from used u
      join pg_class c on c.oid = u.top and c.relispartition
      join pg_inherits i on i.inhrelid = u.top
  )
  select
    n.nspname::text as schema,
    c.relname::text as name,
    case when tn.nspname = 'public' then t.relname::text else tn.nspname || '.' || t.relname end as root,
    u.mode,
    (
      select coalesce(json_agg(a.attname order by a.attnum), '[]')
      from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) as columns
  from used u
    join pg_class c on c.oid = u.member and c.relkind in ('r', 'p', 'm', 'f')
    join pg_namespace n on n.oid = c.relnamespace
    join pg_class t on t.oid = u.top and not t.relispartition
    join pg_namespace tn on tn.oid = t.relnamespace
  where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
  order by root, name`;

function rootOf(
  tables: readonly TableInUse[],
  wanted: { readonly schema: string; readonly name: string },
): string {
  const found = tables.find((table) => table.schema === wanted.schema && table.name === wanted.name);
  return found?.root ?? wanted.name;
}

interface Use {
  /** 1-based. */
  readonly parameter: number;
  readonly role: ParameterInspection['role'];
  readonly column: ParameterInspection['column'];
  readonly expression?: KeyExpression;
}

/** A parameter that is used twice is what the first of these says. */
const RANK: readonly ParameterInspection['role'][] = [
  ...(['inserted', 'set', 'equality', 'range', 'limit', 'offset', 'amount', 'output'] as const),
];

function inspectionOf(type: ColumnType, parameter: number, uses: readonly Use[]): ParameterInspection {
  const own = uses.filter((use) => use.parameter === parameter);
  const best = RANK.map((role) => own.find((use) => use.role === role)).find((use) => use !== undefined);
  return {
    type,
    column: best?.column ?? null,
    role: best?.role ?? 'unknown',
    ...(best?.expression === undefined ? {} : { expression: best.expression }),
  };
}

function planUses(plan: PlanReading, tables: readonly TableInUse[]): readonly Use[] {
  return plan.comparisons.flatMap(({ parameter, role, columns, expression }): Use[] => {
    if (role === 'amount') return [{ parameter, role, column: null }];
    const own = columns.flatMap(([alias = '', column, ...more]) => {
      const relation = plan.relations.get(alias);
      return relation === undefined || column === undefined || more.length > 0
        ? []
        : [{ alias, relation, column }];
    });
    const [first] = own;
    if (first === undefined || own.some(({ alias }) => alias !== first.alias)) return [];
    const { alias, column } = first;
    const use = { parameter, role, column: { table: rootOf(tables, first.relation), column } };
    return [expression === null ? use : { ...use, expression: { text: expression, alias } }];
  });
}

/** Without a plan: a column counts when only one of the tables has it, or the table's own name stands before it. */
function textUses(statement: string, tables: readonly TableInUse[]): readonly Use[] {
  return readComparisons(statement).flatMap(({ parameter, role, columns, expression }): Use[] => {
    if (role === 'amount') return [{ parameter, role, column: null }];
    const own = columns.flatMap((name) => columnNamed(name, tables) ?? []);
    const [first] = own;
    if (first === undefined || own.some(({ table }) => table !== first.table)) return [];
    const use = { parameter, role, column: first };
    if (expression === null) return [use];
    const names = tables.filter(({ root }) => root === first.table).map(({ name }) => name);
    // Another alias is not known here.
    const alias = names.find((name) => columns.every((parts) => parts.length === 1 || parts.at(-2) === name));
    return alias === undefined ? [] : [{ ...use, expression: { text: expression, alias } }];
  });
}

function columnNamed(
  name: readonly string[],
  tables: readonly TableInUse[],
): { readonly table: string; readonly column: string } | null {
  const column = name.at(-1) ?? '';
  const having = tables.filter((table) => table.columns.includes(column));
  const named = having.filter((table) => table.name === name.at(-2));
  const roots = new Set((named.length > 0 ? named : having).map((table) => table.root));
  const [table] = roots;
  return table === undefined || roots.size > 1 ? null : { table, column };
}

async function targetUses(
  session: Session,
  statement: string,
  tables: readonly TableInUse[],
): Promise<readonly Use[]> {
  const uses: Use[] = [];
  for (const target of readTargets(statement)) {
    const { parameter, role } = target;
    if (role !== 'inserted' && role !== 'set') uses.push({ parameter, role, column: null });
    const table = target.table === null ? null : await tableFor(session, target.table, tables);
    const column = columnFor(target, table);
    if (table !== null && column !== undefined)
      uses.push({ parameter, role, column: { table: table.root, column } });
  }
  return uses;
}

function columnFor(target: Target, table: TableInUse | null): string | undefined {
  if (typeof target.column === 'number') return table?.columns[target.column];
  return table?.columns.find((column) => column === target.column);
}

/** The server resolves the name as it stands in the statement, by its search path. */
async function tableFor(
  session: Session,
  name: string,
  tables: readonly TableInUse[],
): Promise<TableInUse | null> {
  const [found] = await session.query<{ schema: string; name: string }>(
    `select n.nspname::text as schema, c.relname::text as name
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = to_regclass($1)`,
    [name],
  );
  return tables.find((table) => table.schema === found?.schema && table.name === found.name) ?? null;
}
