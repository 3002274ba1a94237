import { expect, test } from 'vitest';
import { readStatement } from './targets.ts';

/** "role column" of each placeholder; a placeholder without a use is missing. */
function uses(statement: string): readonly string[] {
  return readStatement(statement).uses.map(
    ({ parameter, role, column, made }) =>
      `${parameter} ${role} ${made?.text ?? (Array.isArray(column) ? column.join('.') : String(column))}`,
  );
}

test.each([
  ['select * from t where a = ? and t.b <=> ?', ['0 equality a', '1 equality t.b']],
  ['select * from t where ? < a or b not like ?', ['0 range a', '1 equality b']],
  ['select * from t where a between ? and ? and b = 1', ['0 range a', '1 range a']],
  ['select * from t where `A b` in (?, ?)', ['0 equality A b', '1 equality A b']],
  [
    'select * from t where (a, b) in ((?, ?), (?, ?))',
    ['0 equality a', '1 equality b', '2 equality a', '3 equality b'],
  ],
  [
    'select * from t where a not in (?) and lower(b) = ? and c = ? + 1 and d + 1 = ?',
    ['0 equality a', '1 equality lower(b)', '2 amount null', '3 equality d + 1'],
  ],
  [
    'select case when a > ? then ? else ? end from t where b = ?',
    ['0 range a', '1 output null', '2 output null', '3 equality b'],
  ],
  ['select ?, count(?), concat(a, ?) from t', ['0 output null', '1 output null']],
  [
    'select * from t where upper(trim(a)) = ? and coalesce(t.b, 0) > ?',
    ['0 equality upper(trim(a))', '1 range t.b'],
  ],
  [
    'select * from t where year(at) = ? and date(t.at) between ? and ? and char_length(a) in (?)',
    ['0 equality year(at)', '1 range date(t.at)', '2 range date(t.at)', '3 equality char_length(a)'],
  ],
  [
    "select * from t where doc->>'$.a' = ? and json_extract(doc, '$.b') = ? and doc->'$.c' = ?",
    [
      "0 equality doc->>'$.a'",
      "1 equality json_unquote(json_extract(doc, '$.b'))",
      "2 equality json_unquote(doc->'$.c')",
    ],
  ],
  [
    "select * from t where json_contains(doc, ?) and json_contains(doc, ?, '$.a') and ? member of (doc)",
    [
      '0 equality doc',
      "1 equality json_extract(doc, '$.a')",
      "2 equality json_unquote(json_extract(doc, '$[0]'))",
    ],
  ],
  [
    'select * from t where a regexp ? and match (a, b) against (? in boolean mode) and find_in_set(?, c)',
    [
      "0 equality regexp_replace(left(a, 8), '[^a-zA-Z0-9]', '.')",
      "1 equality substring_index(a, ' ', 1)",
      "2 equality substring_index(c, ',', 1)",
    ],
  ],
  [
    "select * from t where a like concat('%', ?, '%') and b = binary ? and upper(c) like upper(concat(?, '%'))",
    ['0 equality a', '1 equality b', '2 equality upper(c)'],
  ],
  [
    'select * from t where (? is null or a = ?) and (b, c) < (?, ?) group by d having sum(e) > ?',
    ['0 output null', '1 equality a', '2 range b', '3 range c', '4 amount null'],
  ],
  [
    'update t set a = coalesce(?, a), b = if(?, ?, b), c = case when d = ? then ? else c end where e = ?',
    ['0 set a', '1 output null', '2 set b', '3 equality d', '4 set c', '5 equality e'],
  ],
  ["insert into t (a, b) values (trim(?), coalesce(?, 'x'))", ['0 inserted a', '1 inserted b']],
  ['select * from t where a = ? order by field(a, ?, ?)', ['0 equality a', '1 equality a', '2 equality a']],
  ['select * from t where a = (select max(b) from u where u.c = ?) + ?', ['0 equality u.c', '1 amount null']],

  ['select * from t where a > now() - interval ? day', ['0 amount null']],
  ['insert into t (a, b) select ?, c from u where d = ?', ['0 inserted a', '1 equality d']],
  ['select * from t where a = (select id from u limit ?)', ['0 amount null']],
  ['select * from t limit ?, ?', ['0 offset null', '1 limit null']],
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
