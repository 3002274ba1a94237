/** The contract of the dialect, each answer held against the server itself. */
import { expect, test } from 'vitest';
import { SqlError } from '../../src/engines/engine.ts';
import { engines } from '../../src/engines/index.ts';
import { UsageError } from '../../src/errors.ts';
import type { TestServer } from '../server.ts';
import { rejection } from './connections.ts';
import type { Fixture } from './fixtures.ts';

const NAMES = [`we"ird`, 'back`tick', 'Ünï cödé', 'semi;colon', "quo'te", 'select', 'a.b'];
const TEXTS = [`it's`, `"both" 'kinds'`, 'back\\slash \\n', 'two\nlines', '', 'ä 🐘', '?', '$1', '%'];

export function dialectContract(given: () => TestServer, fixture: Fixture): void {
  test('a script is split into what the server takes one by one', async () => {
    await using session = await given().session();
    const statements = given().engine.dialect.split(fixture.scriptText);
    expect(statements).toHaveLength(fixture.script.length);
    for (const { text, offset, line } of statements) {
      expect(fixture.scriptText.slice(offset).startsWith(text.slice(0, 20))).toBe(true);
      expect(fixture.scriptText.slice(0, offset).split('\n')).toHaveLength(line);
      await session.execute(text);
    }
    const rows = await session.query<{ note: string }>('select note from split_rows order by id');
    expect(rows.map(({ note }) => note)).toEqual(fixture.scriptLeaves);
  });

  test('what is quoted names and says just that', async () => {
    const { dialect, schema } = given().engine;
    await using session = await given().session();
    for (const name of NAMES) {
      await session.execute(`create table ${dialect.quote(name)} (${dialect.quote(name)} int primary key)`);
      await session.execute(`insert into ${dialect.quote(name)} values (1)`);
    }
    const tables = await schema.describe(session);
    expect(tables.map(({ parts }) => parts.at(-1)).sort()).toEqual([...NAMES].sort());
    for (const table of tables) {
      expect(table.columns.map(({ name }) => name)).toEqual([table.parts.at(-1)]);
      expect(await schema.countRows(session, table)).toBe(1);
    }
    for (const text of TEXTS)
      expect(await session.query(`select ${dialect.quoteLiteral(text)} as said`)).toEqual([{ said: text }]);
    expect(() => dialect.quote('nul\0')).toThrow(UsageError);
  });

  test('statements are told apart by their kind', () => {
    const { kindOf } = given().engine.dialect;
    for (const [statement, kind] of [
      ['select 1', 'read'],
      ['/* hint */ (select 1)', 'read'],
      ['with a as (select 1 as one) select * from a', 'read'],
      ['insert into t values (1)', 'write'],
      ['-- why\nupdate t set a = 1', 'write'],
      ['delete from t', 'write'],
      ['create index i on t (a)', 'ddl'],
      ['alter table t add column a int', 'ddl'],
      ['drop table t', 'ddl'],
      ['begin', 'transaction'],
      ['rollback', 'transaction'],
      ['set session_thing = 1', 'session'],
    ] as const)
      expect([statement, kindOf(statement)]).toEqual([statement, kind]);
  });

  test('no value is left in a redacted statement, nor in the message that the server gives it', async () => {
    const { redactValues } = given().engine.dialect;
    await using session = await given().session();
    await session.execute('create table private_things (id bigint primary key, note varchar(40))');
    const statement = "insert into private_things (id, note) values ('secret4711', 'other secret4711')";
    const error = await rejection(session.execute(statement));
    expect(error).toBeInstanceOf(SqlError);
    if (!(error instanceof SqlError)) return;
    expect(error.message).toContain('secret4711');
    for (const text of [error.message, statement]) expect(redactValues(text)).not.toContain('secret4711');
    expect(redactValues(statement)).toContain('private_things (id, note)');
  });

  test('what is blank keeps its place', () => {
    const { blank, quote } = given().engine.dialect;
    const text = `select ${quote('drop')}, 'drop' /* drop */ from t -- drop`;
    expect(blank(text)).toHaveLength(text.length);
    expect(blank(text)).not.toContain('drop');
    expect(blank(text)).toContain('from t');
  });

  test('a text of this dialect is recognised, and by no other engine', () => {
    const found = engines.filter(({ dialect }) => dialect.recognise(fixture.unmistakable).length > 0);
    expect(found.map(({ name }) => name)).toEqual([given().engine.name]);
    expect(given().engine.dialect.recognise('create table t (id int primary key)')).toEqual([]);
  });

  test('a syntax error is told from other errors by its code', async () => {
    const { isLockTimeout, classify } = given().engine.dialect;
    await using session = await given().session();
    const error = await rejection(session.execute('selec 1'));
    expect(error).toBeInstanceOf(SqlError);
    if (!(error instanceof SqlError)) return;
    expect(isLockTimeout(error.code)).toBe(false);
    expect(classify(error.code, error.message)).toBe('other error');
  });
}
