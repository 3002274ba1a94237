import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillIn, literalOf, stringValue, templateOf } from '../filling/cells.ts';
import { dialect } from './dialect.ts';

test('identifiers and literals are quoted, whatever the sql_mode is', () => {
  expect(dialect.quoteName(['app', 'we`ird'])).toBe('`app`.`we``ird`');
  expect(dialect.quoteLiteral("it's")).toBe("'it''s'");
  expect(dialect.quoteLiteral('a\\')).toBe("_utf8mb4 x'615c'");
  expect(() => dialect.quote('')).toThrow(/cannot be a name/);
});

test.each([
  ['/* a */ (select 1)', 'read'],
  ['with a as (select 1) select * from a', 'read'],
  ['with a as (select 1) update t set b = 1', 'write'],
  ['replace into t values (1)', 'write'],
  ["load data infile 'x' into table t", 'write'],
  ['/*!50003 create*/ table t (a int)', 'ddl'],
  ['optimize table t', 'ddl'],
  ['create temporary table t (a int)', 'session'],
  ['start transaction', 'transaction'],
  ['start replica', 'other'],
  ['xa begin "a"', 'transaction'],
  ['set names utf8mb4', 'session'],
  ['call p()', 'other'],
] as const)('%s is of the kind %s', (statement, kind) => {
  expect(dialect.kindOf(statement)).toBe(kind);
});

test.each([
  ['1205', 'lock timeout'],
  ['3572', 'lock timeout'],
  ['1213', 'deadlock'],
  ['1412', 'cached plan changed'],
  ['1054', 'undefined object'],
  ['1146', 'undefined object'],
  ['1305', 'undefined object'],
  ['3024', 'statement timeout'],
  ['1969', 'statement timeout'],
  ['1317', 'statement timeout'],
  ['1062', 'constraint violation'],
  ['4025', 'constraint violation'],
  ['1927', 'connection lost'],
  ['2013', 'connection lost'],
  ['1053', 'connection lost'],
  ['1064', 'other error'],
] as const)('%s is: %s', (code, outcome) => {
  expect(dialect.classify(code, '')).toBe(outcome);
});

test.each([
  ["select * from t2 where a = 'x' and b = 1.5", "select * from t2 where a = '?' and b = ?"],
  ["insert into t (`key`) values ('secret')", "insert into t (`key`) values ('?')"],
  ["Duplicate entry 'a'b' for key 't.email'", "Duplicate entry '?' for key 't.email'"],
  ["Unknown column 'x' in 'field list'", "Unknown column 'x' in 'field list'"],
  ["Table 'shop.orders' doesn't exist", "Table 'shop.orders' doesn't exist"],
  ["Field 'x' doesn't have a default value", "Field 'x' doesn't have a default value"],
  [
    "Incorrect datetime value: 'secret' for column 'd' at row 1",
    "Incorrect datetime value: '?' for column 'd' at row ?",
  ],
  ["syntax to use near 'where a = 'secret'' at line 1", "syntax to use near '?' at line ?"],
])('%s is kept as %s', (text, redacted) => {
  expect(dialect.redactValues(text)).toBe(redacted);
});

test('blank keeps length and lines, and only bare SQL', () => {
  expect(dialect.blank("a 'b' `c` -- d\n/*!1 e */ f")).toBe(`a${' '.repeat(13)}\n     e    f`);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'\'"`;-#/*!\\aE(\n ') }), (text) => {
      expect(dialect.blank(text)).toHaveLength(text.length);
      expect(dialect.blank(text)).not.toMatch(/['"`]/);
    }),
  );
});

test('a literal stands for the text that it was made of', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const literal = literalOf(text);
      const hex = /^_utf8mb4 x'(.*)'$/.exec(literal)?.[1];
      expect(hex === undefined ? stringValue(literal) : Buffer.from(hex, 'hex').toString()).toBe(text);
    }),
  );
});

test('values stand where their placeholders were, bare behind LIMIT alone', () => {
  const template = templateOf("select '?', a from t where b = ? /* ? */ and c in (?) limit ?, ?");
  expect(fillIn(template, ["x'", ['1', 2n], '5', 10])).toBe(
    "select '?', a from t where b = 'x''' /* ? */ and c in ('1', 2) limit 5, 10",
  );
  expect(() => fillIn(template, [1])).toThrow(/1 values for a statement with 4 placeholders/);
});

test('marks of the dialect are found, but not in comments and literals, and none in the SQL of Postgres', () => {
  const schema = `-- MariaDB dump 10.19
create table \`t\` (id int unsigned auto_increment primary key, a enum('x'), b tinyint(1)) engine=InnoDB;`;
  expect(dialect.recognise(schema)).toEqual(
    expect.arrayContaining([
      '"MariaDB dump"',
      '"`"',
      '"unsigned"',
      '"auto_increment"',
      '"tinyint"',
      '"enum(...)"',
    ]),
  );
  const postgres = `--it's auto_increment and \`quoted\`
create type mood as enum ('sad'); create table t (id bigserial, "set" text check ("set" <> 'unsigned'), j jsonb);`;
  expect(dialect.recognise(postgres)).toEqual([]);
});

test('a table of the application is named without the database, which is called otherwise elsewhere', () => {
  expect(dialect.quoteTable(['rehearsal', 'or`der'])).toBe('`or``der`');
});
