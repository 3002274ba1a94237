import { expect, test } from 'vitest';
import { readStatement } from './targets.ts';

/** "role column" of each placeholder; a placeholder without a use is missing. */
function uses(statement: string): readonly string[] {
  return readStatement(statement).uses.map(
    ({ parameter, role, column }) =>
      `${parameter} ${role} ${Array.isArray(column) ? column.join('.') : String(column)}`,
  );
}

test.each([
  ['select * from t where a = ? and t.b <=> ?', ['0 equality a', '1 equality t.b']],
  ['select * from t where ? < a or b not like ?', ['0 range a', '1 range b']],
  ['select * from t where a between ? and ? and b = 1', ['0 range a', '1 range a']],
  ['select * from t where `A b` in (?, ?)', ['0 equality A b', '1 equality A b']],
  [
    'select * from t where (a, b) in ((?, ?), (?, ?))',
    ['0 equality a', '1 equality b', '2 equality a', '3 equality b'],
  ],
  [
    'select * from t where a not in (?) and lower(b) = ? and c = ? + 1 and d + 1 = ?',
    ['0 equality a', '1 equality b', '2 amount null'],
  ],
  ['select ?, count(?), concat(a, ?) from t', ['0 output null', '1 output null']],
  ['select * from t where upper(trim(a)) = ? and coalesce(t.b, 0) > ?', ['1 range t.b']],
  ['select * from t where a > now() - interval ? day', ['0 amount null']],
  ['insert into t (a, b) select ?, c from u where d = ?', ['0 inserted a', '1 equality d']],
  ['select * from t limit ?, ?', ['0 limit null', '1 limit null']],
  ['insert into t (a, b) values (?, now()), (?, ?)', ['0 inserted a', '1 inserted a', '2 inserted b']],
  ['insert into t values (1, ?)', ['0 inserted 1']],
  [
    'insert into t (a) values (?) on duplicate key update a = ?, b = b + ?, c = ?',
    ['0 inserted a', '1 set a', '2 amount null', '3 set c'],
  ],
  ['insert into t set a = ?, b = ?', ['0 inserted a', '1 inserted b']],
  [
    'update t set a = ?, b = a + ? where c = ? order by d limit ?',
    ['0 set a', '1 amount null', '2 equality c', '3 limit null'],
  ],
  ['delete from t where a = ?', ['0 equality a']],
])('%s', (statement, expected) => {
  expect(uses(statement)).toEqual(expected);
});

test('the tables of a statement have the names that it gives them', () => {
  const { sources } = readStatement(
    'select * from (shop.orders o join `Customers` as c on c.id = o.c_id), items where exists (select 1 from tags) for update',
  );
  expect(sources.toSorted((one, other) => (one.alias < other.alias ? -1 : 1))).toEqual([
    { parts: ['Customers'], alias: 'c' },
    { parts: ['items'], alias: 'items' },
    { parts: ['shop', 'orders'], alias: 'o' },
    { parts: ['tags'], alias: 'tags' },
  ]);
});

test('what stands behind a subquery is no table of it', () => {
  const { sources } = readStatement('select (select max(a) from c), d from t');
  expect(sources.map(({ alias }) => alias)).toEqual(['c', 't']);
});
