import { expect, test } from 'vitest';
import { createLockedTables } from './locked-tables.ts';

const lock = (lockId: string, table: string | null = 'orders') => ({
  ...{ lock_id: lockId, table, mode: 'X', kind: 'RECORD', schema: 'shop', index: 'PRIMARY' },
});

test.each([
  ['mysql', '94147922496712:90:2:4:1:940', '94147922496799:91:2:4:2:941', '94147922496799:91:3:4:2:941'],
  ['mysql', '94147922496712:2:4:1:940', '94147922496799:2:4:2:941', '94147922496799:3:4:2:941'],
  ['mariadb', '5321:14:3:2', '5399:14:9:40', '5399:15:9:40'],
] as const)(
  '%s: of one lock the table of all others in its tablespace is known',
  (flavor, told, gone, elsewhere) => {
    const tables = createLockedTables(flavor);
    expect(tables.get(gone)).toBeUndefined();
    tables.learn(lock(told));
    expect(tables.get(gone)).toEqual({ schema: 'shop', table: 'orders' });
    expect(tables.get(elsewhere)).toBeUndefined();
    tables.forget();
    expect(tables.get(gone)).toBeUndefined();
  },
);

test('of a tablespace with several tables none is told, nor of the number of a table lock', () => {
  const tables = createLockedTables('mariadb');
  tables.learn(lock('1:14:3:2'));
  tables.learn(lock('1:14:5:2', 'customers'));
  tables.learn(lock('1:14:3:2'));
  expect(tables.get('2:14:3:9')).toBeUndefined();
  tables.learn(lock('1:1077'));
  expect(tables.get('2:1077')).toBeUndefined();
  // A table lock of MySQL 9.7 has as many parts as a row lock of MariaDB.
  const ofMysql = createLockedTables('mysql');
  ofMysql.learn(lock('94147922496712:90:1064:94147896840736'));
  expect(ofMysql.get('94147922496799:90:4:1')).toBeUndefined();
});
