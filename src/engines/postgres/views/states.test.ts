/** What statements do to relations, on a real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sqlCode, startTestServer, type TestServer } from '../../../../tests/server.ts';
import type { Session } from '../../engine.ts';
import { compareRelationStates, readRelationStates } from './states.ts';

let started: TestServer;
let migrator: Session;
let inside: Session;

beforeAll(async () => {
  started = await startTestServer();
  migrator = await started.connect('migrator');
  inside = await started.connect('observerInside');
  await migrator.execute('create table parent (id int primary key)');
  await migrator.execute('create table t (id int primary key, parent int, name varchar(10), at timestamptz)');
  await migrator.execute('insert into parent values (1)');
  await migrator.execute("insert into t select i, 2, 'n', now() from generate_series(1, 1000) i");
  await migrator.execute('create index t_name on t (name)');
  await migrator.execute('vacuum analyze t');
});

afterAll(async () => {
  await migrator[Symbol.asyncDispose]();
  await inside[Symbol.asyncDispose]();
  await started[Symbol.asyncDispose]();
});

/** Relation, algorithm and detail of every change, in a line each. */
async function changesOf(...statements: readonly string[]): Promise<readonly string[]> {
  const before = await readRelationStates(inside);
  for (const statement of statements) await migrator.execute(statement);
  const changes = compareRelationStates(before, await readRelationStates(inside));
  return changes.map(({ relation, algorithm, detail }) => `${relation}: ${algorithm}; ${detail}`);
}

test.each<[statement: string, changes: readonly string[]]>([
  ['select 1', []],
  ['alter table t add column tax int default 5', ['t: catalog only; column tax added (integer)']],
  [
    'alter table t alter column parent type bigint',
    [
      't: rewrite; the table is in a new file: every row was written again; column parent changed from integer to bigint',
      't_name: index rebuilt; on t',
      't_pkey: index rebuilt; on t',
    ],
  ],
  // The index gets another oid over the same file: nothing was built.
  [
    'alter table t alter column name type varchar(20)',
    ['t: catalog only; column name changed from character varying(10) to character varying(20)'],
  ],
  ['create index t_at on t (at)', ['t_at: index built; on t']],
  ['alter index t_at rename to t_time', ['t_time: catalog only; renamed from t_at']],
  ['reindex index t_time', ['t_time: index rebuilt; on t']],
  ['drop index t_time', ['t_time: catalog only; index dropped']],
  [
    'alter table t add constraint positive check (id > 0) not valid',
    ['t.positive: constraint not validated; rows that were there are not checked'],
  ],
  ['alter table t validate constraint positive', ['t.positive: constraint validated; ']],
  [
    'alter table t alter column at set not null',
    expect.arrayContaining([
      't: catalog only; column at changed from timestamp with time zone to timestamp with time zone not null',
    ]),
  ],
  ['create table other (id int)', ['other: catalog only; table created']],
  ['alter table other rename to another', ['another: catalog only; renamed from other']],
  ['drop table another', ['another: catalog only; table dropped']],
  ['create materialized view seen as select * from parent', ['seen: catalog only; table created']],
  ['refresh materialized view seen', ['seen: refresh; the materialized view is in a new file']],
])('%s', async (statement, changes) => {
  expect(await changesOf(statement)).toEqual(changes);
});

test('a unique index over doubles is left invalid', async () => {
  const before = await readRelationStates(inside);
  expect(await sqlCode(migrator.execute('create unique index concurrently t_parent on t (parent)'))).toBe(
    '23505',
  );
  const changes = compareRelationStates(before, await readRelationStates(inside));
  expect(changes).toMatchObject([
    { relation: 't_parent', algorithm: 'index left invalid', validity: 'invalid index' },
  ]);
  expect(await validities('alter index t_parent rename to t_other')).toEqual([
    't_other: invalid index',
    't_parent: gone',
  ]);
  expect(await changesOf('drop index t_other')).toEqual(['t_other: catalog only; index dropped']);
});

/** What is said to be valid or not after the statements. */
async function validities(...statements: readonly string[]): Promise<readonly string[]> {
  const before = await readRelationStates(inside);
  for (const statement of statements) await migrator.execute(statement);
  const changes = compareRelationStates(before, await readRelationStates(inside));
  return changes.flatMap(({ relation, validity }) =>
    validity === undefined ? [] : [`${relation}: ${validity}`],
  );
}

test('what is left invalid is told by a name that the repair has too', async () => {
  expect(await validities('alter table t add constraint small check (id < 5000) not valid')).toEqual([
    't.small: constraint not validated',
  ]);
  expect(await validities('alter table t rename constraint small to smaller')).toEqual([
    't.small: gone',
    't.smaller: constraint not validated',
  ]);
  expect(await validities('alter table t validate constraint smaller')).toEqual(['t.smaller: valid']);
  expect(await validities('alter table t drop constraint smaller')).toEqual(['t.smaller: gone']);
});

test('TRUNCATE is no rewrite', async () => {
  expect((await changesOf('truncate t'))[0]).toBe('t: new empty file; the table was emptied');
});
