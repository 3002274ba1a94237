/** What a random schema is made of, before an engine's words: numbers and choices, which fast-check can shrink. */
import fc from 'fast-check';

export interface RandomSchema {
  readonly ddl: string;
  /** Of each table that no other refers to. */
  readonly rows: number;
}

export interface ColumnSeed {
  readonly type: number;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
  /** Number of a check, or null. */
  readonly check: number | null;
}

export interface ParentSeed {
  /** Number of an earlier table. */
  readonly table: number;
  readonly nullable: boolean;
  /** One row for each row of the parent. */
  readonly unique: boolean;
  readonly action: number;
  /** To a unique column instead of the primary key, where there is one. */
  readonly toUnique: boolean;
}

export interface TableSeed {
  readonly name: number;
  readonly schema: boolean;
  readonly columns: readonly ColumnSeed[];
  readonly key: number;
  readonly parents: readonly ParentSeed[];
  readonly refersToItself: 'no' | 'nullable' | 'not null' | 'unique';
  /** Sets of columns by their position; which form of index. */
  readonly uniques: readonly { readonly columns: readonly number[]; readonly form: number }[];
  /** Checks on two columns. */
  readonly pairs: readonly { readonly first: number; readonly second: number; readonly form: number }[];
  readonly generated: readonly { readonly of: number; readonly form: number }[];
  readonly partitions: number | null;
  readonly extra: number | null;
}

export interface SchemaSeed {
  readonly tables: readonly TableSeed[];
  /** The first table refers to the last one, which refers to it. */
  readonly circle: 'no' | 'nullable' | 'not null';
  readonly rows: number;
}

const rarely = (share: number) => fc.integer({ min: 0, max: 99 }).map((number) => number >= 100 - share);

/** A choice in this share of the cases, else null; null is what it shrinks to. */
const sometimes = (share: number) =>
  fc.tuple(rarely(share), fc.nat(999)).map(([is, number]) => (is ? number : null));

const column: fc.Arbitrary<ColumnSeed> = fc.record({
  type: fc.nat(999),
  notNull: fc.boolean(),
  hasDefault: rarely(20),
  check: sometimes(25),
});

const CHOICE = fc.nat(999);
const POSITION = fc.nat(11);

const table: fc.Arbitrary<TableSeed> = fc.record({
  name: CHOICE,
  schema: rarely(15),
  columns: fc.array(column, { minLength: 1, maxLength: 5 }),
  key: CHOICE,
  parents: fc.array(
    fc.record({
      table: fc.nat(9),
      nullable: fc.boolean(),
      unique: rarely(15),
      action: CHOICE,
      toUnique: rarely(30),
    }),
    { maxLength: 2 },
  ),
  refersToItself: fc.constantFrom('no', 'no', 'no', 'no', 'nullable', 'not null', 'unique'),
  uniques: fc.array(
    fc.record({ columns: fc.array(POSITION, { minLength: 1, maxLength: 3 }), form: CHOICE }),
    { maxLength: 1 },
  ),
  pairs: fc.array(fc.record({ first: POSITION, second: POSITION, form: CHOICE }), { maxLength: 1 }),
  generated: fc.array(fc.record({ of: POSITION, form: CHOICE }), { maxLength: 1 }),
  partitions: sometimes(15),
  extra: sometimes(25),
});

export const schemaSeeds: fc.Arbitrary<SchemaSeed> = fc.record({
  tables: fc.array(table, { minLength: 1, maxLength: 4 }),
  circle: fc.constantFrom('no', 'no', 'no', 'nullable', 'not null'),
  rows: fc.integer({ min: 30, max: 300 }),
});

/** The entry with this number, counted round. */
export function pick<Item>(items: readonly Item[], number: number): Item {
  const item = items[number % items.length];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}

/** Plain, reserved, mixed, long and odd names, by number. */
export const NAMES: readonly string[] = [
  ...['orders', 'order', 'user', 'Mixed Case', 'größe', '名前', 'select', 'value', 'events_2024'],
  ...['dotted.name', "it's", 'percent%s', 'back\\slash', 'a'.repeat(58), '1st', '$dollar', 'tags', 'people'],
];
