/** `npm run bench:fill [-- --engine postgres:18 | mysql:9.7 | mariadb:11.8]`: how fast tables are filled. */
import { serverSpec, startBareServer } from '../tests/server.ts';
import { measureMysql } from './fill/mysql.ts';
import { measurePostgres } from './fill/postgres.ts';
import { type Benchmark, benchmark } from './pairs.ts';

const SUITES: Readonly<Record<string, typeof measureMysql>> = {
  mysql: measureMysql,
  postgres: measurePostgres,
};

await benchmark('bench:fill', async (run: Benchmark) => {
  const spec = serverSpec(run.options.engine);
  await using server = await startBareServer(spec);
  run.describe(`${spec.name} ${server.server.version}, ${server.server.description}, filling profile`);
  await SUITES[spec.engine.name]?.(run, server);
});
