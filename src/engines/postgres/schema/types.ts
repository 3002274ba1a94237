/** Types of the database as kinds of values: https://www.postgresql.org/docs/current/catalog-pg-type.html */
import type { ColumnType, Session, ValueKind } from '../../engine.ts';

/** Types by their oid, as they were when the catalog was read. */
export interface TypeCatalog {
  /** A type with its modifier (-1 for none); domains are followed to what they are made of. */
  resolve(oid: number, modifier: number): ColumnType;
  /** The domains that a type goes through, outermost first; empty for a plain type. */
  domains(oid: number): readonly Domain[];
}

export interface Domain {
  readonly notNull: boolean;
  readonly defaultExpression: string | null;
  /** Expressions about `VALUE`. */
  readonly checks: readonly { readonly name: string; readonly expression: string }[];
}

/** Reads all types: a few hundred rows. */
export async function readTypes(session: Session): Promise<TypeCatalog> {
  const rows = new Map((await session.query<TypeRow>(TYPES)).map((row) => [row.oid, row]));
  const rowOf = (oid: number): TypeRow => {
    const row = rows.get(oid);
    if (row === undefined) throw new Error(`type ${oid} is not in pg_type`);
    return row;
  };

  function resolve(oid: number, modifier: number, declared?: string): ColumnType {
    const row = rowOf(oid);
    if (row.kind === 'd')
      return resolve(
        row.base,
        row.baseModifier === -1 ? modifier : row.baseModifier,
        declared ?? row.declared,
      );
    return {
      kind: kindOf(row),
      declared: declared ?? declaredWith(row, modifier),
      base: row.name,
      ...limitsOf(row.name, modifier),
      unsigned: false,
      labels: row.labels ?? [],
      element: isArray(row) ? resolve(row.element, modifier) : null,
      fields: (row.fields ?? []).map((each) => ({
        name: each.name,
        type: resolve(each.type, each.modifier),
      })),
    };
  }

  function domains(oid: number): readonly Domain[] {
    const row = rowOf(oid);
    if (row.kind !== 'd') return [];
    const { notNull, defaultExpression } = row;
    return [{ notNull, defaultExpression, checks: row.checks ?? [] }, ...domains(row.base)];
  }

  return { resolve: (oid, modifier) => resolve(oid, modifier), domains };
}

interface TypeRow {
  readonly oid: number;
  readonly name: string;
  readonly declared: string;
  /** typtype: b base, c composite, d domain, e enum, m multirange, p pseudo, r range. */
  readonly kind: string;
  readonly category: string;
  readonly element: number;
  readonly base: number;
  readonly baseModifier: number;
  readonly notNull: boolean;
  readonly defaultExpression: string | null;
  readonly labels: readonly string[] | null;
  readonly fields: readonly { name: string; type: number; modifier: number }[] | null;
  readonly checks: readonly { name: string; expression: string }[] | null;
}

/** Row types of tables have their columns only where some column is of that type. */
const TYPES = `
  select
    t.oid as oid,
    t.typname::text as name,
    format_type(t.oid, null) as declared,
    t.typtype::text as kind,
    t.typcategory::text as category,
    t.typelem as element,
    t.typbasetype as base,
    t.typtypmod as "baseModifier",
    t.typnotnull as "notNull",
    t.typdefault as "defaultExpression",
    case when t.typtype = 'e' then (
      select json_agg(e.enumlabel order by e.enumsortorder)
      from pg_enum e
      where e.enumtypid = t.oid
    ) end as labels,
    case
      when t.typtype = 'c' and (c.relkind = 'c' or t.oid in (select atttypid from pg_attribute)) then (
        select json_agg(
          json_build_object('name', a.attname, 'type', a.atttypid::int8, 'modifier', a.atttypmod)
          order by a.attnum
        )
        from pg_attribute a
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
      )
      when t.typtype = 'r' then (
        select json_build_array(
          json_build_object('name', 'subtype', 'type', r.rngsubtype::int8, 'modifier', -1)
        )
        from pg_range r
        where r.rngtypid = t.oid
      )
    end as fields,
    case when t.typtype = 'd' then (
      select json_agg(json_build_object('name', d.conname, 'expression', pg_get_expr(d.conbin, 0)) order by d.conname)
      from pg_constraint d
      where d.contypid = t.oid and d.contype = 'c'
    ) end as checks
  from pg_type t
    left join pg_class c on c.oid = t.typrelid`;

/** Kinds of the base types by name; what is missing here follows from typtype. */
const KINDS: Readonly<Record<string, ValueKind>> = {
  ...kinds('integer', ['int2', 'int4', 'int8', 'oid']),
  ...kinds('decimal', ['numeric', 'money']),
  ...kinds('float', ['float4', 'float8']),
  ...kinds('boolean', ['bool']),
  ...kinds('text', ['text', 'varchar', 'bpchar', 'char', 'name', 'citext']),
  ...kinds('date', ['date']),
  ...kinds('time', ['time', 'timetz']),
  ...kinds('timestamp', ['timestamp', 'timestamptz']),
  ...kinds('interval', ['interval']),
  ...kinds('uuid', ['uuid']),
  ...kinds('json', ['json', 'jsonb']),
  ...kinds('bytes', ['bytea']),
  ...kinds('bits', ['bit', 'varbit']),
  ...kinds('network', ['inet', 'cidr', 'macaddr', 'macaddr8']),
  ...kinds('textSearch', ['tsvector', 'tsquery']),
  ...kinds('geometry', [
    'point',
    'line',
    'lseg',
    'box',
    'path',
    'polygon',
    'circle',
    'geometry',
    'geography',
  ]),
};

function kinds(kind: ValueKind, names: readonly string[]): Record<string, ValueKind> {
  return Object.fromEntries(names.map((name) => [name, kind]));
}

/** An array's kind is `other`: what it holds is told by its element. */
function kindOf(row: TypeRow): ValueKind {
  if (isArray(row)) return 'other';
  if (row.kind === 'e') return 'enum';
  if (row.kind === 'r' || row.kind === 'm') return 'range';
  if (row.kind === 'c') return 'composite';
  return KINDS[row.name] ?? 'other';
}

/** The vectors of the catalogs are arrays by their category, but have an input form of their own. */
function isArray(row: TypeRow): boolean {
  return row.category === 'A' && row.element !== 0 && !/^(?:int2|oid)vector$/.test(row.name);
}

/** Bytes of the header that the length of character and numeric types counts in. */
const VARHDRSZ = 4;
const NAME_LENGTH = 63;

type Limits = Pick<ColumnType, 'maxLength' | 'precision' | 'scale'>;

/** Type modifiers: anychar_typmodin, numeric_typmod_precision and their like in src/backend/utils/adt. */
function limitsOf(name: string, modifier: number): Limits {
  const limits: Limits = { maxLength: null, precision: null, scale: null };
  if (name === 'name') return { ...limits, maxLength: NAME_LENGTH };
  if (name === 'char') return { ...limits, maxLength: 1 };
  if (modifier < 0) return limits;
  if (name === 'varchar' || name === 'bpchar') return { ...limits, maxLength: modifier - VARHDRSZ };
  if (name === 'bit' || name === 'varbit') return { ...limits, maxLength: modifier };
  if (['time', 'timetz', 'timestamp', 'timestamptz'].includes(name))
    return { ...limits, precision: modifier };
  if (name === 'numeric') {
    const packed = modifier - VARHDRSZ;
    // 11 bits with a sign since Postgres 15; before, at most 1000 without one.
    return { ...limits, precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 };
  }
  return limits;
}

/** As format_type prints it. */
function declaredWith(row: TypeRow, modifier: number): string {
  if (isArray(row)) return row.declared;
  const { maxLength, precision, scale } = limitsOf(row.name, modifier);
  if (modifier < 0) return row.declared;
  if (maxLength !== null) return `${row.declared}(${maxLength})`;
  if (scale !== null) return `${row.declared}(${precision},${scale})`;
  return precision === null ? row.declared : row.declared.replace(/^\w+/, `$&(${precision})`);
}
