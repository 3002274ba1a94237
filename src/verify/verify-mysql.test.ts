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
});
