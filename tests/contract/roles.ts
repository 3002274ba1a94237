/** The contract of the database roles: what each may, and that the server knows them apart. */
import { expect, test } from 'vitest';
import { SqlError } from '../../src/engines/engine.ts';
import type { TestServer } from '../server.ts';
import { rejection } from './connections.ts';

export function rolesContract(given: () => TestServer): void {
  test('the migrator owns the schema; the load reads and writes what it creates, and no more', async () => {
    await using migrator = await given().connect('migrator');
    await using load = await given().connect('load');
    await migrator.execute('create table owned (id int primary key, note varchar(20))');
    await load.execute("insert into owned values (1, 'a'), (2, 'b')");
    await load.execute("update owned set note = 'c' where id = 1");
    await load.execute('delete from owned where id = 2');
    expect(await load.query('select id, note from owned')).toEqual([{ id: 1, note: 'c' }]);
    for (const statement of ['alter table owned add column more int', 'drop table owned'])
      expect([statement, await rejection(load.execute(statement))]).toEqual([
        statement,
        expect.any(SqlError),
      ]);
    await migrator.execute('alter table owned add column more int');
    await migrator.execute('drop table owned');
  });

  test('a drill reads and locks rows, and changes no table', async () => {
    await using migrator = await given().connect('migrator');
    await using drill = await given().connect('drill');
    await migrator.execute('create table drilled (id int primary key)');
    await migrator.execute('insert into drilled values (1)');
    await drill.execute('begin');
    expect(await drill.query('select id from drilled where id = 1 for update')).toEqual([{ id: 1 }]);
    await drill.execute('rollback');
    expect(await rejection(drill.execute('drop table drilled'))).toBeInstanceOf(SqlError);
    await migrator.execute('drop table drilled');
  });

  test('every role has a password and a user of its own, without an administrator among them', () => {
    const { administrator, migrator, load, drill, observer } = given().roles;
    const users = [migrator, load, drill, observer].map(({ user }) => user);
    expect(new Set([administrator.user, ...users]).size).toBe(5);
    const passwords = [migrator, load, drill, observer].map(({ password }) => password);
    expect(new Set(passwords).size).toBe(4);
    expect(passwords.every((password) => password.length >= 20)).toBe(true);
  });

  test('the observer may not write', async () => {
    await using migrator = await given().connect('migrator');
    await using observer = await given().connect('observerInside');
    await migrator.execute('create table seen_only (id int primary key)');
    expect(await rejection(observer.execute('insert into seen_only values (1)'))).toBeInstanceOf(SqlError);
    await migrator.execute('drop table seen_only');
  });
}
