/** Filling on Postgres, against the server's own COPY, pgbench, faker called per value, ten times the rows, two streams. */
import { availableParallelism } from 'node:os';
import { faker } from '@faker-js/faker/locale/en';
import type { CellValue, Session, TableDescription } from '../../src/engines/engine.ts';
import type { TableFilling } from '../../src/recording/recording.ts';
import type { DataPlan } from '../../src/scenario/plan.ts';
import { seedSynthetic } from '../../src/seeders/index.ts';
import type { BareServer } from '../../tests/server.ts';
import { dataPlan } from '../../tests/tables.ts';
import type { Benchmark } from '../pairs.ts';
import { initialisePgbench } from '../pgbench.ts';
import { type CpuPerRow, cpuPerRow, inWords, mostOfTwoStreams, usual } from './cpu.ts';

/** Some seconds of work for each side. */
const ROWS = 2_000_000;
const FAKER_ROWS = 50_000;
const PGBENCH_SCALE = 50;

/** Twelve columns, about 300 bytes a row, no index: what is compared is the loading of rows. */
const orders = (name: string) => `
  create table ${name} (
    id int8 not null,
    customer_id int8 not null,
    status text not null check (status in ('open', 'paid', 'void')),
    email varchar(120) not null,
    city text not null,
    quantity int4 not null,
    total numeric(12,2) not null,
    created_at timestamptz not null,
    shipped_at timestamptz,
    token uuid not null,
    paid bool not null,
    note varchar(200) not null
  );`;
const INDEXES = `
  alter table orders add primary key (id);
  create index on orders (customer_id);`;

/** As pgbench 15 creates them; it adds the primary keys after the rows, which the filling does by itself. */
const PGBENCH_TABLES = `
  create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
  create table pgbench_tellers (tid int not null primary key, bid int, tbalance int, filler char(84)) with (fillfactor = 100);
  create table pgbench_accounts (aid int not null primary key, bid int, abalance int, filler char(84)) with (fillfactor = 100);
  create table pgbench_branches (bid int not null primary key, bbalance int, filler char(88)) with (fillfactor = 100);`;
/** The rows that pgbench makes: no balance, and a filler that the server pads. */
const only = (value: string) => ({ values: [{ value, weight: 1 }], nullFraction: 0 });
const ACCOUNT = { bid: { nullFraction: 0 }, abalance: only('0'), filler: only('') };
const PGBENCH_DATA = dataPlan(null, {
  pgbench_accounts: { rows: 100_000 * PGBENCH_SCALE, columns: ACCOUNT },
  pgbench_tellers: { rows: 10 * PGBENCH_SCALE },
  pgbench_branches: { rows: PGBENCH_SCALE },
  pgbench_history: { rows: 0 },
});

export async function measurePostgres(
  { measure, describe, signal }: Benchmark,
  server: BareServer,
): Promise<void> {
  const fill = (schema: string, data: DataPlan, streams?: number) =>
    filled(server, { schema, data, signal, ...(streams === undefined ? {} : { streams }) });
  const ofOneStream: (CpuPerRow | null)[] = [];
  const oneStream = async () => {
    const made = await fill(orders('orders'), dataPlan(ROWS), 1);
    ofOneStream.push(made.cpu);
    return rowsPerSecond(made);
  };
  const ofFaker: (CpuPerRow | null)[] = [];
  await using session = await server.session();
  await session.execute(orders('orders'));
  await measure({
    name: 'one stream, generation included / COPY FROM file (FORMAT binary) of the same rows',
    unit: 'rows/s',
    goal: { atLeast: 0.8 },
    ours: oneStream,
    peer: () => loadedByServer(server, session, signal),
  });
  await measure({
    name: 'pgbench tables with keys and vacuum / pgbench -i',
    unit: 'rows/s',
    goal: { atLeast: 1 },
    ours: async () => {
      const { ms } = await fill(PGBENCH_TABLES, PGBENCH_DATA);
      return (100_000 * PGBENCH_SCALE * 1000) / ms;
    },
    peer: () => initialised(server, 'dtgvp', signal),
  });
  await measure({
    name: 'pgbench tables, rows alone / pgbench -i -I dtg',
    unit: 'rows/s',
    goal: { atLeast: 1 },
    ours: async () => {
      const { loadedMs } = await fill(PGBENCH_TABLES.replaceAll(' primary key', ''), PGBENCH_DATA);
      return (100_000 * PGBENCH_SCALE * 1000) / loadedMs;
    },
    peer: () => initialised(server, 'dtg', signal),
  });
  const twoTables = async (streams?: number) => {
    const made = await fill(orders('orders') + orders('returns'), dataPlan(ROWS), streams);
    return { cpu: made.cpu, rate: (2 * ROWS * 1000) / made.loadedMs };
  };
  await measure({
    name: 'two tables, as many streams as by default / faker called for each value, through COPY',
    unit: 'rows/s',
    goal: { atLeast: 15 },
    ours: async () => (await twoTables()).rate,
    peer: async () => {
      let rate = 0;
      const load = async () => {
        rate = await loadedByFaker(server, session, signal);
        return FAKER_ROWS;
      };
      ofFaker.push(await cpuPerRow(server.server, load));
      return rate;
    },
  });
  sayOneStream(describe, usual(ofOneStream), usual(ofFaker));
  const perRow = async (rows: number) => {
    const { ms } = await fill(orders('orders') + INDEXES, dataPlan(rows));
    return (ms * 1000) / rows;
  };
  await measure({
    name: 'time per row of 10 M rows with two indexes / of 1 M',
    unit: 'us/row',
    goal: { atMost: 1.1 },
    ours: () => perRow(10_000_000),
    peer: () => perRow(1_000_000),
  });
  const cpuBy = new Map<number, (CpuPerRow | null)[]>();
  const cpuWith = async (streams: number) => {
    const { cpu, rate } = await twoTables(streams);
    cpuBy.set(streams, [...(cpuBy.get(streams) ?? []), cpu]);
    return rate;
  };
  await measure({
    name: 'two streams / one stream, two tables',
    unit: 'rows/s',
    goal: { atLeast: 1.1 },
    ours: () => cpuWith(2),
    peer: () => cpuWith(1),
  });
  sayTwoStreams(describe, usual(cpuBy.get(1) ?? []), usual(cpuBy.get(2) ?? []));
}

type Describe = Benchmark['describe'];

/** Where the server's side of one connection is the slower one, no generator makes one stream faster. */
function sayOneStream(describe: Describe, ours: CpuPerRow | null, faker: CpuPerRow | null): void {
  if (ours === null || faker === null) return;
  const most = Math.max(faker.harness, faker.server) / Math.max(ours.harness, ours.server);
  describe(
    `  CPU of a row through one stream: ${inWords(ours)}, with faker called for each value: ${inWords(faker)}: one ` +
      `stream can be at most ${most.toFixed(1)} times as fast`,
  );
}

function sayTwoStreams(describe: Describe, one: CpuPerRow | null, two: CpuPerRow | null): void {
  if (one === null || two === null) return;
  const cores = availableParallelism();
  describe(
    `  CPU of a row through one stream: ${inWords(one)}, through two: ${inWords(two)}: two streams on ${cores} cores ` +
      `can be at most ${mostOfTwoStreams(one, two, cores).toFixed(2)} times as fast as one`,
  );
}

interface Fill {
  readonly schema: string;
  readonly data: DataPlan;
  readonly streams?: number;
  readonly signal: AbortSignal;
}

interface Filled {
  /** Whole filling: planning, rows, indexes, sizes, VACUUM. */
  readonly ms: number;
  /** The same without VACUUM. */
  readonly loadedMs: number;
  /** Without VACUUM; null where the server's cannot be seen. */
  readonly cpu: CpuPerRow | null;
  readonly tables: readonly TableFilling[];
}

/** In a database of its own, which goes with all its files afterwards. */
async function filled(server: BareServer, { schema, signal, ...wanted }: Fill): Promise<Filled> {
  const { engine } = server;
  await using session = await server.session();
  await session.execute(schema);
  const tables = await engine.schema.describe(session);
  const { target } = session;
  const startedAt = performance.now();
  const request = { engine, target, administrator: target, tables, ...wanted, onProgress: () => undefined };
  let filling: readonly TableFilling[] = [];
  const cpu = await cpuPerRow(server.server, async () => {
    filling = (await seedSynthetic(request, signal)).filling;
    return filling.reduce((sum, { rows }) => sum + rows, 0);
  });
  const loadedMs = performance.now() - startedAt;
  // As pgbench ends; our own filling goes on with a checkpoint, for the baseline's sake.
  for (const { name } of tables) await session.execute(`vacuum (analyze) ${name}`);
  const ms = performance.now() - startedAt;
  await drop(session, tables);
  return { ms, loadedMs, cpu, tables: filling };
}

async function drop(session: Session, tables: readonly TableDescription[]): Promise<void> {
  await session.execute(`drop table ${tables.map(({ name }) => name).join(', ')}; checkpoint`);
}

/** Of the rows alone, from the first one made to the last one loaded. */
function rowsPerSecond({ tables }: Filled): number {
  const [table] = tables;
  if (table === undefined || table.durationMs === null) throw new Error('nothing was filled');
  return (table.rows * 1000) / table.durationMs;
}

/** The same rows, frozen in the transaction that emptied the table, as a single stream of ours loads them. */
async function loadedByServer(server: BareServer, session: Session, signal: AbortSignal): Promise<number> {
  const [directory] = await session.query<{ data_directory: string }>('show data_directory');
  const file = `${directory?.data_directory}/bench-rows.bin`;
  const { engine } = server;
  const tables = await engine.schema.describe(session);
  const { target } = session;
  const onProgress = () => undefined;
  const data = dataPlan(ROWS);
  const empty = tables.map((table) => ({ ...table, hasRows: false }));
  await seedSynthetic({ engine, target, administrator: target, tables: empty, data, onProgress }, signal);
  await session.execute(`copy orders to '${file}' with (format binary)`);
  await session.execute('begin; truncate orders');
  const startedAt = performance.now();
  await session.execute(`copy orders from '${file}' with (format binary, freeze)`);
  await session.execute('commit');
  const ms = performance.now() - startedAt;
  await session.execute('truncate orders; checkpoint');
  return (ROWS * 1000) / ms;
}

/** `steps` as pgbench names them: drop, create tables, generate, vacuum, primary keys. */
async function initialised(server: BareServer, steps: string, signal: AbortSignal): Promise<number> {
  await using session = await server.session();
  const startedAt = performance.now();
  await initialisePgbench(session.target, ['-I', steps, '-s', String(PGBENCH_SCALE)], signal);
  const ms = performance.now() - startedAt;
  await drop(session, await server.engine.schema.describe(session));
  return (100_000 * PGBENCH_SCALE * 1000) / ms;
}

/** Ten values of each row come from faker, as seed scripts make them; the same loader takes them to the server. */
async function loadedByFaker({ engine }: BareServer, session: Session, signal: AbortSignal): Promise<number> {
  const [table] = await engine.schema.describe(session);
  if (table === undefined) throw new Error('no table');
  const startedAt = performance.now();
  await engine.filling.bulkLoad({
    target: session.target,
    table,
    columns: table.columns.map(({ name }) => name),
    rows: fakerRows(),
    alone: false,
    onProgress: () => undefined,
    signal,
  });
  const ms = performance.now() - startedAt;
  await session.execute('truncate orders');
  return (FAKER_ROWS * 1000) / ms;
}

function* fakerRows(): Generator<readonly CellValue[], void> {
  for (let id = 1; id <= FAKER_ROWS; id += 1)
    yield [
      String(id),
      String(faker.number.int({ min: 1, max: FAKER_ROWS })),
      faker.helpers.arrayElement(['open', 'paid', 'void']),
      faker.internet.email(),
      faker.location.city(),
      String(faker.number.int({ min: 1, max: 10 })),
      faker.commerce.price(),
      faker.date.past().toISOString(),
      faker.date.recent().toISOString(),
      faker.string.uuid(),
      String(faker.datatype.boolean()),
      faker.lorem.paragraph().slice(0, 200),
    ];
}
