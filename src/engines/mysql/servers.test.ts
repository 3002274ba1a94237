/** What is particular to MySQL and MariaDB, on real servers; the rest is in the engine contract. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyBrokenLoads, verifyLostAnswer } from '../../../tests/mysql-broken-load.ts';
import { verifyTypes } from '../../../tests/mysql-types.ts';
import {
  type BareServer,
  serverMissing,
  serversOf,
  sqlCode,
  startBareServer,
} from '../../../tests/server.ts';
import type { CellValue, Session, TableDescription } from '../engine.ts';
import { ageing } from './filling/ageing.ts';
import { filling } from './filling/filling.ts';
import { schema } from './schema/schema.ts';

const SCHEMA = `
  create table parents (
    id bigint unsigned auto_increment primary key,
    email varchar(60) not null unique,
    ok tinyint(1) not null default 1,
    few tinyint(1) check (few < 5),
    one bit(1),
    doc json,
    bin varbinary(20),
    place point,
    note varchar(20) default 'it''s' check (note in ('a', 'it''s')),
    lower_email varchar(60) generated always as (lower(email)) stored,
    key by_note (note(3)) comment 'a, b'
  ) charset utf8mb4;
  create table children (
    id int primary key,
    parent_id bigint unsigned,
    key by_parent (parent_id),
    constraint of_parent foreign key (parent_id) references parents (id) on delete cascade
  );
  create table log (n int);
  create table prices (id int primary key, net decimal(10, 4) not null,
    shown decimal(10, 2) generated always as (net) stored);
  create trigger logged before insert on children for each row begin insert into log values (1); end;
  create table days (at datetime not null, id int not null, primary key (id, at))
    partition by range (to_days(at)) (
      partition p1 values less than (to_days('2024-01-01')),
      partition p2 values less than maxvalue
    );
  create view emails as select p.email, c.id as child from parents p join children c on c.parent_id = p.id`;

for (const spec of serversOf('mysql')) {
  const missing = await serverMissing(spec);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let server: BareServer;
    let session: Session;
    let tables: readonly TableDescription[];

    beforeAll(async () => {
      server = await startBareServer(spec);
      session = await server.session();
      await session.execute(SCHEMA);
      tables = await schema.describe(session);
    });
    afterAll(async () => {
      await session?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    const table = (name: string): TableDescription => {
      const found = tables.find((each) => each.name === name);
      if (found === undefined) throw new Error(`no table ${name}`);
      return found;
    };
    const load = (name: string, columns: readonly string[], rows: Iterable<readonly CellValue[]>) =>
      filling.bulkLoad({
        target: session.target,
        table: table(name),
        columns,
        rows,
        alone: false,
        onProgress: () => undefined,
        signal: AbortSignal.timeout(60_000),
      });
    const created = async (name: string): Promise<string> => {
      const [row] = await session.query<{ 'Create Table': string }>(`show create table ${name}`);
      return (row?.['Create Table'] ?? '').replace(/ AUTO_INCREMENT=\d+/, '');
    };
    const kindOf = (name: string) =>
      table('parents').columns.find((column) => column.name === name)?.type.kind;

    test('columns are what their values are, whatever the flavor calls them', () => {
      expect(['ok', 'few', 'one', 'doc', 'bin'].map(kindOf)).toEqual([
        'boolean',
        'integer',
        'boolean',
        'json',
        'bytes',
      ]);
      const { columns, checks } = table('parents');
      expect(columns.map(({ generated }) => generated)).toEqual([
        'identity by default',
        ...Array.from({ length: 8 }, () => 'no'),
        'stored',
      ]);
      expect(columns.find(({ name }) => name === 'note')?.defaultExpression).toBe("'it''s'");
      expect(checks.map(({ expression }) => expression.replace(/^\((.*)\)$/, '$1'))).toEqual([
        '`few` < 5',
        "`note` in ('a','it''s')",
      ]);
    });

    test('what a stored column rounds is no wrong value, what does not fit into another one is', async () => {
      const rows = [
        ['1', '0.1250'],
        ['2', '7.9999'],
      ];
      expect(await load('prices', ['id', 'net'], rows)).toBe(2);
      expect(await session.query('select shown from prices order by id')).toEqual([
        { shown: '0.13' },
        { shown: '8.00' },
      ]);
      await expect(load('prices', ['id', 'net'], [['3', '1234567.5']])).rejects.toThrow('column "net"');
      await expect(load('prices', ['id', 'net'], [['1', '1.5000']])).rejects.toThrow('1062');
      expect(await session.query('select id from prices')).toHaveLength(2);
    });

    test('a partition by days is a range of dates', () => {
      expect(table('days')).toMatchObject({
        partitioning: 'parent',
        partitionKey: 'RANGE (`at`)',
        partitionBounds: [
          "for values from (minvalue) to ('2024-01-01')",
          "for values from ('2024-01-01') to (MAXVALUE)",
        ],
      });
    });

    test('a value that a view is asked for is one of the table below it', async () => {
      const { parameters, tables: named } = await schema.inspect(
        session,
        'select child from emails e where e.email = ?',
      );
      expect(named).toEqual(['children', 'parents']);
      expect(parameters[0]).toMatchObject({
        column: { table: 'parents', column: 'email' },
        role: 'equality',
      });
    });

    test('what filling takes away comes back as it was, and the rows are as they were given', async () => {
      const before = [await created('parents'), await created('children')];
      const deferred = await filling.prepare(session, [table('parents'), table('children')]);
      expect(await created('children')).not.toMatch(/by_parent|of_parent/);
      expect(await created('parents')).toMatch(/PRIMARY KEY/);
      const text = ' tab\t line\n back\\slash \'quote" nul\0 €😀';
      const bytes = new Uint8Array([0, 9, 10, 92, 255]);
      const columns = ['id', 'email', 'one', 'doc', 'bin', 'place'];
      const row = ['1', text, '\u0001', '{"a": "x\\ny"}', bytes, 'POINT(1 2)'];
      expect(await load('parents', columns, [row, ['2', 'b', null, null, null, null]])).toBe(2);
      expect(
        await load(
          'children',
          ['id', 'parent_id'],
          [
            ['1', '1'],
            ['2', null],
          ],
        ),
      ).toBe(2);
      for (const task of deferred.restore.flat())
        for (const statement of task.statements) await session.execute(statement);
      await filling.advanceCounters(session, tables);
      expect([await created('parents'), await created('children')]).toEqual(before);
      expect(
        await session.query(`
          select
            email,
            one + 0 as one,
            json_unquote(json_extract(doc, '$.a')) as doc,
            hex(bin) as bin,
            st_astext(place) as place
          from parents
          where id = 1`),
      ).toEqual([{ email: text, one: 1, doc: 'x\ny', bin: '00090A5CFF', place: 'POINT(1 2)' }]);
      // The trigger did not run while filling, and runs again.
      expect(await schema.countRows(session, table('log'))).toBe(0);
      await session.execute('insert into children values (3, 2)');
      expect(await schema.countRows(session, table('log'))).toBe(1);
      await filling.settle(session, tables);
    });

    test.each([
      [
        'parents',
        ['id', 'email', 'ok'],
        ['7', 'c', 'x'],
        /table "parents" cannot be filled at row 1, column "ok": .*\(1366\)/,
      ],
      [
        'days',
        ['id', 'at'],
        ['1', '0000-00-00'],
        /table "days" .* column "at": .* data\.tables\.days\.columns\.at/,
      ],
      ['parents', ['id', 'email'], ['8', 'x'.repeat(61)], /column "email"/],
      ['parents', ['id', 'email', 'few'], ['9', 'd', '7'], /\((?:3819|4025)\)/],
    ])(
      'a value that %s does not take is told, and its row is not there',
      async (name, columns, row, reason) => {
        const rows = await schema.countRows(session, table(name));
        await expect(load(name, columns, [row])).rejects.toThrow(reason);
        expect(await schema.countRows(session, table(name))).toBe(rows);
      },
    );

    test('every type, key and partition is filled, and the values are those that were made', async () => {
      await verifyTypes(server);
    });

    test('a connection that is killed while it fills costs no row, and brings none twice', async () => {
      await verifyBrokenLoads(server);
    });

    test.each([true, false])(
      'rows whose commit was not confirmed are looked for (alone: %s)',
      async (alone) => {
        await verifyLostAnswer(server, alone);
      },
    );

    test('a table with triggers is aged without them, one without a primary key by a unique one', async () => {
      await using own = await server.session();
      await own.execute(`
        create table logged (id int primary key, note varchar(20) not null, key (note));
        create table audit (n int);
        create table by_key (code varchar(20) not null, part int not null, note varchar(20), unique (code, part));
        insert into logged with recursive n (i) as (select 1 union all select i + 1 from n where i < 300) select i, concat('n', i) from n;
        insert into by_key select concat('c', id % 9), id, note from logged`);
      for (const event of ['insert', 'update', 'delete'])
        await own.execute(
          `create trigger on_${event} before ${event} on logged for each row insert into audit values (1)`,
        );
      const all = async () => [
        await own.query('show triggers'),
        await own.query('select * from logged order by id'),
        await own.query('select * from by_key order by code, part'),
      ];
      const withoutTimes = async () => JSON.stringify(await all()).replaceAll(/"Created":"[^"]*"/g, '');
      const before = await withoutTimes();
      const request = { session: own, tables: await schema.describe(own), onTable: () => undefined };
      const aged = await ageing.age({ ...request, updateShare: 0.2, deleteShare: 0.1, randomSeed: 1 });
      for (const name of ['logged', 'by_key']) {
        const one = aged.find(({ table }) => table === name);
        expect(one).toMatchObject({ notAged: null });
        expect(one?.updatedRows).toBeGreaterThan(0);
        expect(one?.reinsertedRows).toBeGreaterThan(0);
      }
      expect(aged.find(({ table }) => table === 'audit')?.notAged).toMatch(
        /no primary key, and no unique key/,
      );
      expect(await own.query('select * from audit')).toEqual([]);
      expect(await withoutTimes()).toBe(before);
    });

    test('a row that the server cannot take is told with the setting to change', async () => {
      await expect(load('parents', ['id', 'bin'], [['1', new Uint8Array(70_000_000)]])).rejects.toThrow(
        /row 1 of table "parents" is too large .* Raise max_allowed_packet/,
      );
    });

    test('LOAD DATA LOCAL switched off is told', async () => {
      await session.execute('set global local_infile = off');
      await expect(load('log', ['n'], [['1']])).rejects.toThrow(
        /refuses LOAD DATA LOCAL .* local_infile = ON/,
      );
      await session.execute('set global local_infile = on');
    });

    test('a parent that is not there is told after the keys came back', async () => {
      const deferred = await filling.prepare(session, [table('children')]);
      await load('children', ['id', 'parent_id'], [['50', '4000']]);
      for (const task of deferred.restore.flat())
        for (const statement of task.statements) await session.execute(statement);
      await expect(filling.advanceCounters(session, tables)).rejects.toThrow(
        /"children" has rows without a parent/,
      );
      await session.execute('delete from children where id = 50');
    });

    test.each([
      ['a metadata lock', 'alter table log add column more int'],
      ['a row lock', 'update log set n = n + 1'],
    ])('a lock timeout of a fraction of a second gives up on %s', async (_, statement) => {
      await using holder = await connect({});
      await using waiter = await connect({ lockTimeoutMs: 300 });
      await holder.execute('begin');
      await holder.execute('update log set n = n + 1');
      const startedAt = performance.now();
      expect(await sqlCode(waiter.execute(statement))).toBe('1205');
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(300);
      await holder.execute('rollback');
      // What ended that one does not end the next.
      expect(await waiter.query('select 1 as one')).toEqual([{ one: 1 }]);
    });

    // A timer of Node counts in whole milliseconds of its loop's clock, and may fire that much early.
    test('a write that takes longer than its statement timeout is ended', async () => {
      await using limited = await connect({ statementTimeoutMs: 200 });
      const endless = 'insert into log select sleep(60) from log';
      await session.execute('insert into log values (5)');
      const startedAt = performance.now();
      const code = await sqlCode(limited.execute(endless));
      expect([null, '3024']).toContain(code);
      expect(performance.now() - startedAt).toBeGreaterThan(199);
      expect(await limited.query('select 1 as one')).toEqual([{ one: 1 }]);
    });

    const connect = (options: { lockTimeoutMs?: number; statementTimeoutMs?: number }): Promise<Session> =>
      server.engine.connections.connect(session.target, { applicationName: 'test limits', ...options });
  });
}
