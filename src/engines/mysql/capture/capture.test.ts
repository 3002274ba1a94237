/** Against real servers: what is captured is what they say of themselves, and no value of a row is in it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BareServer, serverMissing, serversOf, startBareServer } from '../../../../tests/server.ts';
import { EnvironmentError } from '../../../errors.ts';
import type { CapturedFacts, CaptureRequest, Session } from '../../engine.ts';
import { connections } from '../connections/connections.ts';
import { schema } from '../schema/schema.ts';
import { dialect } from '../text/dialect.ts';
import { capture } from './capture.ts';

const SENTINEL = 'zanzibar';
const ROWS = 5000;

const SCHEMA = `
  create table accounts (
    id bigint unsigned auto_increment primary key,
    mail varchar(100) not null unique,
    name varchar(80) not null,
    feeling enum('sad', 'happy') default 'happy',
    note text
  ) comment 'auto_increment=7; yes';
  create table orders (
    id int auto_increment primary key,
    account bigint unsigned,
    total decimal(10,2) check (total > 0),
    kind varchar(10) not null,
    flags set('a', 'b', 'c'),
    constraint of_account foreign key (account) references accounts (id),
    key by_kind (kind, total)
  );
  create table boys (id int primary key, girl int);
  create table girls (id int primary key, boy int, foreign key (boy) references boys (id));
  alter table boys add foreign key (girl) references girls (id);
  create table days (id int not null, day date not null, g int generated always as (id * 2) virtual, primary key (id, day))
    partition by range (to_days(day)) (
      partition old values less than (to_days('2024-06-01')),
      partition later values less than maxvalue
    );
  create view z_base as select id, name from accounts;
  create view a_top as select id from z_base;
  create trigger priced before insert on orders for each row begin if new.total is null then set new.total = 1; end if; end;
  create function twice(n int) returns int deterministic begin declare x int; set x = 2 * n; return x; end`;

const DIGITS =
  '(select 0 d union all select 1 union all select 2 union all select 3 union all select 4 union all ' +
  'select 5 union all select 6 union all select 7 union all select 8 union all select 9)';
const NUMBERS = `(select 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d as i
  from ${DIGITS} a, ${DIGITS} b, ${DIGITS} c, ${DIGITS} e having i <= ${ROWS}) n`;

/** Half of the orders with an account have the first one. */
const DATA = `
  insert into accounts (id, mail, name, feeling, note)
    select i, concat(i, '@${SENTINEL}.example'), concat('${SENTINEL} ', i % 100), if(i % 4 = 0, 'sad', 'happy'),
      if(i % 5 = 0, '${SENTINEL}', null)
    from ${NUMBERS} order by i;
  insert into orders (id, account, total, kind, flags)
    select i, if(i % 10 = 0, null, if(i % 2 = 0, 1, 1 + i % 500)), i, concat('k', i % 7), if(i % 2 = 0, 'b', 'a,c')
    from ${NUMBERS} order by i;
  insert into days (id, day) select i, '2024-01-01' + interval i % 300 day from ${NUMBERS} order by i;
  select * from accounts where name = '${SENTINEL} 7' and id = 4`;

const STATISTICS: Readonly<Record<string, string>> = {
  mysql: `
    analyze table accounts, orders, days;
    analyze table accounts update histogram on name, feeling, note with 200 buckets;
    analyze table orders update histogram on account, kind, flags with 1000 buckets`,
  mariadb: `
    set session histogram_size = 255;
    set session histogram_type = DOUBLE_PREC_HB;
    create table plain like accounts;
    insert into plain select * from accounts;
    analyze table plain persistent for all;
    set session histogram_type = JSON_HB;
    analyze table accounts persistent for all;
    analyze table orders persistent for all;
    analyze table days`,
};

for (const spec of serversOf('mysql')) {
  const missing = await serverMissing(spec);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let server: BareServer;
    let production: Session;
    let captured: CapturedFacts;

    beforeAll(async () => {
      server = await startBareServer(spec);
      production = await server.session();
      for (const { text } of dialect.split(`${SCHEMA};${DATA};${STATISTICS[spec.flavor]}`))
        await production.execute(text);
      captured = await read();
    });
    afterAll(async () => {
      await production?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    const read = (changed: Partial<CaptureRequest> = {}): Promise<CapturedFacts> =>
      capture.read({
        target: production.target,
        schemas: [],
        values: false,
        statements: true,
        statementTimeoutMs: 30_000,
        say: () => undefined,
        signal: AbortSignal.timeout(60_000),
        ...changed,
      });
    const tableIn = (facts: CapturedFacts, name: string) => {
      const table = facts.tables.find((each) => each.name === name);
      if (table === undefined) throw new Error(`no table ${name}`);
      return table;
    };
    const columnIn = (facts: CapturedFacts, table: string, name: string) => {
      const column = tableIn(facts, table).columns.find((each) => each.name === name);
      if (column === undefined) throw new Error(`no column ${name}`);
      return column;
    };

    test('rows and bytes are those that the server estimates', async () => {
      const [truth] = await production.query<{ bytes: number; pages: number; size: number }>(
        `select t.data_length as bytes, i.stat_value as pages, @@innodb_page_size as size
        from information_schema.tables t, mysql.innodb_index_stats i
        where t.table_schema = database() and t.table_name = 'orders' and i.database_name = database()
          and i.table_name = 'orders' and i.index_name = 'by_kind' and i.stat_name = 'size'`,
      );
      const orders = tableIn(captured, 'orders');
      expect(orders.tableBytes).toBe(Number(truth?.bytes));
      expect(orders.rows).toBeGreaterThan(ROWS * 0.8);
      expect(orders.rows).toBeLessThan(ROWS * 1.2);
      expect(orders.indexes.find(({ name }) => name === 'by_kind')).toMatchObject({
        columns: ['kind', 'total'],
        bytes: Number(truth?.pages) * Number(truth?.size),
      });
      const days = tableIn(captured, 'days');
      expect(days.partitions?.map(({ name }) => name)).toEqual(['days#old', 'days#later']);
      expect(days.partitions?.reduce((sum, part) => sum + part.tableBytes, 0)).toBe(days.tableBytes);
    });

    test('columns are as their statistics say, and those without are named with what would make some', () => {
      expect(columnIn(captured, 'accounts', 'name')).toMatchObject({
        nullFraction: 0,
        distinct: 100,
        values: null,
      });
      const feeling = columnIn(captured, 'accounts', 'feeling');
      expect(feeling.averageBytes).toBe(1);
      expect(feeling.frequencies[0]).toBeCloseTo(0.75, 2);
      expect(feeling.frequencies[1]).toBeCloseTo(0.25, 2);
      expect(columnIn(captured, 'orders', 'account').nullFraction).toBeCloseTo(0.1, 2);
      expect(columnIn(captured, 'orders', 'kind').frequencies).toHaveLength(7);
      // "k3" and its length.
      expect(columnIn(captured, 'orders', 'kind').averageBytes).toBe(3);
      expect(columnIn(captured, 'accounts', 'id').correlation).toBe(1);
      const [without] = captured.missing.filter(({ what }) => what.startsWith('column statistics of days'));
      expect(without?.what).toContain('day');
      expect(without?.reason).toContain('analyze table `days`');
    });

    test('a histogram that does not tell frequencies is named with what would make one that does', () => {
      const named = captured.missing.filter(({ what }) =>
        /^frequencies of \d+ columns, such as plain\./.test(what),
      );
      expect(named).toHaveLength(spec.flavor === 'mariadb' ? 1 : 0);
      expect(named.every(({ reason }) => reason.includes('histogram_type = JSON_HB'))).toBe(true);
    });

    test('the fan-out of a foreign key is told of the children that have a parent', () => {
      const [key] = tableIn(captured, 'orders').foreignKeys;
      expect(key).toMatchObject({ columns: ['account'], references: 'accounts' });
      expect(key?.parentsReferred).toBeGreaterThan(200);
      expect(key?.parentsReferred).toBeLessThanOrEqual(501);
      // 2,000 of the 4,500 rows with an account have the first one.
      expect(key?.frequencies[0]).toBeCloseTo(2000 / 4500, 1);
    });

    test('no value of a row is in the profile, in its statements neither', async () => {
      expect(JSON.stringify(captured)).not.toContain(SENTINEL);
      const [schemaIsOn] = await production.query<{ on: number }>(
        'select @@global.performance_schema as `on`',
      );
      if (Number(schemaIsOn?.on) === 1)
        expect(
          captured.statements.some(({ text }) => /^SELECT \* FROM `accounts` WHERE .* = \?/.test(text)),
        ).toBe(true);
      else
        expect(captured.missing.find(({ what }) => what === 'statements')?.reason).toContain(
          'performance_schema',
        );
      expect(
        captured.statements.filter(({ text }) => /information_schema|^create|^analyze/i.test(text)),
      ).toEqual([]);
    });

    test('with values the most common ones stand beside their frequencies', async () => {
      const facts = await read({ values: true, statements: false });
      expect(columnIn(facts, 'accounts', 'feeling').values).toEqual(['happy', 'sad']);
      expect(columnIn(facts, 'orders', 'flags').values?.toSorted()).toEqual(['a,c', 'b']);
      const name = columnIn(facts, 'accounts', 'name');
      expect([...(name.values ?? []), ...(name.bounds ?? [])][0]).toMatch(new RegExp(`^${SENTINEL} \\d+$`));
      expect(name.values).toHaveLength(name.frequencies.length);
    });

    test('the schema makes the same tables on an empty database, and is captured alike from there', async () => {
      await using copy = await server.session();
      for (const { text } of dialect.split(captured.schema)) await copy.execute(text);
      const unnamed = (tables: Awaited<ReturnType<typeof schema.describe>>) =>
        tables.map((table) => ({ ...table, parts: table.parts.slice(1), hasRows: false }));
      expect(unnamed(await schema.describe(copy))).toEqual(unnamed(await schema.describe(production)));
      expect((await read({ target: copy.target })).schema).toBe(captured.schema);
      expect(captured.schema).toContain("COMMENT='auto_increment=7; yes'");
      expect(captured.schema).not.toMatch(/AUTO_INCREMENT=5/);
      expect(captured.schema).not.toContain('DEFINER=');
      const [made] = await copy.query<{ routines: number; triggers: number; views: number }>(
        `select (select count(*) from information_schema.routines where routine_schema = database()) as routines,
          (select count(*) from information_schema.triggers where trigger_schema = database()) as triggers,
          (select count(*) from information_schema.views where table_schema = database()) as views`,
      );
      expect(Object.values(made ?? {}).map(Number)).toEqual([1, 1, 2]);
    });

    test('a user with few rights captures what it may see, and the rest is named with the grant', async () => {
      const { database } = production.target;
      await production.execute(`create user reader identified by 'not-to-be-seen'`);
      await production.execute(`grant select on ${dialect.quote(database)}.* to reader`);
      const facts = await read({
        target: { ...production.target, user: 'reader', password: 'not-to-be-seen' },
      });
      expect(facts.tables.map(({ name }) => name)).toEqual(captured.tables.map(({ name }) => name));
      const reasons = facts.missing.map(({ what, reason }) => `${what}: ${reason}`).join('\n');
      expect(reasons).toMatch(/bytes of each index: .*grant select on/);
      expect(reasons).toMatch(/schema of view a_top: .*show view/);
      expect(reasons).toMatch(/statements: .*performance.schema/);
      expect(JSON.stringify(facts)).not.toMatch(new RegExp(`not-to-be-seen|${SENTINEL}`));
      const empty = await server.session();
      await expect(read({ target: empty.target })).rejects.toThrow(EnvironmentError);
      await empty[Symbol.asyncDispose]();
      await expect(read({ schemas: ['other'] })).rejects.toThrow(/a schema is a database here/);
    });

    test('the rights that the help names are enough', async () => {
      const other = { mysql: 'MariaDB alone', mariadb: 'MySQL alone' }[spec.flavor] ?? '';
      const grants = capture.grants.filter((line) => !line.startsWith('--') && !line.includes(other));
      expect(grants.length).toBeGreaterThan(5);
      for (const line of grants)
        await production.execute(
          line.replace('DATABASE', dialect.quote(production.target.database)).replace(/ *--.*/, ''),
        );
      const facts = await read({
        target: { ...production.target, user: 'rehearse_capture', password: '...' },
      });
      expect(facts.missing.filter(({ reason }) => /grant|privilege/.test(reason))).toEqual([]);
      expect(facts.schema).toBe(captured.schema);
      expect(Object.keys(facts.settings).length).toBeGreaterThan(0);
    });

    test('a capture only reads, in a read-only transaction, and a table that is locked for writing does not hold it up', async () => {
      await using writer = await connections.connect(production.target, { applicationName: 'writer' });
      await using administrator = await server.session();
      await administrator.execute("set global log_output = 'TABLE'; set global general_log = on");
      await writer.execute('lock tables orders write');
      const facts = await read({
        target: { ...production.target, user: 'reader', password: 'not-to-be-seen' },
      });
      await writer.execute('unlock tables');
      await administrator.execute('set global general_log = off');
      expect(facts.tables).toHaveLength(captured.tables.length);
      const log = await administrator.query<{ text: string }>(
        "select convert(argument using utf8mb4) as text from mysql.general_log where user_host like '%reader%' and command_type = 'Query'",
      );
      const texts = log.map(({ text }) => text.trim().toLowerCase());
      expect(texts).toContain('start transaction with consistent snapshot, read only');
      expect(texts.length).toBeGreaterThan(15);
      expect(
        texts.filter(
          (text) =>
            !/^(?:select|with|show create|set session|set names|start transaction with|savepoint|rollback to)\b/.test(
              text,
            ),
        ),
      ).toEqual([]);
    });
  });
}
