/** Random schemas: whatever can be described is filled so that every constraint holds, or one clear error says why not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { generatorSpec, table, tableSpec } from '../../tests/tables.ts';
import type { CellValue, TableDescription } from '../engines/engine.ts';
import { UsageError } from '../errors.ts';
import { createGenerators } from './compile.ts';
import type { GeneratorSpec, TableGenerator } from './generator.ts';

const TYPES = [
  'int2',
  'int4',
  'int8?',
  'numeric(8,2)',
  'bool',
  'text?',
  'varchar(4)',
  'varchar(30)',
  'bpchar(3)',
  'date',
  'timestamptz',
  'uuid',
] as const;

/** A check on one column of some type, and what it means. */
const CHECKS: readonly {
  readonly types: readonly string[];
  readonly text: (column: string) => string;
  readonly holds: (value: string) => boolean;
}[] = [
  {
    types: ['int2', 'int4', 'int8?', 'numeric(8,2)'],
    text: (c) => `((${c} > 10) AND (${c} <= 5000))`,
    holds: (value) => Number(value) > 10 && Number(value) <= 5000,
  },
  {
    types: ['varchar(4)', 'varchar(30)', 'text?'],
    text: (c) => `(${c} ~ '^[a-z]{2}[0-9]{1,2}$')`,
    holds: (value) => /^[a-z]{2}[0-9]{1,2}$/.test(value),
  },
  {
    types: ['varchar(30)', 'text?'],
    text: (c) => `((char_length(${c}) >= 8) AND (${c} = lower(${c})))`,
    holds: (value) => value.length >= 8 && value === value.toLowerCase(),
  },
  {
    types: ['date', 'timestamptz'],
    text: (c) => `(${c} >= '2024-02-01'::date)`,
    holds: (value) => value >= '2024-02-01',
  },
];

interface ColumnSeed {
  readonly type: (typeof TYPES)[number];
  readonly check: number | null;
}

interface TableSeed {
  readonly columns: readonly ColumnSeed[];
  readonly key: 'counter' | 'first column' | 'parent and column' | 'two parents' | 'parent';
  /** Numbers of the tables referred to, modulo the table's own number. */
  readonly parents: readonly number[];
  readonly refersToItself: boolean;
  /** Pairs and single columns that must be unique, by position among all columns. */
  readonly uniques: readonly (readonly number[])[];
  readonly rows: number;
}

const tableSeed: fc.Arbitrary<TableSeed> = fc.record({
  columns: fc.array(
    fc.record({
      type: fc.constantFrom(...TYPES),
      check: fc.option(fc.nat(CHECKS.length - 1), { nil: null }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  key: fc.constantFrom('counter', 'first column', 'parent and column', 'two parents', 'parent'),
  parents: fc.array(fc.nat(5), { maxLength: 3 }),
  refersToItself: fc.boolean(),
  uniques: fc.array(fc.array(fc.nat(6), { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
  rows: fc.integer({ min: 1, max: 120 }),
});

interface Schema {
  readonly tables: readonly TableDescription[];
  readonly holds: ReadonlyMap<string, (value: string) => boolean>;
  readonly rows: readonly number[];
}

function schemaOf(seeds: readonly TableSeed[]): Schema {
  const tables: TableDescription[] = [];
  const holds = new Map<string, (value: string) => boolean>();
  for (const [index, seed] of seeds.entries()) {
    const name = `t${index}`;
    const columns: Record<string, string> = { id: 'int4' };
    const checks: string[] = [];
    for (const [position, { type, check }] of seed.columns.entries()) {
      const column = `c${position}`;
      columns[column] = type;
      const rule = check === null ? undefined : CHECKS[check];
      if (rule?.types.includes(type) !== true) continue;
      checks.push(rule.text(column));
      holds.set(`${name}.${column}`, rule.holds);
    }
    const parents = index === 0 ? [] : seed.parents.map((parent) => tables[parent % index]);
    const foreignKeys: string[] = [];
    const parentColumns: string[][] = [];
    for (const [position, parent] of parents.entries()) {
      if (parent === undefined) continue;
      const own = parent.primaryKey.map((_, each) => `p${position}_${each}`);
      for (const [each, key] of parent.primaryKey.entries())
        columns[own[each] ?? ''] =
          parent.columns.find((column) => column.name === key)?.type.declared ?? 'int4';
      foreignKeys.push(`${own.join(', ')} -> ${parent.name}(${parent.primaryKey.join(', ')})`);
      parentColumns.push(own);
    }
    const primaryKey = keyOf(seed, parentColumns);
    if (seed.refersToItself && primaryKey.length === 1) {
      columns.boss = `${columns[primaryKey[0] ?? 'id']?.replace('?', '') ?? 'int4'}?`;
      foreignKeys.push(`boss -> ${name}(${primaryKey.join(', ')})`);
    }
    for (const key of primaryKey) columns[key] = columns[key]?.replace('?', '') ?? 'int4';
    const all = Object.keys(columns);
    const uniques = seed.uniques.map((set) => [
      ...new Set(set.map((each) => all[each % all.length] ?? 'id')),
    ]);
    tables.push(table(name, { columns, primaryKey, foreignKeys, checks, uniques }));
  }
  return { tables, holds, rows: seeds.map(({ rows }) => rows) };
}

function keyOf({ key }: TableSeed, parents: readonly (readonly string[])[]): readonly string[] {
  const [first, second] = parents;
  if (key === 'first column') return ['c0'];
  if (key === 'parent' && first !== undefined) return first;
  if (key === 'parent and column' && first !== undefined) return [...first, 'c0'];
  if (key === 'two parents' && first !== undefined && second !== undefined) return [...first, ...second];
  return ['id'];
}

/** Rows beyond the filled ones that the load might insert. */
const INSERTED = 10;

function rowsOf(generator: TableGenerator): readonly (readonly CellValue[])[] {
  const rows = Math.min(generator.capacity, generator.rows + INSERTED);
  return Array.from({ length: rows }, (_, row) => [...generator.row(row)]);
}

type Problem = string;

function problemsOf(schema: Schema, generators: ReadonlyMap<string, TableGenerator>): readonly Problem[] {
  const problems: Problem[] = [];
  const data = new Map([...generators].map(([name, generator]) => [name, rowsOf(generator)]));
  for (const description of schema.tables) {
    const generator = generators.get(description.name);
    const rows = data.get(description.name) ?? [];
    const valuesOf = (row: readonly CellValue[], columns: readonly string[]) =>
      columns.map((column) => row[generator?.columns.indexOf(column) ?? -1] ?? null);
    for (const column of description.columns)
      problems.push(
        ...columnProblems(
          schema,
          description,
          column.name,
          rows.map((row) => valuesOf(row, [column.name])[0] ?? null),
        ),
      );
    for (const set of [description.primaryKey, ...description.uniques]) {
      const seen = rows
        .map((row) => valuesOf(row, set))
        .filter((values) => !values.includes(null))
        .map((values) => JSON.stringify(values));
      if (new Set(seen).size !== seen.length)
        problems.push(`${description.name}: (${set.join(', ')}) is not unique`);
    }
    for (const { columns, references, referencedColumns } of description.foreignKeys) {
      const parent = generators.get(references);
      const keys = new Set(
        (data.get(references) ?? []).map((row) =>
          JSON.stringify(referencedColumns.map((column) => row[parent?.columns.indexOf(column) ?? -1])),
        ),
      );
      const broken = rows
        .map((row) => valuesOf(row, columns))
        .find((values) => !values.includes(null) && !keys.has(JSON.stringify(values)));
      if (broken !== undefined)
        problems.push(`${description.name}: ${JSON.stringify(broken)} is no key of ${references}`);
    }
  }
  return problems;
}

const LENGTHS: Readonly<Record<string, number>> = { 'varchar(4)': 4, 'varchar(30)': 30, 'bpchar(3)': 3 };

function columnProblems(
  { holds }: Schema,
  { name, columns, primaryKey }: TableDescription,
  column: string,
  values: readonly CellValue[],
): readonly Problem[] {
  const described = columns.find((each) => each.name === column);
  const rule = holds.get(`${name}.${column}`);
  const longest = LENGTHS[described?.type.declared ?? ''] ?? Number.POSITIVE_INFINITY;
  return values.flatMap((value) => {
    const where = `${name}.${column}: ${JSON.stringify(value)}`;
    if (value === null)
      return described?.nullable && !primaryKey.includes(column) ? [] : [`${where} is not allowed`];
    const text = String(value);
    if (text.length > longest) return [`${where} is too long`];
    if (described?.type.base === 'int2' && Number(text) > 32_767) return [`${where} is too large`];
    return rule === undefined || rule(text) ? [] : [`${where} breaks its check`];
  });
}

function specOf(schema: Schema, factor: number): GeneratorSpec {
  return generatorSpec(
    ...schema.tables.map((each, index) => tableSpec(each, (schema.rows[index] ?? 1) * factor)),
  );
}

/** The generators, or null when one clear error said why there are none. */
function generatorsOf(spec: GeneratorSpec): ReadonlyMap<string, TableGenerator> | null {
  try {
    return createGenerators(spec);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    expect(error.message).toMatch(/data\.tables/);
    return null;
  }
}

const schemas = fc.array(tableSeed, { minLength: 1, maxLength: 5 }).map(schemaOf);

test('every unique set, foreign key, check, length and NOT NULL holds, also for rows that are inserted later', () => {
  let filled = 0;
  fc.assert(
    fc.property(schemas, (schema) => {
      const generators = generatorsOf(specOf(schema, 1));
      if (generators === null) return;
      filled += 1;
      expect(problemsOf(schema, generators)).toEqual([]);
    }),
    { numRuns: 400 },
  );
  expect(filled).toBeGreaterThan(100);
});

test('the same spec gives the same cells on another thread, in any order of rows', () => {
  fc.assert(
    fc.property(schemas, (schema) => {
      const spec = specOf(schema, 1);
      const [one, other] = [generatorsOf(spec), generatorsOf(structuredClone(spec))];
      for (const [name, generator] of one ?? []) {
        const again = other?.get(name);
        const backwards = Array.from({ length: generator.rows }, (_, row) => [
          ...(again?.row(generator.rows - 1 - row) ?? []),
        ]);
        expect(backwards.toReversed()).toEqual(rowsOf(generator).slice(0, generator.rows));
      }
    }),
    { numRuns: 50 },
  );
});

test('a larger volume extends a smaller one, when all tables grow alike', () => {
  fc.assert(
    fc.property(schemas, fc.integer({ min: 2, max: 4 }), (seeded, factor) => {
      // Up to 20 rows a table counts as a lookup table, of which every child knows every row.
      const schema = { ...seeded, rows: seeded.rows.map((rows) => 21 + (rows % 50)) };
      const [small, large] = [generatorsOf(specOf(schema, 1)), generatorsOf(specOf(schema, factor))];
      for (const [name, generator] of small ?? [])
        for (let row = 0; large !== null && row < generator.rows; row += 1)
          expect(large.get(name)?.row(row)).toEqual(generator.row(row));
    }),
    { numRuns: 100 },
  );
});
