/** Dumps of MySQL and MariaDB, made by their own programs: bytes, definers, counters and keys come out as they went in. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { containersMissing } from '../../tests/containers.ts';
import { number, one, restoreInto, runInside } from '../../tests/dumps.ts';
import { type BareServer, serverSpec, startBareServer } from '../../tests/server.ts';
import type { Session } from '../engines/engine.ts';

const SCHEMA = `
  create table country (id smallint primary key, name varchar(40) not null);
  create table customer (id int auto_increment primary key, email varchar(80) not null unique, phone varchar(20),
    country_id smallint not null, picture varbinary(60), note text, invited_by int,
    foreign key (country_id) references country (id), foreign key (invited_by) references customer (id));
  create table purchase (id bigint auto_increment primary key, customer_id int not null, total decimal(8,2) not null,
    foreign key (customer_id) references customer (id));
  create table line (purchase_id bigint, position smallint, note varchar(100), primary key (purchase_id, position),
    foreign key (purchase_id) references purchase (id));
  create table schema_migrations (version varchar(20) primary key);
  insert into country with recursive n (i) as (select 1 union all select i + 1 from n where i < 20) select i, concat('country ', i) from n;
  insert into customer (email, phone, country_id, picture, note, invited_by)
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000)
    select concat('person', i + m.a, '@real.example'), if(i % 4 > 0, concat('+49 ', i), null), 1 + i % 20,
      concat(x'00ff0a275c', i), concat('a;b\\nUSE \`x\`;', i, 'é'), null
    from n join (select 0 as a union select 1000 union select 2000) m;
  update customer set invited_by = 1 + id % 10 where id > 10;
  insert into purchase (customer_id, total) select c.id, c.id % 100 from customer c join (select 1 as a union select 2) two;
  insert into line select p.id, n.a, concat('note ', p.id) from purchase p join (select 1 as a union select 2) n;
  insert into schema_migrations values ('001');
  alter table purchase auto_increment = 20000;
  create user 'gone'@'10.%';
  grant all on *.* to 'gone'@'10.%';
  create definer = 'gone'@'10.%' view spent as select customer_id, sum(total) as total from purchase group by customer_id;
  create definer = 'gone'@'10.%' trigger purchase_total before insert on purchase for each row set new.total = abs(new.total);
  create definer = 'gone'@'10.%' procedure spoken() begin
    select 1;
    select 'USE \`x\`;';
  end`;

const CONTENTS = `
  select (select sum(crc32(concat_ws(',', id, email, phone, country_id, hex(picture), note, invited_by))) from customer) as customers,
    (select sum(crc32(concat_ws(',', purchase_id, position, note))) from line) as \`lines\`,
    (select count(*) from information_schema.table_constraints where constraint_schema = database()) as constraints,
    (select count(*) from information_schema.statistics where table_schema = database()) as indexes,
    (select count(*) from information_schema.triggers where trigger_schema = database()) as triggers,
    (select count(*) from information_schema.routines where routine_schema = database() and routine_definition like '%USE \`x%') as routines,
    (select sum(total) from spent) as spent`;

const HERE = {
  mysql: 'mysqldump -h 127.0.0.1 -uroot --routines --triggers',
  mariadb: null,
} as const;

describe.each(['mysql:9.7', 'mariadb:11.8'] as const)('%s', async (name) => {
  const missing = await containersMissing(name);
  const flavor = name.startsWith('mysql') ? 'mysql' : 'mariadb';
  const own = HERE[flavor];
  const program = await execa('mariadb-dump', ['--version'], { reject: false });
  const reason = missing ?? (own === null && program.failed ? 'mariadb-dump is not installed' : null);
  let server: BareServer;
  let source: Session;
  let folder: string;

  beforeAll(async () => {
    if (reason !== null) return;
    folder = await mkdtemp(join(tmpdir(), 'rehearse-dumps-'));
    server = await startBareServer(serverSpec(name));
    source = await server.session();
    for (const statement of server.engine.dialect.split(SCHEMA)) await source.execute(statement.text);
    const dump = await dumped();
    await writeFile(join(folder, 'dump.sql'), dump);
    await writeFile(join(folder, 'dump.sql.gz'), gzipSync(dump));
    await writeFile(join(folder, 'dump.sql.zst'), zstdCompressSync(dump));
  }, 180_000);

  afterAll(async () => {
    if (reason !== null) return;
    await source[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function dumped(): Promise<Buffer> {
    const { database, host, port, user, password } = source.target;
    if (own !== null)
      return Buffer.from(await runInside(server, `${own} --databases ${database} | base64`, {}), 'base64');
    const args = [
      '--no-defaults',
      `--host=${host}`,
      `--port=${port}`,
      `--user=${user}`,
      '--routines',
      database,
    ];
    const { stdout } = await execa('mariadb-dump', args, {
      env: { MYSQL_PWD: password },
      encoding: 'buffer',
    });
    return Buffer.from(stdout);
  }

  const restore = (file: string, wanted = {}) => restoreInto(server, { file: join(folder, file), ...wanted });

  test.skipIf(reason !== null).each(['dump.sql', 'dump.sql.gz', 'dump.sql.zst'])(
    '%s: rows, keys, routines and counters are those of the source',
    async (file) => {
      await using restored = await restore(file);
      const { session, notes } = restored;
      expect(await one(session, CONTENTS)).toEqual(await one(source, CONTENTS));
      await session.execute('insert into purchase (customer_id, total) values (1, -5)');
      expect(await number(session, 'select max(id) from purchase')).toBe(20_000);
      expect(await number(session, 'select total from purchase where id = 20000')).toBe(5);
      expect(notes).toContain('definers of the dump are replaced by the user of the migrations');
      const { filling } = await restored.describe();
      expect(filling.find(({ table }) => table === 'line')).toMatchObject({ rows: 12_000, generated: false });
    },
    60_000,
  );

  test.skipIf(reason !== null)(
    'masked and thinned, its keys hold',
    async () => {
      const email = {
        values: null,
        range: null,
        faker: 'internet.email',
        nullFraction: null,
        width: null,
        fanout: null,
      };
      const phone = { ...email, faker: null, values: [{ value: 'none', weight: 1 }] };
      await using restored = await restore('dump.sql', { mask: { customer: { email, phone } }, scale: 0.3 });
      const { session } = restored;
      const customers = await number(session, 'select count(*) from customer');
      expect(customers).toBeGreaterThan(700);
      expect(customers).toBeLessThan(1400);
      expect(await number(session, 'select count(*) from purchase')).toBe(customers * 2);
      expect(await number(session, 'select count(*) from line')).toBe(customers * 4);
      expect(await number(session, "select count(*) from customer where email like '%@real.example'")).toBe(
        0,
      );
      expect(await number(session, "select count(*) from customer where phone = 'none'")).toBeGreaterThan(
        customers / 2,
      );
      expect(await number(session, 'select count(*) from customer where phone is null')).toBeGreaterThan(0);
      const orphans =
        'select count(*) from customer c left join customer p on p.id = c.invited_by where c.invited_by is not null and p.id is null';
      expect(await number(session, orphans)).toBe(0);
      const { constraints, indexes } = await one(source, CONTENTS);
      expect(await one(session, CONTENTS)).toMatchObject({ constraints, indexes });
    },
    60_000,
  );

  test.skipIf(reason !== null).each<[string, (text: string) => string, RegExp]>([
    [
      'cut short',
      (text) => text.slice(0, text.length * 0.9),
      /does not end with "-- Dump completed"|ended with exit code/,
    ],
    [
      'newer',
      (text) => text.replace(/(-- Server version\s+)[\d.]+/, '$199.1'),
      /is of (?:MySQL|MariaDB) 99\.1, and the server is .* older/,
    ],
    [
      'of the other flavor',
      (text) =>
        text.replace(/(-- Server version\s+)\S+/, flavor === 'mysql' ? '$111.8.6-MariaDB' : '$18.0.36'),
      /rehearse on production's \(database\.engine: (?:mariadb|mysql)/,
    ],
    ['of several databases', (text) => `USE \`a\`;\nUSE \`b\`;\n${text}`, /holds several databases \(a, b\)/],
    [
      'wrong',
      (text) => text.replace('CREATE TABLE', 'CREATE TABEL'),
      /ERROR 1064 [\s\S]*another flavor or version/,
    ],
  ])(
    'a dump that is %s is told',
    async (_, change, message) => {
      const text = (await readFile(join(folder, 'dump.sql'))).toString('latin1');
      await writeFile(join(folder, 'damaged'), Buffer.from(change(text), 'latin1'));
      await expect(restore('damaged')).rejects.toThrow(message);
    },
    30_000,
  );

  const mydumper = flavor === 'mariadb' ? await execa('mydumper', ['--version'], { reject: false }) : null;
  test.skipIf(reason !== null)(
    'a folder of mydumper goes through myloader',
    async (context) => {
      if (mydumper === null)
        context.skip("Debian's mydumper has the client of MariaDB, which cannot log in here");
      if (mydumper?.failed) context.skip('there is no mydumper on PATH');
      const { host, port, user, password, database } = source.target;
      const args = [
        '-h',
        host,
        '-P',
        String(port),
        '-u',
        user,
        '-B',
        database,
        '--triggers',
        '--routines',
        '--compress',
        '-o',
        join(folder, 'mydumper'),
      ];
      await execa('mydumper', args, { env: { MYSQL_PWD: password } });
      await using restored = await restore('mydumper');
      expect(await one(restored.session, CONTENTS)).toEqual(await one(source, CONTENTS));
      expect(restored.notes).toContain('definers of the dump are replaced by the user of the migrations');
      expect(restored.progress.some((message) => /: line, \d+ finished/.test(message))).toBe(true);
    },
    60_000,
  );
});
