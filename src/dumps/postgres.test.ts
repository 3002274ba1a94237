/** Real dumps, made and restored by the programs of a Postgres image: what comes out is what went in. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { containersMissing } from '../../tests/containers.ts';
import { number, one, restoreInto, runInside, type Wanted } from '../../tests/dumps.ts';
import { type BareServer, serverSpec, startBareServer } from '../../tests/server.ts';
import type { Session } from '../engines/engine.ts';
import { createGenerators } from '../generators/index.ts';
import { restoreDump } from './index.ts';

const IMAGE = 'postgres:17';
const missing = await containersMissing(IMAGE);

const SCHEMA = `
  create extension pg_trgm;
  create role owner_of_production;
  create role "Reader 1";
  create table country (id smallint primary key, name text not null);
  create table customer (id int generated always as identity primary key, email text not null unique,
    phone varchar(20), country_id smallint not null references country, invited_by int references customer);
  create table product (id serial primary key, name text not null);
  create table purchase (id bigserial primary key, customer_id int not null references customer, at timestamptz not null default now());
  create table line (purchase_id bigint references purchase, position smallint, product_id int not null references product,
    note text, primary key (purchase_id, position));
  create index on line using gin (note gin_trgm_ops);
  create table event (at date not null, customer_id int references customer, note text) partition by range (at);
  create table event_old partition of event for values from (minvalue) to ('2024-01-01');
  create table event_new partition of event for values from ('2024-01-01') to (maxvalue);
  comment on constraint line_product_id_fkey on line is 'kept';
  create table schema_migrations (version text primary key);
  create function quoted() returns text language plpgsql as $body$
begin
grant select on customer to public;
return 'it''s';
end $body$;
  alter table customer owner to owner_of_production;
  grant select on customer to owner_of_production;
  alter table product enable row level security;
  create policy everything on product to "Reader 1", owner_of_production using (true);
  insert into country select i, 'country ' || i from generate_series(1, 20) i;
  insert into customer (email, phone, country_id, invited_by)
    select 'person' || i || '@real.example', case when i % 4 > 0 then '+49 ' || i end, 1 + i % 20, nullif(i / 10, 0) from generate_series(1, 3000) i;
  insert into product (name) select 'product ' || i from generate_series(1, 2000) i;
  insert into purchase (customer_id) select 1 + i % 3000 from generate_series(1, 9000) i;
  insert into line select 1 + i / 2, i % 2, 1 + i % 1500, E'a\\\\.b\\n\\\\.\\nc;' || i from generate_series(0, 17999) i;
  insert into event select date '2023-01-01' + i, 1 + i % 3000, 'note ' || i from generate_series(1, 700) i;
  insert into schema_migrations values ('001');
  select setval('purchase_id_seq', 20000);`;

let server: BareServer;
let source: Session;
let folder: string;

beforeAll(async () => {
  if (missing !== null) return;
  folder = await mkdtemp(join(tmpdir(), 'rehearse-dumps-'));
  server = await startBareServer({ ...serverSpec(IMAGE), provision: 'container' });
  source = await server.session();
  for (const statement of server.engine.dialect.split(SCHEMA)) await source.execute(statement.text);
  for (const [format, name] of [
    ['c', 'custom'],
    ['t', 'tar'],
    ['p', 'plain.sql'],
  ] as const)
    await writeFile(join(folder, name), await dumpInside(`pg_dump -F${format}`));
  await dumpInside('pg_dump -Fd -f /tmp/folder');
  await mkdir(join(folder, 'directory'));
  const names = (await inside('ls /tmp/folder')).trim().split('\n');
  for (const name of names)
    await writeFile(
      join(folder, 'directory', name),
      Buffer.from(await inside(`base64 /tmp/folder/${name}`), 'base64'),
    );
  const plain = await readFile(join(folder, 'plain.sql'));
  await writeFile(join(folder, 'plain.sql.gz'), gzipSync(plain));
  await writeFile(join(folder, 'plain.sql.zst'), zstdCompressSync(plain));
  await writeFile(join(folder, 'custom.gz'), gzipSync(await readFile(join(folder, 'custom'))));
  await writeFile(join(folder, 'inserts.sql'), await dumpInside('pg_dump --inserts'));
}, 120_000);

afterAll(async () => {
  if (missing !== null) return;
  await source[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function inside(script: string): Promise<string> {
  return runInside(server, script, { PGDATABASE: source.target.database });
}

async function dumpInside(command: string): Promise<Buffer> {
  return Buffer.from(await inside(`${command} > /tmp/out && base64 /tmp/out`), 'base64');
}

const restore = (name: string, wanted: Wanted = {}) =>
  restoreInto(server, { file: resolve(folder, name), ...wanted });

const CONTENTS = `
  select (select md5(string_agg(c::text, '' order by id)) from customer c) as customers,
    (select md5(string_agg(l::text, '' order by purchase_id, position)) from line l) as lines,
    (select last_value from purchase_id_seq) as counter,
    (select count(*) from pg_constraint where contype in ('p', 'f', 'u') and convalidated) as constraints,
    (select count(*) from pg_indexes where schemaname = 'public') as indexes,
    (select obj_description(oid) from pg_constraint where conname = 'line_product_id_fkey') as comment,
    (select count(*) from event_old) as old_events,
    (select prosrc from pg_proc where proname = 'quoted') as body`;

test
  .skipIf(missing !== null)
  .each([
    'custom',
    'custom.gz',
    'directory',
    'tar',
    'plain.sql',
    'plain.sql.gz',
    'plain.sql.zst',
    'inserts.sql',
  ])(
  '%s: rows, keys, indexes and counters are those of the source, and belong to who restores',
  async (name) => {
    await using restored = await restore(name);
    const { session } = restored;
    expect(await one(session, CONTENTS)).toEqual(await one(source, CONTENTS));
    expect(await one(session, "select tableowner from pg_tables where tablename = 'customer'")).toEqual({
      tableowner: session.target.user,
    });
    const told = name.includes('.sql') ? /MiB read/ : /at foreign key line_product_id_fkey/;
    expect(restored.progress.some((message) => told.test(message))).toBe(true);
  },
  60_000,
);

test.skipIf(missing !== null)(
  'masked columns get other values, null where they were null, and stay unique',
  async () => {
    const email = {
      values: null,
      range: null,
      faker: 'internet.email',
      nullFraction: null,
      width: null,
      fanout: null,
    };
    const mask = {
      event: { note: { ...email, faker: null, width: 5 } },
      customer: { email, phone: { ...email, faker: null, values: [{ value: 'none', weight: 1 }] } },
    };
    await using restored = await restore('custom', { mask });
    const { session } = restored;
    expect(await number(session, "select count(*) from customer where email like '%@real.example'")).toBe(0);
    expect(await number(session, 'select count(distinct email) from customer')).toBe(3000);
    expect(await number(session, "select count(*) from customer where phone = 'none'")).toBe(2250);
    expect(await number(session, 'select count(*) from customer where phone is null')).toBe(750);
    expect(await number(session, "select count(*) from event where note like 'note %'")).toBe(0);
    expect(await number(session, 'select count(note) from event')).toBe(700);
    expect(await number(session, "select count(*) from pg_class where relname = 'rehearse_mask'")).toBe(0);
    const { customers: _customers, ...rest } = await one(session, CONTENTS);
    const { customers: _before, ...wanted } = await one(source, CONTENTS);
    expect(rest).toEqual(wanted);
    expect(await number(session, "select pg_relation_size('customer')")).toBeLessThan(400_000);

    await expect(restore('custom', { mask: { line: { product_id: email } } })).rejects.toThrow(
      /refers to "product"/,
    );
    await expect(restore('custom', { mask: { customer: { id: email } } })).rejects.toThrow(
      /"customer" refers to the column/,
    );
    await expect(restore('custom', { mask: { nobody: { id: email } } })).rejects.toThrow(
      /no such table.*customer/,
    );
  },
  60_000,
);

test.skipIf(missing !== null)(
  'a share keeps rows whose foreign keys hold',
  async () => {
    await using restored = await restore('plain.sql', { scale: 0.2 });
    const { session } = restored;
    const rows = async (table: string) => number(session, `select count(*) from ${table}`);
    expect(await rows('country')).toBe(20);
    const customers = await rows('customer');
    expect(customers).toBeGreaterThan(600);
    expect(customers).toBeLessThan(1000);
    for (const [table, all] of [
      ['purchase', 9000],
      ['line', 18_000],
    ] as const) {
      expect(await rows(table)).toBeGreaterThan(all * 0.15);
      expect(await rows(table)).toBeLessThan(all * 0.35);
    }
    expect(await rows('product')).toBeGreaterThan(400);
    const { constraints, indexes } = await one(source, CONTENTS);
    expect(await one(session, CONTENTS)).toMatchObject({ constraints, indexes, counter: '20000' });
    expect(await number(session, "select pg_relation_size('line')")).toBeLessThan(
      (await number(source, "select pg_relation_size('line')")) / 2,
    );
  },
  60_000,
);

test.skipIf(missing !== null)(
  'new rows of the load go on beyond the restored ones',
  async () => {
    await using restored = await restore('plain.sql');
    const { session } = restored;
    const { engine } = server;
    const { filling, generator } = await restored.describe();
    expect(filling.find(({ table }) => table === 'purchase')).toMatchObject({
      rows: 9000,
      generated: false,
      durationMs: null,
    });
    const made = createGenerators(generator);
    for (const name of ['customer', 'product', 'purchase', 'line']) {
      const table = made.get(name);
      if (table === undefined) throw new Error(name);
      const rows = Array.from({ length: 50 }, (_, index) => [...table.row(table.rows + index)]);
      const request = {
        target: session.target,
        table: table.table,
        columns: table.columns,
        rows,
        alone: false,
      };
      await engine.filling.bulkLoad({
        ...request,
        onProgress: () => undefined,
        signal: AbortSignal.timeout(20_000),
      });
      expect(await number(session, `select count(*) from ${name}`)).toBe(table.rows + 50);
    }
  },
  60_000,
);

async function damaged(name: string, change: (bytes: Buffer) => Buffer | string): Promise<string> {
  const path = join(folder, 'damaged');
  await writeFile(path, change(await readFile(join(folder, name))));
  return path;
}

const cut = (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.length * 0.7));

test.skipIf(missing !== null).each<[string, string, (bytes: Buffer) => Buffer | string, RegExp]>([
  [
    'a custom archive that is cut short',
    'custom',
    cut,
    /could not read from input file[\s\S]*cut short or damaged/,
  ],
  [
    'SQL text that is cut short',
    'plain.sql',
    cut,
    /does not end with "-- PostgreSQL database dump complete"/,
  ],
  ['gzip that is cut short', 'plain.sql.gz', cut, /its gzip data end too early/],
  ['zstd that is cut short', 'plain.sql.zst', cut, /its zstd data end too early/],
  ['an empty file', 'custom', () => '', /is empty/],
  ['a file that is no dump', 'custom', () => 'Dear reader,\n', /is no dump that postgres can restore/],
  [
    'an archive of a newer pg_dump',
    'custom',
    (bytes) => Buffer.concat([bytes.subarray(0, 6), Buffer.from([99]), bytes.subarray(7)]),
    /pg_restore is older than the archive/,
  ],
  [
    'a dump of a newer server',
    'plain.sql',
    (bytes) => bytes.toString().replace(/database version 17\S*/, 'database version 99.1'),
    /is of Postgres 99\.1, and the server is Postgres 17/,
  ],
  [
    'a missing extension',
    'plain.sql',
    (bytes) => bytes.toString().replaceAll('pg_trgm', 'postgis'),
    /needs the extension postgis, which the server lacks/,
  ],
  [
    'a command of psql',
    'plain.sql',
    (bytes) => `${bytes.toString()}\\! touch /tmp/x\n`,
    /the psql command "\\!"/,
  ],
  [
    'a statement that the server refuses',
    'plain.sql',
    (bytes) => bytes.toString().replace('CREATE INDEX', 'CREATE INDUX'),
    /syntax error at or near "INDUX"/,
  ],
])(
  '%s is told',
  async (_, name, change, message) => {
    const file = await damaged(name, change);
    await expect(restore(file)).rejects.toThrow(message);
  },
  30_000,
);

test.skipIf(missing !== null)(
  'a folder without client programs is told with the program that is missing',
  async () => {
    await expect(restore('custom', { clientDirectory: folder })).rejects.toThrow(
      /^data\.client: the folder ".*" has no pg_restore that runs/,
    );
  },
);

test.skipIf(missing !== null)(
  'an interruption ends the restore and leaves no file behind',
  async () => {
    const stop = new AbortController();
    const session = await server.session();
    const plan = { file: join(folder, 'custom.gz'), clientDirectory: null, mask: {} };
    const nothing = () => undefined;
    const request = {
      engine: server.engine,
      plan,
      server: server.server,
      target: session.target,
      session,
      say: nothing,
      onNote: nothing,
    };
    const onProgress = ({ message }: { message: string }) => {
      if (message.startsWith('restoring rows')) stop.abort(new Error('enough'));
    };
    await expect(
      restoreDump({ ...request, onVolume: () => Promise.resolve(), onProgress }, stop.signal),
    ).rejects.toThrow('enough');
    expect(await inside('ls /tmp')).not.toContain('rehearse-dump');
    await session[Symbol.asyncDispose]();
  },
  30_000,
);
