/** Filling on MySQL and MariaDB, against LOAD DATA INFILE by the server itself and against sysbench. */
import type { Session } from '../../src/engines/engine.ts';
import { EnvironmentError } from '../../src/errors.ts';
import type { DataPlan } from '../../src/scenario/plan.ts';
import { seedSynthetic } from '../../src/seeders/index.ts';
import type { BareServer } from '../../tests/server.ts';
import { dataPlan } from '../../tests/tables.ts';
import type { Benchmark } from '../pairs.ts';
import { runSysbench } from '../sysbench.ts';

/** Some ten seconds of work for each side: planning and starting the streams takes us half a second to one. */
const ORDERS_ROWS = 3_000_000;
const SBTEST_ROWS = 1_000_000;

/** No index but the primary key: what is compared is the loading of rows. */
const ORDERS = `
  create table orders (
    id bigint unsigned not null auto_increment primary key,
    customer_id bigint unsigned not null,
    status varchar(20) not null,
    total decimal(12,2) not null,
    currency char(3) not null,
    quantity int unsigned not null,
    email varchar(120) not null,
    note varchar(200),
    reference varchar(36) not null,
    created_at datetime(6) not null,
    updated_at datetime
  ) charset utf8mb4`;
const ORDERS_DATA = dataPlan(null, { orders: { rows: ORDERS_ROWS } });

/** As sysbench's oltp_common.lua creates it; its values have 119 and 59 characters. */
const SBTEST = `
  create table sbtest1 (
    id integer not null auto_increment,
    k integer default '0' not null,
    c char(120) default '' not null,
    pad char(60) default '' not null,
    primary key (id),
    key k_1 (k)
  )`;
const SBTEST_DATA = dataPlan(null, {
  sbtest1: { rows: SBTEST_ROWS, columns: { c: { width: 119 }, pad: { width: 59 } } },
});

export async function measureMysql({ measure, signal }: Benchmark, server: BareServer): Promise<void> {
  const file = await writeOrders(server, signal);
  await measure({
    name: 'orders / LOAD DATA INFILE of the same rows',
    unit: 'rows/s',
    goal: { atLeast: 0.9 },
    ours: () => filled(server, { schema: ORDERS, data: ORDERS_DATA, signal }),
    peer: () => loadedByServer(server, file),
  });
  await measure({
    name: 'sbtest1 with its index / sysbench prepare',
    unit: 'rows/s',
    goal: { atLeast: 1.5 },
    ours: () => filled(server, { schema: SBTEST, data: SBTEST_DATA, signal }),
    peer: () => prepared(server, signal),
  });
}

interface Fill {
  readonly schema: string;
  readonly data: DataPlan;
  readonly signal: AbortSignal;
}

/** Rows per second of the whole filling: planning, rows, indexes, sizes. */
async function filled(server: BareServer, fill: Fill): Promise<number> {
  await using session = await emptyDatabase(server);
  await session.execute(fill.schema);
  return await seeded(server, session, fill);
}

async function seeded({ engine }: BareServer, session: Session, { data, signal }: Fill): Promise<number> {
  const tables = await engine.schema.describe(session);
  const { target } = session;
  const onProgress = () => undefined;
  const request = { engine, target, administrator: target, tables, data, onProgress };
  const rows = Object.values(data.tables).reduce((sum, table) => sum + (table.rows ?? 0), 0);
  return rate(rows, async () => void (await seedSynthetic(request, signal)));
}

/** Where the server may write and read files; the rows as text, in the order of the primary key. */
async function writeOrders(server: BareServer, signal: AbortSignal): Promise<string> {
  await using session = await emptyDatabase(server);
  await session.execute(ORDERS);
  await seeded(server, session, { schema: ORDERS, data: ORDERS_DATA, signal });
  const [row] = await session.query<{ folder: string | null }>(
    "select coalesce(nullif(@@secure_file_priv, ''), @@datadir) as folder",
  );
  if (row?.folder == null) throw new EnvironmentError('the server may not read a file: set secure_file_priv');
  const file = `${row.folder.replace(/\/$/, '')}/rehearse-orders.txt`;
  await session.execute(
    `select * from orders order by id into outfile ${server.engine.dialect.quoteLiteral(file)} character set utf8mb4`,
  );
  return file;
}

async function loadedByServer(server: BareServer, file: string): Promise<number> {
  await using session = await emptyDatabase(server);
  await session.execute(ORDERS);
  await session.execute('set foreign_key_checks = 0');
  const load = `load data infile ${server.engine.dialect.quoteLiteral(file)} into table orders character set utf8mb4`;
  return await rate(ORDERS_ROWS, async () => {
    const { rows } = await session.execute(load);
    if (rows !== ORDERS_ROWS) throw new Error(`LOAD DATA INFILE loaded ${rows} of ${ORDERS_ROWS} rows`);
  });
}

async function prepared(server: BareServer, signal: AbortSignal): Promise<number> {
  await using session = await emptyDatabase(server);
  const size = ['--tables=1', `--table-size=${SBTEST_ROWS}`, '--threads=1'];
  const rowsPerSecond = await rate(SBTEST_ROWS, () =>
    runSysbench(session.target, ['oltp_read_write', ...size, 'prepare'], signal).then(() => undefined),
  );
  const [row] = await session.query<{ total: number }>('select count(*) as total from sbtest1');
  if (Number(row?.total) !== SBTEST_ROWS)
    throw new Error(`sysbench made ${row?.total} of ${SBTEST_ROWS} rows`);
  return rowsPerSecond;
}

/** A session in a database of its own, which goes with it. */
async function emptyDatabase(server: BareServer): Promise<Session> {
  const session = await server.session();
  const drop = `drop database ${server.engine.dialect.quote(session.target.database)}`;
  return {
    ...session,
    async [Symbol.asyncDispose]() {
      await session.execute(drop);
      await session[Symbol.asyncDispose]();
    },
  };
}

async function rate(rows: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return rows / ((performance.now() - startedAt) / 1000);
}
