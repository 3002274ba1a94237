import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dialect } from './dialect.ts';

test('identifiers and literals are quoted', () => {
  expect(dialect.quoteName(['app', 'we"ird'])).toBe('"app"."we""ird"');
  expect(dialect.quoteLiteral("it's")).toBe("'it''s'");
  expect(dialect.quoteLiteral("a\\'")).toBe("E'a\\\\'''");
  expect(dialect.placeholder(2)).toBe('$2');
  expect(() => dialect.quote('')).toThrow(/cannot be a name/);
  expect(() => dialect.quote('a\0b')).toThrow(/"a\\0b"/);
});

test.each([
  'create index concurrently on t (a)',
  '-- why\nCREATE /* a */ UNIQUE INDEX CONCURRENTLY if not exists i on t (a)',
  'drop index concurrently i',
  'reindex index concurrently i',
  'reindex (verbose, concurrently) table t',
  'reindex (concurrently true) table t',
  'reindex database shop',
  'vacuum full t',
  'cluster',
  'create database x',
  'drop tablespace x',
  'alter database x set tablespace y',
  'alter system set a = 1',
  'alter table t detach partition p concurrently',
  "create subscription s connection '' publication p",
  "commit prepared 'a'",
  'discard all',
])('%s cannot run in a transaction', (statement) => {
  expect(dialect.refusesTransaction(statement)).toBe(true);
});

test.each([
  'create index on t (a)',
  'create index "concurrently" on t (a)',
  "select 'vacuum'",
  '-- vacuum\nselect 1',
  'reindex table t',
  'reindex (concurrently false) table t',
  'refresh materialized view concurrently v',
  'alter table t detach partition p',
  'alter type mood add value if not exists $$x$$',
  'cluster t using i',
  'alter table t detach partition p finalize',
  'drop table database',
  'alter table t rename to vacuum',
])('%s can run in a transaction', (statement) => {
  expect(dialect.refusesTransaction(statement)).toBe(false);
});

test.each([
  ['/* a */ (select 1)', 'read'],
  ['select * from t for update', 'read'],
  ['select a into b from t', 'ddl'],
  ['with a as (select 1) select * from a', 'read'],
  ['with a as (delete from t returning *) select * from a', 'write'],
  ['with a as (select 1) update t set b = 1', 'write'],
  ['insert into t values (1)', 'write'],
  ['copy t from stdin', 'write'],
  ['copy t to stdout', 'read'],
  ['alter table t add a int', 'ddl'],
  ['truncate t', 'ddl'],
  ['begin', 'transaction'],
  ["prepare transaction 'a'", 'transaction'],
  ["set lock_timeout = '1s'", 'session'],
  ['do $$ begin end $$', 'other'],
  ['', 'other'],
] as const)('%s is of the kind %s', (statement, kind) => {
  expect(dialect.kindOf(statement)).toBe(kind);
});

test.each([
  ['57014', 'canceling statement due to statement timeout', 'statement timeout'],
  ['55P03', 'canceling statement due to lock timeout', 'lock timeout'],
  ['40P01', 'deadlock detected', 'deadlock'],
  ['40001', 'could not serialize access', 'serialization failure'],
  ['0A000', 'cached plan must not change result type', 'cached plan changed'],
  ['0A000', 'cross-database references are not implemented', 'other error'],
  ['42703', 'column "a" does not exist', 'undefined object'],
  ['42P01', 'relation "t" does not exist', 'undefined object'],
  ['23505', 'duplicate key', 'constraint violation'],
  ['23502', 'null value', 'constraint violation'],
  ['57P01', 'terminating connection', 'connection lost'],
  ['08006', 'Connection terminated unexpectedly', 'connection lost'],
  [null, 'read ECONNRESET', 'connection lost'],
  [null, 'something', 'other error'],
  ['42601', 'syntax error', 'other error'],
] as const)('%s (%s) is: %s', (code, message, outcome) => {
  expect(dialect.classify(code, message)).toBe(outcome);
});

test('only a lock timeout is a lock timeout', () => {
  expect(dialect.isLockTimeout('55P03')).toBe(true);
  expect(dialect.isLockTimeout('57014')).toBe(false);
  expect(dialect.isLockTimeout(null)).toBe(false);
});

test.each([
  [
    "select * from t2 where a = 'x' and b = 1.5 and c = $1",
    "select * from t2 where a = '?' and b = ? and c = $1",
  ],
  ['do $a$ secret $a$', 'do $$?$$'],
  ['SELECT "Column 5"', 'SELECT "Column 5"'],
  ['invalid input syntax for type integer: "secret"', 'invalid input syntax for type integer: "?"'],
  ['value "secret" is out of range for type integer', 'value "?" is out of range for type integer'],
  ['Key (email)=(a@b) already exists.', 'Key (email)=(?) already exists.'],
  ['Failing row contains (1, secret, (2)).', 'Failing row contains (?).'],
  [
    'duplicate key value violates unique constraint "customers_pkey"',
    'duplicate key value violates unique constraint "customers_pkey"',
  ],
  ['copy t (a) from stdin;\nsecret\n\\.', 'copy t (a) from stdin'],
])('%s is kept as %s', (text, redacted) => {
  expect(dialect.redactValues(text)).toBe(redacted);
});

test('blank keeps length and lines, and only bare SQL', () => {
  expect(dialect.blank(`a 'b' "c" --d\n/* e */ $$f$$ 1`)).toBe(`a${' '.repeat(12)}\n${' '.repeat(14)}1`);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'\'"$;-/*\\aE(\n ') }), (text) => {
      expect(dialect.blank(text)).toHaveLength(text.length);
      expect(dialect.blank(text)).not.toMatch(/'|"/);
    }),
  );
});

test('marks of the dialect are found, each once, but not in comments and literals', () => {
  const schema = `-- PostgreSQL database dump
    create table t (id bigserial, a text[], b jsonb, c timestamptz default now()::timestamptz);
    create index concurrently on t (a);
    create table u (id int generated by default as identity);
    do $$ begin end $$;`;
  expect(dialect.recognise(schema)).toEqual(
    expect.arrayContaining([
      '"PostgreSQL database dump"',
      '"bigserial"',
      '"text[]"',
      '"jsonb"',
      '"timestamptz"',
      '"::"',
      '"concurrently"',
      '"generated by default as identity"',
      '"$$"',
    ]),
  );
  expect(new Set(dialect.recognise(schema)).size).toBe(dialect.recognise(schema).length);
  const mysql =
    "create table t (id int auto_increment primary key) engine=InnoDB; -- serial\ninsert into t values ('jsonb')";
  expect(dialect.recognise(mysql)).toEqual([]);
});
