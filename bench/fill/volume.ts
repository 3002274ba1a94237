/**
 * `node bench/fill/volume.ts [ROWS] [ENGINE] [--age]`: fills two tables with 50 M rows (or ROWS) together on Postgres (or
 * ENGINE, as mysql:9.7), ages them, and prints the speed, what ageing left behind, and the most memory that the harness
 * held; exit code 1 above 400 MiB.
 */
import { parseArgs } from 'node:util';
import { isMeasured } from '../../src/recording/figure.ts';
import { seedSynthetic } from '../../src/seeders/index.ts';
import { serverSpec, startBareServer } from '../../tests/server.ts';
import { dataPlan } from '../../tests/tables.ts';

const MEBIBYTE = 2 ** 20;
const GOAL_MIB = 400;
const SAMPLE_MS = 200;
const SAY_MS = 5_000;
/** As `data.age: light`. */
const LIGHT = { updateShare: 0.05, deleteShare: 0.01 };

const SCHEMA = [
  `create table customers (id bigint primary key, email varchar(80) not null, created_at timestamp not null,
    active boolean not null)`,
  `create table orders (id bigint primary key, customer_id bigint not null, status varchar(20) not null,
    total numeric(10,2) not null, created_at timestamp not null,
    foreign key (customer_id) references customers (id))`,
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { age: { type: 'boolean' } } });
const rows = Number(positionals[0] ?? 50_000_000);
await using server = await startBareServer(serverSpec(positionals[1] ?? 'postgres'));
await using session = await server.session();
for (const statement of SCHEMA) await session.execute(statement);
const { engine } = server;
const { target } = session;
const tables = await engine.schema.describe(session);
let peak = 0;
const sampling = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, SAMPLE_MS);
let saidAt = 0;
function say(message: string): void {
  if (performance.now() - saidAt < SAY_MS) return;
  saidAt = performance.now();
  process.stderr.write(`${message}; ${Math.round(process.memoryUsage.rss() / MEBIBYTE)} MiB\n`);
}
const peakMib = () => Math.round(peak / MEBIBYTE);

const startedAt = performance.now();
const data = {
  ...dataPlan(null, {
    customers: { rows: Math.round(rows / 5) },
    orders: { rows: Math.round((rows * 4) / 5) },
  }),
  age: values.age === true ? LIGHT : null,
};
const { filling } = await seedSynthetic(
  { engine, target, administrator: target, tables, data, onProgress: ({ message }) => say(message) },
  AbortSignal.timeout(3_600_000),
);
const seconds = (performance.now() - startedAt) / 1000;
for (const { table, rows: filled, durationMs } of filling)
  process.stdout.write(
    `${table}: ${filled} rows${durationMs === null ? '' : `, ${Math.round((filled * 1000) / durationMs)} rows/s`}\n`,
  );
process.stdout.write(
  `${rows} rows with keys in ${Math.round(seconds)} s (${Math.round(rows / seconds)} rows/s), at most ${peakMib()} MiB of memory\n`,
);
if (values.age === true) await age();
clearInterval(sampling);
process.exitCode = peakMib() <= GOAL_MIB ? 0 : 1;

async function age(): Promise<void> {
  const agedFrom = performance.now();
  const onTable = (table: string) => say(`ageing ${table}`);
  const aged = await engine.ageing.age({ session, tables, ...LIGHT, randomSeed: data.randomSeed, onTable });
  const left = await engine.ageing.bloat(session, tables);
  for (const { table, updatedRows, reinsertedRows, notAged } of aged) {
    const { deadRows, freeShare } = left.get(table) ?? {};
    const told = [deadRows, freeShare].map((figure) =>
      figure !== undefined && isMeasured(figure) ? `${figure.upper} (${figure.source})` : 'not measured',
    );
    process.stdout.write(
      `${table}: ${notAged ?? `${updatedRows} updated, ${reinsertedRows} deleted and inserted again`}; ` +
        `dead rows ${told[0]}, free share ${told[1]}\n`,
    );
  }
  process.stdout.write(
    `aged in ${Math.round((performance.now() - agedFrom) / 1000)} s, at most ${peakMib()} MiB of memory\n`,
  );
}
