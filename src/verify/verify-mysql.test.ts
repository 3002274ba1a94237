/** Against a real server: tables as sysbench makes them, captured, filled again from the profile, and compared. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { captureFrom, outside, profileData, refilled, runScript } from '../../tests/refilled.ts';
import { serverMissing, serversOf, startTestServer, type TestServer } from '../../tests/server.ts';
import type { Session, TableDescription } from '../engines/engine.ts';

const LIMIT_MS = 170_000;

/** The table of sysbench's oltp_common.lua with its groups of digits, its indexes filled row by row, and one that refers to it with a skew. */
const SCRIPT = `
  create table digits (d int primary key);
  insert into digits values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
  create table sbtest1 (
    id int not null auto_increment primary key,
    k int not null default 0,
    c char(120) not null default '',
    pad char(60) not null default '',
    key k_1 (k),
    key c_1 (c)
  );
  insert into sbtest1 (k, c, pad)
    select 1 + floor(60000 * (rand(1) + rand(2)) / 2),
      left(concat_ws('-', rand(3), rand(4), rand(5), rand(6), rand(7), rand(8), rand(16)), 119),
      left(concat_ws('-', rand(9), rand(10), rand(11), rand(17)), 59)
    from digits a, digits b, digits c, digits d, digits e;
  create table visits (
    id int not null auto_increment primary key,
    sbtest_id int not null,
    state enum('open', 'done', 'void') not null,
    ended datetime
  );
  insert into visits (sbtest_id, state, ended)
    select 1 + floor(90000 * pow(rand(12), 3)), 1 + floor(3 * pow(rand(13), 2)),
      if(rand(14) < 0.7, timestamp('2024-01-01') + interval floor(rand(15) * 9000) hour, null)
    from digits a, digits b, digits c, digits d, (select d from digits where d < 4) e;
  alter table visits add foreign key (sbtest_id) references sbtest1 (id);
  drop table digits`;

const TYPES = `
  create table digits (d int primary key);
  insert into digits values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
  create table facts (
    id int auto_increment primary key,
    flags bit(3) not null,
    kind enum('a', 'b', 'c') not null,
    marks set('x', 'y', 'z'),
    note varchar(30),
    amount decimal(8, 2),
    at datetime
  );
  insert into facts (flags, kind, marks, note, amount, at)
    select floor(8 * pow(rand(1), 2)), 1 + floor(3 * pow(rand(2), 2)), floor(8 * rand(3)),
      if(rand(4) < 0.3, null, concat('v', floor(50 * pow(rand(5), 3)))), floor(rand(6) * 1000) / 4,
      timestamp('2024-01-01') + interval floor(rand(7) * 60) day
    from digits a, digits b, digits c, digits d;
  drop table digits`;

const [spec] = serversOf('mysql');
const missing = spec === undefined ? 'no server is wanted' : await serverMissing(spec);

describe.skipIf(missing !== null)(`on ${spec?.name}`, () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(spec);
  }, LIMIT_MS);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function analyze(
    session: Session,
    tables: readonly Pick<TableDescription, 'parts'>[],
  ): Promise<void> {
    for (const { parts } of tables)
      await session.query(`analyze table ${server.engine.dialect.quoteName(parts.slice(-1))}`);
  }

  test(
    'tables that SQL filled are filled again with the same statistics',
    async () => {
      await using production = await server.session();
      await runScript(server, production, SCRIPT);
      await analyze(production, [{ parts: ['sbtest1'] }, { parts: ['visits'] }]);
      const profile = await captureFrom(server, production, false);
      const data = profileData({ age: { updateShare: 0.05, deleteShare: 0.01 } });
      expect(outside(await refilled({ server, profile, analyze, data }))).toEqual([]);
      const comparisons = await refilled({ server, profile, analyze });
      expect(outside(comparisons)).toEqual([]);
      const within = comparisons.filter(({ verdict }) => verdict === 'within').map(({ measure }) => measure);
      for (const measure of ['rows', 'bytes per row', 'index bytes per row', 'distinct'] as const)
        expect(within).toContain(measure);
    },
    LIMIT_MS,
  );

  test(
    'where production has histograms the filled server has them too, and shares are held against each other',
    async () => {
      await using production = await server.session();
      await runScript(server, production, TYPES);
      const columns = 'flags, kind, marks, note, amount, at';
      await production.query(
        spec?.flavor === 'mysql'
          ? `analyze table facts update histogram on ${columns} with 100 buckets`
          : 'analyze table facts persistent for all',
      );
      await production.query('analyze table facts');
      for (const values of [false, true]) {
        const profile = await captureFrom(server, production, values);
        const { filling } = server.engine;
        // As a rehearsal does after filling.
        const settle = async (session: Session, tables: readonly TableDescription[]): Promise<void> => {
          for (const table of tables)
            for (const its of profile.tables.filter(({ name }) => name === table.name))
              await filling.collectStatistics?.(session, table, its);
          await filling.settle(session, tables);
        };
        const comparisons = await refilled({ server, profile, analyze: settle });
        expect(outside(comparisons)).toEqual([]);
        const shares = comparisons.filter(
          ({ measure, verdict }) => measure === 'frequencies' && verdict === 'within',
        );
        expect(shares.map(({ of }) => of)).toEqual(
          expect.arrayContaining(['flags', 'kind', 'marks', 'note', 'at']),
        );
        expect(shares.every(({ got }) => (got ?? 0) > 0)).toBe(true);
      }
    },
    LIMIT_MS,
  );
});
