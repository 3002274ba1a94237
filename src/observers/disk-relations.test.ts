import { expect, test } from 'vitest';
import { compareRelations, type Relations } from './disk-relations.ts';

const table = (id: string | undefined, relation: string, bytes: number): Relations[number] => ({
  ...{ relation, kind: 'table', bytes },
  ...(id === undefined ? {} : { id }),
});

const compared = (before: Relations, after: Relations) =>
  compareRelations(before, after).map(({ relation, beforeBytes, afterBytes }) => [
    relation,
    beforeBytes,
    afterBytes,
  ]);

test('a table that was renamed is one, and one that took its place under its old name is another', () => {
  expect(compared([table('1', 'orders', 10)], [table('1', 'sales', 12)])).toEqual([['sales', 10, 12]]);
  expect(
    compared([table('1', 'orders', 10)], [table('1', 'orders_old', 10), table('2', 'orders', 9)]),
  ).toEqual([
    ['orders_old', 10, 10],
    ['orders', 0, 9],
  ]);
});

test('a table that was dropped for another one of its name, and one without a number, are known by their names', () => {
  expect(compared([table('1', 'orders', 10)], [table('2', 'orders', 9)])).toEqual([['orders', 10, 9]]);
  expect(compared([table(undefined, 'orders', 10)], [table(undefined, 'orders', 9)])).toEqual([
    ['orders', 10, 9],
  ]);
});

test('what was dropped and what was made are told as such, and nothing where one side is not known', () => {
  expect(compared([table('1', 'orders', 10)], [table('2', 'carts', 5)])).toEqual([
    ['orders', 10, 0],
    ['carts', 0, 5],
  ]);
  expect(compareRelations(null, [])).toEqual([]);
});
