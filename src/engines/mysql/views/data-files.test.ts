import { expect, test } from 'vitest';
import { belongsTo, isLeftBehind } from './data-files.ts';
import { decodeName } from './file-names.ts';

const layout = { database: 'my-shop', binlogName: 'binlog' };

test.each([
  ['my@002dshop/orders.ibd', 'tables', 'orders'],
  ['my@002dshop/orders#p#p2024.ibd', 'tables', 'orders'],
  ['my@002dshop/orders#P#p2024.ibd', 'tables', 'orders'],
  ['my@002dshop/old.MYI', 'indexes', 'old'],
  ['my@002dshop/old.MYD', 'tables', 'old'],
  ['my@002dshop/#sql-ib1067-2133.ibd', 'temporary', null],
  ['my@002dshop/#sql-1_b.ibd', 'temporary', null],
  ['my@002dshop/db.opt', 'other', null],
  ['#innodb_redo/#ib_redo5', 'log', null],
  ['ib_logfile0', 'log', null],
  ['#innodb_temp/temp_1.ibt', 'temporary', null],
  ['ibtmp1', 'temporary', null],
  ['undo_001', 'undo', null],
  ['undo002', 'undo', null],
  ['binlog.000002', 'binlog', null],
  ['ibdata1', 'other', null],
  ['mysql.ibd', 'other', null],
  ['mysql/user.MAI', 'other', null],
  ['other/orders.ibd', 'other', null],
])('%s is %s', (path, area, relation) => {
  expect(belongsTo(path, layout)).toMatchObject({ area, relation });
});

test('names are decoded', () => {
  expect(decodeName('a@0020b@002dc')).toBe('a b-c');
  // As MariaDB 11.8 names a table `größe o``d`.
  expect(decodeName('gr@1i@1je@0020o@0060d')).toBe('größe o`d');
  expect(decodeName('mail@0040x')).toBe('mail@x');
  expect(decodeName('@zz')).toBe('@zz');
});

test('the files of an ALTER that was cut off are told from all others', () => {
  const paths = [
    'my@002dshop/#sql-1_22.ibd',
    'my@002dshop/#sql2-1-b.frm',
    'my@002dshop/#sql-ib1067-2133.ibd',
  ];
  const others = [
    'my@002dshop/orders.ibd',
    '#innodb_temp/temp_1.ibt',
    '#sql-temptable-1-b.MAI',
    'other/#sql-1_2.ibd',
  ];
  expect([...paths, ...others].filter((path) => isLeftBehind(path, layout.database))).toEqual(paths);
});
