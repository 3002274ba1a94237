import { expect, test } from 'vitest';
import { table } from '../../tests/tables.ts';
import type { TableDescription } from '../engines/engine.ts';
import { mayRepeat, planSubset } from './subset.ts';

const id = { id: 'int8' };
const make = (tables: Readonly<Record<string, readonly string[]>>): readonly TableDescription[] =>
  Object.entries(tables).map(([name, foreignKeys]) => {
    const columns = Object.fromEntries(foreignKeys.map((key) => [key.split(' ')[0] ?? '', 'int8?']));
    return table(name, { columns: { ...id, ...columns }, primaryKey: ['id'], foreignKeys });
  });

const plan = (
  tables: Readonly<Record<string, readonly string[]>>,
  rows: Readonly<Record<string, number>> = {},
) => {
  const made = make(tables);
  const sizes = new Map(made.map(({ name }) => [name, rows[name] ?? 10_000]));
  const { stages, whole } = planSubset(made, sizes, 0.1);
  const how = Object.fromEntries(stages.flat().map((step) => [step.thinning.table.name, step.how]));
  return { stages, whole, how };
};

test('a chain is sampled at its root and follows from there', () => {
  const { how, stages } = plan({ a: [], b: ['a_id -> a(id)'], c: ['b_id -> b(id)'] });
  expect(how).toEqual({ a: 'sampled', b: 'follows', c: 'follows' });
  expect(stages.map((stage) => stage.map(({ thinning }) => thinning.table.name))).toEqual([
    ['a'],
    ['b', 'c'],
  ]);
  expect(stages.some(mayRepeat)).toBe(false);
});

test('of two parents the one with more below it is sampled, and the other keeps what is referred to', () => {
  const { how, stages } = plan({
    customer: [],
    product: [],
    purchase: ['customer_id -> customer(id)'],
    line: ['purchase_id -> purchase(id)', 'product_id -> product(id)'],
  });
  expect(how).toEqual({ customer: 'sampled', purchase: 'follows', line: 'follows', product: 'share' });
  const last = stages.at(-1)?.[0]?.thinning;
  expect(last?.table.name).toBe('product');
  expect(last?.keptBy.map(({ parts }) => parts.at(-1))).toEqual(['line']);
  const line = stages[1]?.find(({ thinning }) => thinning.table.name === 'line')?.thinning;
  expect(line?.follows.map(({ key }) => key.references)).toEqual(['purchase']);
});

test('families that have nothing in common are sampled each', () => {
  const { how } = plan({ a: [], b: ['a_id -> a(id)'], x: [], y: ['x_id -> x(id)'] });
  expect(how).toEqual({ a: 'sampled', b: 'follows', x: 'sampled', y: 'follows' });
});

test('a lookup table stays whole, a small table that nothing refers to does not', () => {
  const { how, whole } = plan({ country: [], a: ['c -> country(id)'], log: [] }, { country: 200, log: 200 });
  expect(whole).toEqual(['country']);
  expect(how).toEqual({ a: 'sampled', log: 'sampled' });
});

test('a sampled table that refers to itself keeps whom its rows refer to, again and again', () => {
  const { how, stages } = plan({ person: ['boss -> person(id)'] });
  expect(how).toEqual({ person: 'sampled' });
  expect(stages[0]?.[0]?.thinning.keptBy).toHaveLength(1);
  expect(stages.every(mayRepeat)).toBe(true);
});

test('a circle with no table above it keeps its share, what hangs from it too', () => {
  const { how, stages } = plan({ a: ['b_id -> b(id)'], b: ['a_id -> a(id)'], c: ['a_id -> a(id)'] });
  expect(how).toEqual({ a: 'share', b: 'share', c: 'share' });
  expect(stages[0]?.[0]?.thinning.table.name).toBe('c');
});

test('a circle below a sampled table follows until no row goes any more', () => {
  const { how, stages } = plan({ root: [], a: ['r -> root(id)', 'b_id -> b(id)'], b: ['a_id -> a(id)'] });
  expect(how).toEqual({ root: 'sampled', a: 'follows', b: 'follows' });
  expect(mayRepeat(stages[1] ?? [])).toBe(true);
});
