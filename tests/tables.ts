/** Table descriptions for tests of the generators, without a server. */
import type { ColumnDescription, ColumnType, ForeignKey, TableDescription } from '../src/engines/engine.ts';
import type { GeneratorSpec, TableSpec } from '../src/generators/generator.ts';
import type { ColumnDataPlan, DataPlan, TableDataPlan } from '../src/scenario/plan.ts';

const KINDS: Readonly<Record<string, ColumnType['kind']>> = {
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
  numeric: 'decimal',
  bool: 'boolean',
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamp',
  uuid: 'uuid',
  bytea: 'bytes',
  jsonb: 'json',
};

/** `varchar(20)`, `numeric(10,2)`, `int4`. */
export function type(declared: string, more: Partial<ColumnType> = {}): ColumnType {
  const [, base = declared, first, second] = /^(\w+)(?:\((\d+)(?:,(\d+))?\))?$/.exec(declared) ?? [];
  const kind = more.kind ?? KINDS[base] ?? 'other';
  const decimal = kind === 'decimal' && first !== undefined;
  return {
    kind,
    declared,
    base,
    maxLength: !decimal && first !== undefined ? Number(first) : null,
    precision: decimal ? Number(first) : null,
    scale: decimal ? Number(second ?? 0) : null,
    unsigned: false,
    labels: [],
    element: null,
    fields: [],
    ...more,
  };
}

/** A column; a question mark behind the type makes it nullable. */
export function column(name: string, declared: string | ColumnType): ColumnDescription {
  const nullable = typeof declared === 'string' && declared.endsWith('?');
  return {
    name,
    type: typeof declared === 'string' ? type(declared.replace(/\?$/, '')) : declared,
    nullable,
    defaultExpression: null,
    generated: 'no',
  };
}

export interface TableParts {
  readonly columns: Readonly<Record<string, string | ColumnType>>;
  readonly primaryKey?: readonly string[];
  readonly uniques?: readonly (readonly string[])[];
  /** `'a, b -> parent(c, d)'` */
  readonly foreignKeys?: readonly string[];
  readonly checks?: readonly string[];
  readonly partitionKey?: string;
  readonly partitionBounds?: readonly string[];
  readonly hasRows?: boolean;
}

export function table(name: string, parts: TableParts): TableDescription {
  return {
    name,
    parts: ['public', name],
    columns: Object.entries(parts.columns).map(([each, declared]) => column(each, declared)),
    primaryKey: parts.primaryKey ?? [],
    uniques: parts.uniques ?? [],
    foreignKeys: (parts.foreignKeys ?? []).map((text, index) => foreignKey(`${name}_fk${index}`, text)),
    checks: (parts.checks ?? []).map((expression, index) => ({ name: `${name}_check${index}`, expression })),
    partitioning: parts.partitionKey === undefined ? 'none' : 'parent',
    partitionBounds: parts.partitionBounds ?? [],
    partitionKey: parts.partitionKey ?? null,
    hasRows: parts.hasRows ?? false,
  };
}

function foreignKey(name: string, text: string): ForeignKey {
  const [, own = '', references = '', theirs = ''] = /^(.*) -> (\w+)\((.*)\)$/.exec(text) ?? [];
  const list = (names: string) => names.split(',').map((each) => each.trim());
  return { name, columns: list(own), references, referencedColumns: list(theirs) };
}

const NO_SETTING: ColumnDataPlan = {
  values: null,
  range: null,
  faker: null,
  nullFraction: null,
  width: null,
  fanout: null,
};

type Overrides = Readonly<Record<string, Partial<ColumnDataPlan>>>;

export function overrides(columns: Overrides): TableDataPlan['columns'] {
  return Object.fromEntries(
    Object.entries(columns).map(([name, given]) => [name, { ...NO_SETTING, ...given }]),
  );
}

export function tableSpec(
  description: TableDescription,
  rows: number,
  more: { readonly columns?: Overrides; readonly existingKeys?: TableSpec['existingKeys'] } = {},
): TableSpec {
  return {
    description,
    rows,
    overrides: overrides(more.columns ?? {}),
    existingKeys: more.existingKeys ?? null,
  };
}

export function generatorSpec(...tables: readonly TableSpec[]): GeneratorSpec {
  return { randomSeed: 42, tables };
}

export function dataPlan(
  rows: number | null,
  tables: Readonly<Record<string, { readonly rows?: number; readonly columns?: Overrides }>> = {},
): DataPlan {
  return {
    schemaFile: null,
    restore: null,
    profileFile: null,
    scale: 1,
    age: null,
    rows,
    randomSeed: 42,
    tables: Object.fromEntries(
      Object.entries(tables).map(([name, given]) => [
        name,
        { rows: given.rows ?? null, columns: overrides(given.columns ?? {}) },
      ]),
    ),
  };
}
