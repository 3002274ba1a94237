import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findEngine } from '../../engines/index.ts';
import { UsageError } from '../../errors.ts';
import { renderReferences } from './references.ts';
import { parseWorkload, writeWorkload } from './workload.ts';

const { dialect } = findEngine('postgres');
const parse = (text: string) => parseWorkload(text, 'workload.sql', dialect);

function problemsOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return '';
}

test('a name groups the statements below it, with weight, transaction and hints', () => {
  const operations = parse(`
-- The shop's own traffic.
-- name: get_order  weight: 60
select * from orders where id = $1; -- by key

-- name: pay_order  transaction  weight: 2.5
-- :order: orders.id zipf
update orders set status = 'paid; -- name: x' where id = :order;
-- :amount: 1..100
/* -- name: not_this */
insert into payments (order_id, amount)
values (:order, :amount);
`);
  expect(operations).toEqual([
    {
      name: 'get_order',
      weight: 60,
      transaction: false,
      line: 3,
      statements: [{ written: 'select * from orders where id = $1', line: 4, hints: new Map() }],
    },
    {
      name: 'pay_order',
      weight: 2.5,
      transaction: true,
      line: 6,
      statements: [
        {
          written: "update orders set status = 'paid; -- name: x' where id = :order",
          line: 8,
          hints: new Map([[':order', { kind: 'column', name: 'orders.id', pick: 'zipf' }]]),
        },
        {
          written: 'insert into payments (order_id, amount)\nvalues (:order, :amount)',
          line: 11,
          hints: new Map([
            [':order', { kind: 'column', name: 'orders.id', pick: 'zipf' }],
            [':amount', { kind: 'integer', min: 1, max: 100 }],
          ]),
        },
      ],
    },
  ]);
});

test('everything that is wrong is said at once, with file and line', () => {
  const message = problemsOf(`-- name: one  wait: 5
select 1;
-- name: two  weight: none
select 2;
-- name: three
-- $1: orders.id gauss
select 3;
-- name: three
begin;
-- $1: 1..5
-- name: no statement
-- name: four`);
  expect(message.split('\n')).toEqual([
    expect.stringMatching(/^workload\.sql:1: "wait: 5" is not understood: write "-- name: NAME/),
    expect.stringMatching(/^workload\.sql:3: the weight of "two" is no number above 0/),
    expect.stringMatching(/^workload\.sql:6: the hint "\$1: orders\.id gauss" is not understood/),
    expect.stringMatching(/^workload\.sql:8: the name "three" is taken by line 5/),
    expect.stringMatching(/^workload\.sql:9: "begin" is not needed: write "transaction"/),
    expect.stringMatching(/^workload\.sql:10: this hint stands above no statement/),
    expect.stringMatching(/^workload\.sql:11: "statement" is not understood/),
    expect.stringMatching(/^workload\.sql:11: "no" has no statement/),
    expect.stringMatching(/^workload\.sql:12: "four" has no statement/),
  ]);
});

test('a statement without a name, and a file without a statement, are refused', () => {
  expect(problemsOf('select 1;')).toMatch(/^workload\.sql:1: this statement has no name/);
  expect(problemsOf('-- nothing here\n')).toMatch(/^workload\.sql: holds no operation/);
});

test('what is written is what is read', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_.-]{1,50}$/);
  const written = fc.constantFrom(
    'select 1',
    "select ';', '-- name: x'\nfrom t where id = $1",
    'update t set a = $1 where id = $2',
    'insert into t (a) values (:b)',
  );
  const source = fc.oneof(
    fc.record({ from: fc.constant('integer' as const), min: fc.integer({ max: 0 }), max: fc.nat() }),
    fc.record({
      from: fc.constant('value' as const),
      values: fc.array(fc.stringMatching(/^[^\r\n\u2028\u2029\0]*$/), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      from: fc.constant('key' as const),
      pool: fc.constant(0),
      table: fc.constantFrom('t', 'audit.events', 'user notes'),
      column: fc.constantFrom('id', 'createdAt', 'is new'),
      pick: fc.constantFrom('zipf' as const, 'uniform' as const, 'latest' as const),
    }),
  );
  const statement = fc.record({ written, source });
  const operation = fc.record({
    name,
    weight: fc.integer({ min: 1, max: 1000 }),
    transaction: fc.boolean(),
    statements: fc.array(statement, { minLength: 1, maxLength: 3 }),
  });
  const operations = fc.uniqueArray(operation, { selector: (each) => each.name, minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(operations, (drafts) => {
      const text = writeWorkload(
        drafts.map((draft) => ({
          record: { ...draft, statements: [], kind: 'read', tables: [], codeVersion: 'running' },
          transaction: draft.transaction,
          statements: draft.statements.map((each) => {
            const rendered = renderReferences(each.written, dialect);
            if (typeof rendered === 'string') throw new Error(rendered);
            const parameters = rendered.references.map(() => each.source);
            return { name: draft.name, ...rendered, written: each.written, parameters };
          }),
        })),
      );
      expect(
        parse(text).map(({ name: read, weight, transaction, statements }) => ({
          name: read,
          weight,
          transaction,
          statements: statements.map((each) => each.written),
        })),
      ).toEqual(
        drafts.map((draft) => ({ ...draft, statements: draft.statements.map((each) => each.written) })),
      );
      const hinted = parse(text).flatMap(({ statements }) =>
        statements.flatMap(({ hints }) => [...hints.values()]),
      );
      const known = drafts.flatMap(({ statements }) => statements.map((each) => each.source));
      for (const hint of hinted) {
        expect(
          known.some((one) =>
            hint.kind === 'value'
              ? one.from === 'value' && JSON.stringify(one.values) === JSON.stringify(hint.values)
              : hint.kind === 'integer'
                ? one.from === 'integer' && one.min === hint.min && one.max === hint.max
                : one.from === 'key' && `${one.table}.${one.column}` === hint.name && one.pick === hint.pick,
          ),
        ).toBe(true);
      }
    }),
  );
});

test('any text is parsed or refused with a UsageError', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '-- name: a',
      '-- weight: 3',
      '-- $1: a.b',
      '-- :x: 1..2',
      'select $1;',
      "'",
      '$$',
      '/*',
      ';',
    ),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      try {
        for (const { statements } of parse(lines.join('\n'))) expect(statements.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    }),
  );
});

test('names become numbered placeholders, one for each name', () => {
  expect(
    renderReferences("select :a::int, ':b', x[1:n] from t where a = :a and c = :c -- :d", dialect),
  ).toEqual({
    text: "select $1::int, ':b', x[1:n] from t where a = $1 and c = $2 -- :d",
    references: [':a', ':c'],
  });
});

test('an engine without numbers binds a value at each occurrence', () => {
  const questionMarks = { ...dialect, placeholder: () => '?' };
  expect(renderReferences('select $2, $1, $2', questionMarks)).toEqual({
    text: 'select ?, ?, ?',
    references: ['$2', '$1', '$2'],
  });
  expect(renderReferences('select ?', questionMarks)).toMatch(/write \$1, \$2\.\.\. or :name/);
});

test('numbers with a gap, or beside names, are refused', () => {
  expect(renderReferences('select $1, $3', dialect)).toMatch(/^\$2 is missing/);
  expect(renderReferences('select $1, :a', dialect)).toMatch(/write either numbers or names/);
});

test('an operation may be for the replica, and is written so again', () => {
  const [first, second] = parseWorkload(
    '-- name: a  weight: 2  replica\nselect 1;\n-- name: b\nselect 2;',
    'workload.sql',
    dialect,
  );
  expect(first).toMatchObject({ name: 'a', weight: 2, transaction: false, replica: true });
  expect(second).not.toHaveProperty('replica');
});
