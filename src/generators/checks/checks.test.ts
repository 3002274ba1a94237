import { expect, test } from 'vitest';
import { generatorSpec, type TableParts, table, tableSpec } from '../../../tests/tables.ts';
import type { CellValue } from '../../engines/engine.ts';
import { createGenerators } from '../compile.ts';

const ROWS = 600;

type Row = Readonly<Record<string, CellValue>>;

function rowsOf(parts: TableParts, rows = ROWS): readonly Row[] {
  const generator = createGenerators(generatorSpec(tableSpec(table('t', parts), rows))).get('t');
  if (generator === undefined) throw new Error('no generator');
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(generator.columns.map((name) => [name, generator.cell(row, name)])),
  );
}

interface Case {
  readonly columns: TableParts['columns'];
  readonly check: string;
  readonly holds: (row: Row) => boolean;
}

const number = (value: CellValue | undefined) => (value === null ? Number.NaN : Number(value));
const text = (value: CellValue | undefined) => (typeof value === 'string' ? value : '');

const cases: readonly Case[] = [
  { columns: { a: 'numeric(10,2)' }, check: '(a > (0)::numeric)', holds: ({ a }) => number(a) > 0 },
  {
    columns: { a: 'int4' },
    check: '((a >= 18) AND (a < 21))',
    holds: ({ a }) => [18, 19, 20].includes(number(a)),
  },
  {
    columns: { a: 'int4' },
    check: '((a >= 3) AND (a <= 5) AND (a <> 4))',
    holds: ({ a }) => [3, 5].includes(number(a)),
  },
  { columns: { a: 'int4' }, check: '(0 > a)', holds: ({ a }) => number(a) < 0 },
  {
    columns: { a: 'numeric(3,2)' },
    check: "((a >= '-0.5'::numeric) AND (a <= 0.5))",
    holds: ({ a }) => Math.abs(number(a)) <= 0.5,
  },
  {
    columns: { a: 'text' },
    check: "((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))",
    holds: ({ a }) => a === 'x' || a === 'y',
  },
  { columns: { a: 'text' }, check: "(a = ANY ('{x,y}'::text[]))", holds: ({ a }) => a === 'x' || a === 'y' },
  { columns: { a: 'text' }, check: "(a = 'x' or a = 'y')", holds: ({ a }) => a === 'x' || a === 'y' },
  { columns: { a: 'int2' }, check: '(a in (1, 2, 9) and a < 5)', holds: ({ a }) => a === '1' || a === '2' },
  { columns: { a: 'text' }, check: '(char_length(a) <= 5)', holds: ({ a }) => text(a).length <= 5 },
  {
    columns: { a: 'text' },
    check: '((length(a) >= 30) AND (length(a) <= 40))',
    holds: ({ a }) => text(a).length >= 30 && text(a).length <= 40,
  },
  { columns: { a: 'text' }, check: "(btrim(a) <> ''::text)", holds: ({ a }) => text(a).trim() !== '' },
  { columns: { a: 'text' }, check: "(a ~ '^[A-Z]{3}$'::text)", holds: ({ a }) => /^[A-Z]{3}$/.test(text(a)) },
  {
    columns: { a: 'text' },
    check: "(a ~ '^(foo|bar)-\\d{2,4}x?$')",
    holds: ({ a }) => /^(foo|bar)-\d{2,4}x?$/.test(text(a)),
  },
  { columns: { a: 'text' }, check: "(a ~* '^[[:alpha:]_]+$')", holds: ({ a }) => /^[a-z_]+$/i.test(text(a)) },
  {
    columns: { email: 'text' },
    check: "(email ~~ '%_@_%._%')",
    holds: ({ email }) => /.@.+\../.test(text(email)),
  },
  { columns: { a: 'text' }, check: "(a ~~ 'INV-%')", holds: ({ a }) => text(a).startsWith('INV-') },
  { columns: { a: 'text' }, check: "(a !~ '[ ]')", holds: ({ a }) => !text(a).includes(' ') },
  {
    columns: { email: 'text' },
    check: "(POSITION(('@'::text) IN (email)) > 0)",
    holds: ({ email }) => text(email).includes('@'),
  },
  { columns: { a: 'text' }, check: '(a = lower(a))', holds: ({ a }) => text(a) === text(a).toLowerCase() },
  { columns: { a: 'text' }, check: '(upper(a) = a)', holds: ({ a }) => text(a) === text(a).toUpperCase() },
  { columns: { a: 'text?' }, check: '(a IS NOT NULL)', holds: ({ a }) => a !== null },
  {
    columns: { a: 'int4?' },
    check: '((a IS NULL) OR (a > 10))',
    holds: ({ a }) => a === null || number(a) > 10,
  },
  {
    columns: { a: 'int4?', b: 'int4?' },
    check: '(num_nonnulls(a, b) = 1)',
    holds: ({ a, b }) => (a === null) !== (b === null),
  },
  {
    columns: { a: 'int4?', b: 'int4?' },
    check: '((a IS NULL) = (b IS NULL))',
    holds: ({ a, b }) => (a === null) === (b === null),
  },
  {
    columns: { a: 'int4?', b: 'int4' },
    check: '((a IS NULL) OR (a <= b))',
    holds: ({ a, b }) => a === null || number(a) <= number(b),
  },
  {
    columns: { a: 'timestamptz', b: 'timestamptz' },
    check: '(b > a)',
    holds: ({ a, b }) => text(b) > text(a),
  },
  {
    columns: { a: 'timestamp', b: 'date' },
    check: '(a <= b)',
    holds: ({ a, b }) => text(a) <= `${text(b)} 00:00:00`,
  },
  {
    columns: { a: 'int4', b: 'int4', c: 'int4' },
    check: '((a < b) AND (b < c) AND (c <= 50) AND (a >= 0))',
    holds: ({ a, b, c }) =>
      number(a) >= 0 && number(a) < number(b) && number(b) < number(c) && number(c) <= 50,
  },
  {
    columns: { price: 'numeric(6,2)', discount: 'int4' },
    check: '(((discount)::numeric < price) AND (discount >= 0))',
    holds: ({ price, discount }) => number(discount) < number(price) && number(discount) >= 0,
  },
  { columns: { a: 'text', b: 'text' }, check: '(a <> b)', holds: ({ a, b }) => a !== b },
  { columns: { a: 'bool', b: 'bool' }, check: '(a <> b)', holds: ({ a, b }) => a !== b },
  {
    columns: { a: 'int4', b: 'int4' },
    check: '((a <> b) AND (a >= 1) AND (a <= 3) AND (b >= 1) AND (b <= 3))',
    holds: ({ a, b }) => a !== b,
  },
  { columns: { a: 'bool' }, check: '(a)', holds: ({ a }) => a === 'true' },
  { columns: { a: 'bool' }, check: '(NOT a)', holds: ({ a }) => a === 'false' },
  {
    columns: { a: 'date' },
    check: "((a >= '2030-01-01'::date) AND (a < '2030-02-01'::date))",
    holds: ({ a }) => text(a).startsWith('2030-01-'),
  },
  {
    columns: { a: 'date' },
    check: '(EXTRACT(year FROM a) = 2019)',
    holds: ({ a }) => text(a).startsWith('2019'),
  },
  {
    columns: { birth: 'date' },
    check: "(birth <= (CURRENT_DATE - '18 years'::interval))",
    holds: ({ birth }) => text(birth) < '2007-01-02',
  },
  { columns: { a: 'timestamptz' }, check: '(a > now())', holds: ({ a }) => text(a) > '2080' },
  {
    columns: { a: 'int4' },
    check: 'NOT (a < 5 OR a > 9)',
    holds: ({ a }) => number(a) >= 5 && number(a) <= 9,
  },
];

test.each(cases)('every row passes $check', ({ columns, check, holds }) => {
  const wrong = rowsOf({ columns, checks: [check] }).filter((row) => !holds(row));
  expect(wrong).toEqual([]);
});

test('several checks choose alternatives that agree', () => {
  const rows = rowsOf({
    columns: { kind: 'text', a: 'int4?', b: 'int4?' },
    checks: [
      "((kind = 'a' AND a IS NOT NULL AND b IS NULL) OR (kind = 'b' AND b IS NOT NULL AND a IS NULL))",
      "(kind <> 'a')",
    ],
  });
  expect(rows.every(({ kind, a, b }) => kind === 'b' && a === null && b !== null)).toBe(true);
});

test('a unique column with a pattern takes its values from the pattern', () => {
  const rows = rowsOf({ columns: { a: 'text' }, uniques: [['a']], checks: ["(a ~ '^[A-Z]{3}$')"] });
  expect(new Set(rows.map(({ a }) => a)).size).toBe(ROWS);
  expect(rows.every(({ a }) => /^[A-Z]{3}$/.test(text(a)))).toBe(true);
});

test('a unique column with too few values limits the rows', () => {
  const parts = { columns: { a: 'text' }, uniques: [['a']], checks: ["(a ~ '^[A-C]{2}$')"] };
  expect(rowsOf(parts, 9)).toHaveLength(9);
  expect(() => rowsOf(parts, 10)).toThrow('t: 10 rows are wanted, but only 9 can differ in (a)');
});

test.each([
  ['my_check(a)', 'int4'],
  ['a > 10 and a < 10', 'int4'],
  ['a > 100000', 'int2'],
  ["a ~ '(?=x)y'", 'text'],
  ["a = lower(a) and a = 'ABC'", 'varchar(2)'],
])('a check that cannot be met is an error that names it and the setting: %s', (check, kind) => {
  const fill = () => rowsOf({ columns: { id: 'int4', a: kind }, checks: [check] });
  expect(fill).toThrow(`t: the check constraint "t_check0" (${check}) cannot be filled`);
  expect(fill).toThrow('data.tables."t".columns."a".values');
});

test('values of the scenario solve a check that nothing is known of', () => {
  const description = table('t', { columns: { a: 'int4' }, checks: ['my_check(a)'] });
  const columns = {
    a: {
      values: [
        { value: '5', weight: 1 },
        { value: '10', weight: 1 },
      ],
    },
  };
  const generator = createGenerators(generatorSpec(tableSpec(description, 50, { columns }))).get('t');
  expect(new Set(Array.from({ length: 50 }, (_, row) => generator?.cell(row, 'a')))).toEqual(
    new Set(['5', '10']),
  );
});

test('what no rule says how to meet is met by trying: calculations, cases, conditions on several columns', () => {
  const rows = rowsOf({
    columns: { id: 'int4', a: 'int4', b: 'int4', c: 'text', d: 'date' },
    checks: [
      '((a % 5) = 0)',
      '((a + (b * 2)) < 5000)',
      '(CASE WHEN (a > 50) THEN ("left"(c, 1) = \'S\'::text) ELSE true END)',
      '(EXTRACT(isodow FROM d) < (6)::numeric)',
    ],
  });
  for (const { a, b, c, d } of rows) {
    expect(Number(a) % 5).toBe(0);
    expect(Number(a) + 2 * Number(b)).toBeLessThan(5000);
    if (Number(a) > 50) expect(text(c)).toMatch(/^S/);
    expect([0, 6]).not.toContain(new Date(text(d)).getUTCDay());
  }
});

test('rows that are tried stay the same in a larger volume', () => {
  const parts = { columns: { id: 'int4', a: 'int4', b: 'int4' }, checks: ['((a * 2) > b)'] };
  expect(rowsOf(parts, 200).slice(0, 50)).toEqual(rowsOf(parts, 50));
});
