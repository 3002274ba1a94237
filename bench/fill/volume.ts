/**
 * `node bench/fill/volume.ts [ROWS]`: fills two tables with 50 M rows (or ROWS) together and prints the speed and the
 * most memory that the harness held; exit code 1 above 400 MiB.
 */

import { seedSynthetic } from '../../src/seeders/index.ts';
import { serverSpec, startBareServer } from '../../tests/server.ts';
import { dataPlan } from '../../tests/tables.ts';

const ROWS = Number(process.argv[2] ?? 50_000_000);
const MEBIBYTE = 2 ** 20;
const GOAL_MIB = 400;
const SAMPLE_MS = 200;
const SAY_MS = 5_000;

const SCHEMA = `
  create table customers (id int8 primary key, email varchar(80) not null, created_at timestamptz not null, active bool not null);
  create table orders (id int8 primary key, customer_id int8 not null references customers, status text not null,
    total numeric(10,2) not null, created_at timestamptz not null);`;

await using server = await startBareServer(serverSpec('postgres'));
await using session = await server.session();
await session.execute(SCHEMA);
const { engine } = server;
const { target } = session;
const tables = await engine.schema.describe(session);
let peak = 0;
const sampling = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, SAMPLE_MS);
let saidAt = 0;
const startedAt = performance.now();
const { filling } = await seedSynthetic(
  {
    engine,
    target,
    administrator: target,
    tables,
    data: dataPlan(null, {
      customers: { rows: Math.round(ROWS / 5) },
      orders: { rows: Math.round((ROWS * 4) / 5) },
    }),
    onProgress({ message }) {
      if (performance.now() - saidAt < SAY_MS) return;
      saidAt = performance.now();
      process.stderr.write(`${message}; ${Math.round(process.memoryUsage.rss() / MEBIBYTE)} MiB\n`);
    },
  },
  AbortSignal.timeout(3_600_000),
);
clearInterval(sampling);
const seconds = (performance.now() - startedAt) / 1000;
for (const { table, rows, durationMs } of filling)
  process.stdout.write(
    `${table}: ${rows} rows${durationMs === null ? '' : `, ${Math.round((rows * 1000) / durationMs)} rows/s`}\n`,
  );
const peakMib = Math.round(peak / MEBIBYTE);
process.stdout.write(
  `${ROWS} rows with keys in ${Math.round(seconds)} s (${Math.round(ROWS / seconds)} rows/s), at most ${peakMib} MiB of memory\n`,
);
process.exitCode = peakMib <= GOAL_MIB ? 0 : 1;
