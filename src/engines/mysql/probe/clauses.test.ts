import { expect, test } from 'vitest';
import { placementsOf, withoutClauses } from './clauses.ts';

const written = (statement: string) =>
  placementsOf(statement).map((write) => write({ algorithm: 'INSTANT', lock: 'NONE' }));

test('an ALTER TABLE takes the clauses after its actions, before them, or before a partition clause', () => {
  expect(written('alter table `a,b` add c int')).toEqual([
    'alter table `a,b` add c int, algorithm=INSTANT, lock=NONE',
    'alter table `a,b` algorithm=INSTANT, lock=NONE, add c int',
    'alter table `a,b` algorithm=INSTANT, lock=NONE add c int',
  ]);
  expect(written('ALTER ONLINE IGNORE TABLE IF EXISTS db.t WAIT 3 DROP c -- the last')[0]).toBe(
    'ALTER ONLINE IGNORE TABLE IF EXISTS db.t WAIT 3 DROP c, algorithm=INSTANT, lock=NONE -- the last',
  );
});

test('a semicolon behind the statement stays behind none of the clauses', () => {
  expect(written('alter table t add c int; -- done\n;')[0]).toBe(
    'alter table t add c int, algorithm=INSTANT, lock=NONE',
  );
  expect(written("alter table t comment = 'a;b'")[0]).toBe(
    "alter table t comment = 'a;b', algorithm=INSTANT, lock=NONE",
  );
});

test('an index statement takes them bare, and any other statement not at all', () => {
  expect(written('create unique index i on t (a)')).toEqual([
    'create unique index i on t (a) algorithm=INSTANT lock=NONE',
  ]);
  expect(written('drop index i on t')).toEqual(['drop index i on t algorithm=INSTANT lock=NONE']);
  for (const other of [
    'create table `index` (a int)',
    'update t set a = 1',
    'truncate table t',
    'alter database d character set latin1',
    "create procedure p() comment 'drop index' begin drop index i on t; end",
  ])
    expect(written(other)).toEqual([]);
});

test('clauses that are there are taken out first, names and values that look like them are not', () => {
  expect(withoutClauses('alter table t add c int, algorithm=instant, lock = none')).toBe(
    'alter table t add c int',
  );
  expect(withoutClauses('alter table t algorithm copy, add c int')).toBe('alter table t  add c int');
  expect(withoutClauses('create index i on t (a) algorithm=inplace lock=shared').trim()).toBe(
    'create index i on t (a)',
  );
  for (const same of [
    "alter table t add c enum('x') comment 'algorithm=copy'",
    'alter table t add algorithm int',
    'alter table t drop column `lock`, drop column algorithm',
    "update t set algorithm = 'copy'",
  ])
    expect(withoutClauses(same)).toBe(same);
});
