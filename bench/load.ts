/**
 * `npm run bench:load [-- --engine postgres:18 | mysql:9.7 | mariadb:11.8]`: whether the load tells the truth about a stall, keeps its schedule, and
 * what it costs. Every figure drives the shipped load.
 */
import { EnvironmentError } from '../src/errors.ts';
import { type BareServer, serverSpec, startBareServer } from '../tests/server.ts';
import { measureMysqlLoad } from './load/mysql.ts';
import { measurePostgresLoad } from './load/postgres.ts';
import { type Benchmark, benchmark } from './pairs.ts';

const SUITES: Readonly<Record<string, (run: Benchmark, server: BareServer) => Promise<void>>> = {
  mysql: measureMysqlLoad,
  postgres: measurePostgresLoad,
};

await benchmark('bench:load', async (run: Benchmark) => {
  const spec = serverSpec(run.options.engine);
  const measure = SUITES[spec.engine.name];
  if (measure === undefined) throw new EnvironmentError(`bench:load has no figures for ${spec.name}`);
  await using server = await startBareServer(spec);
  await server.server.useProfile('rehearsal');
  run.describe(`${spec.name} ${server.server.version}, ${server.server.description}, rehearsal profile`);
  await measure(run, server);
});
