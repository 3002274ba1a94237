import { expect, test } from 'vitest';
import { readComparisons } from './comparisons.ts';
import { readTargets } from './targets.ts';

const compared = (condition: string) =>
  readComparisons(condition).map(({ parameter, columns, role, expression }) =>
    `$${parameter} ${role} ${expression ?? columns.map((name) => name.join('.')).join(' ')}`.trim(),
  );

test.each([
  ['(orders.id = $1)', ['$1 equality orders.id']],
  ['($1 = orders.id)', ['$1 equality orders.id']],
  ['((o.name)::text = ($2)::text)', ['$2 equality o.name']],
  ['(orders.id = ANY ($1))', ['$1 equality orders.id']],
  ['(t.id = ANY (ARRAY[$1, $2, 3]))', ['$1 equality t.id', '$2 equality t.id']],
  ['((t.a >= $1) AND (t.a <= $2))', ['$1 range t.a', '$2 range t.a']],
  ['(ROW(t.at, t.id) < ROW($1, $2))', ['$1 range t.at', '$2 range t.id']],
  ['((t.at)::timestamp without time zone > ($1)::timestamp(3) without time zone)', ['$1 range t.at']],
  ["((t.name ~~ $1) OR (t.name = 'x'::text))", ['$1 equality t.name']],
  ['("Order"."Id" = $1)', ['$1 equality Order.Id']],
  ['(lower(t.email) = $1)', ['$1 equality lower(t.email)']],
  ['(upper(btrim((t.email)::text)) = ($1)::text)', ['$1 equality upper(btrim((t.email)::text))']],
  ["((COALESCE(t.kind, 'x'::text))::text <> $1)", ['$1 equality t.kind']],
  ['(f(t.a) = $1)', ['$1 equality f(t.a)']],
  ["((t.doc ->> 'a'::text) = $1)", ["$1 equality (t.doc ->> 'a'::text)"]],
  ['(EXTRACT(year FROM t.at) >= $1)', ['$1 range EXTRACT(year FROM t.at)']],
  ['(date(t.at) = ANY ($1))', ['$1 equality date(t.at)']],
  ['($1 = ANY (t.tags))', ['$1 equality unnest(t.tags)']],
  ['(t.tags @> ARRAY[$1])', ['$1 equality unnest(t.tags)']],
  ['(t.doc ? $1)', ['$1 equality jsonb_object_keys(t.doc)']],
  ['(t.name ~* $1)', ["$1 equality regexp_replace(left((t.name)::text, 8), '[^[:alnum:]]', '.', 'g')"]],
  [
    "(to_tsvector('english'::regconfig, t.body) @@ plainto_tsquery('english'::regconfig, $1))",
    ["$1 equality split_part(btrim((t.body)::text), ' ', 1)"],
  ],
  ["((t.name)::text ~~ (('%'::text || $1) || '%'::text))", ['$1 equality t.name']],
  ["((t.name)::text ~~ concat('%', $1, '%'))", ['$1 equality t.name']],
  ['(upper((t.name)::text) ~~ upper(($1)::text))', ['$1 equality upper((t.name)::text)']],
  ['(sum(t.total) > ($1)::numeric)', ['$1 amount']],
  ['((SubPlan 1) = $1)', []],
  ['((t.a + $2) = $1)', []],
  ['((t.a + $1) > 5)', []],
  ['(t.a = (t.b + $1))', []],
  ['(t.doc @> $1)', ['$1 equality t.doc']],
  ['(t.a = f(1, $1))', []],
  ['(md5($1) = t.a)', []],
])('the plan condition %s compares %j', (condition, expected) => {
  expect(compared(condition)).toEqual(expected);
});

test.each([
  [
    'select * from t where id = $1 and b in ($2, $3) limit $4',
    ['$1 equality id', '$2 equality b', '$3 equality b'],
  ],
  ['select * from t where at between $1 and $2 and x = 1', ['$1 range at', '$2 range at']],
  ['select * from t where (a, b) > ($1, $2)', ['$1 range a', '$2 range b']],
  ['select * from t where name like $1', ['$1 equality name']],
  ['select $1 from t', []],
])('the statement %s compares %j', (statement, expected) => {
  expect(compared(statement)).toEqual(expected);
});

const targets = (statement: string) =>
  readTargets(statement).map(({ parameter, role, table, column }) => [parameter, role, table, column]);

test.each([
  [
    'insert into t (a, "B") values ($1, $2::int), ($3, default)',
    [
      [1, 'inserted', 't', 'a'],
      [2, 'inserted', 't', 'B'],
      [3, 'inserted', 't', 'a'],
    ],
  ],
  ['insert into app."T" values (now(), ($1))', [[1, 'inserted', 'app."T"', 1]]],
  [
    'insert into t (a, b) select $1, x + $2 from u',
    [
      [1, 'inserted', 't', 'a'],
      [2, 'amount', null, null],
    ],
  ],
  [
    'select $1, count($2), (select max(a) from u where b = $3), c ->> $4 from t where d > now() - $5',
    [
      [1, 'output', null, null],
      [2, 'output', null, null],
      [5, 'amount', null, null],
    ],
  ],
  [
    'insert into t (a) values (lower($1)) on conflict (a) do update set b = $2, c = excluded.c',
    [
      [1, 'inserted', 't', 'a'],
      [2, 'set', 't', 'b'],
    ],
  ],
  [
    'update t set a = coalesce($1::int, a), b = case when $2::bool then $3 else b end where $4 is null or c = $4',
    [
      [1, 'set', 't', 'a'],
      [3, 'set', 't', 'b'],
      [2, 'output', null, null],
      [4, 'output', null, null],
    ],
  ],
  [
    'update only t as x set a = $1, (b, c) = ($2, $3), d = d + $4 where id = $5',
    [
      [1, 'set', 't', 'a'],
      [2, 'set', 't', 'b'],
      [3, 'set', 't', 'c'],
      [4, 'amount', null, null],
    ],
  ],
  [
    'with n as (insert into u (a) values ($1) returning id) update t set a = $2',
    [
      [1, 'inserted', 'u', 'a'],
      [2, 'set', 't', 'a'],
    ],
  ],
  [
    'select * from t limit $1 offset ($2)',
    [
      [1, 'limit', null, null],
      [2, 'offset', null, null],
    ],
  ],
  ['select * from t fetch first $1 rows only', [[1, 'limit', null, null]]],
  ['select * from t where a = (select id from u order by id limit $1)', [[1, 'amount', null, null]]],
  ['select * from t where a in (select id from u limit $1)', [[1, 'limit', null, null]]],
  ["select 'insert into t (a) values ($1)' from t for update", []],
])('%s puts its values into %j', (statement, expected) => {
  expect(targets(statement)).toEqual(expected);
});
