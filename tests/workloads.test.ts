/**
 * Statements as applications write them, each one inspected, given parameters and really run against filled tables, on
 * each server of the list: `ENGINES=postgres:14,mysql:9.7 npm test`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadConnection, Session, TableDescription } from '../src/engines/engine.ts';
import { UsageError } from '../src/errors.ts';
import { createGenerators } from '../src/generators/index.ts';
import { createRandom } from '../src/load/arrivals/random.ts';
import type { Operation } from '../src/load/load.ts';
import { type PlannedOperations, planFrom } from '../src/load/operations/operations.ts';
import { createBinder } from '../src/load/operations/values.ts';
import { seedSynthetic } from '../src/seeders/index.ts';
import type { FillingResult } from '../src/seeders/seeder.ts';
import { type BareServer, serverMissing, startBareServer, wantedServers } from './server.ts';
import { dataPlan } from './tables.ts';
import * as mysql from './workloads/mysql.ts';
import * as ormMysql from './workloads/orm-mysql.ts';
import * as ormPostgres from './workloads/orm-postgres.ts';
import * as postgres from './workloads/postgres.ts';

interface Workload {
  readonly SCHEMA: string;
  readonly ROWS: Readonly<Record<string, { readonly rows: number }>>;
  readonly INFERRED: readonly string[];
  /** Inferred, and rows are found or changed. */
  readonly TOUCHING?: readonly string[];
  readonly HINTED: readonly (readonly [string, ...string[]])[];
}

const WORKLOADS: Readonly<Record<string, Readonly<Record<string, Workload>>>> = {
  mysql: { 'every kind': mysql, frameworks: ormMysql },
  postgres: { 'every kind': postgres, frameworks: ormPostgres },
};
const LIMIT_MS = 60_000;
/** Draws of each statement: enough for another value, a null, another row. */
const DRAWS = 5;

interface Filled {
  readonly session: Session;
  readonly connection: LoadConnection;
  readonly tables: readonly TableDescription[];
  readonly generator: FillingResult['generator'];
}

for (const spec of wantedServers()) {
  const missing = await serverMissing(spec);
  const workloads = WORKLOADS[spec.engine.name];
  if (workloads === undefined) throw new Error(`no workload for ${spec.engine.name}`);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let server: BareServer;
    let folder = '';
    beforeAll(async () => {
      server = await startBareServer(spec);
      folder = await mkdtemp(join(tmpdir(), 'rehearse workloads '));
    });
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });
    for (const [name, workload] of Object.entries(workloads))
      describe(name, () => statementsOf(workload, () => ({ server, folder })));
  });
}

function statementsOf(workload: Workload, given: () => { server: BareServer; folder: string }): void {
  let filled: Filled;
  beforeAll(async () => {
    filled = await fill(given().server, workload);
  });
  afterAll(async () => {
    await filled?.connection.close();
    await filled?.session[Symbol.asyncDispose]();
  });

  const plan = async (text: string): Promise<PlannedOperations> => {
    const { server, folder } = given();
    const operationsFile = join(folder, 'workload.sql');
    await writeFile(operationsFile, text);
    const { session, tables, generator } = filled;
    const generators = createGenerators(generator);
    const settings = { operationsFile };
    return planFrom({ engine: server.engine, session, tables, settings, generators, excludedTables: [] });
  };

  const { INFERRED, TOUCHING = [], HINTED } = workload;

  test('enough statements are tried', () => {
    expect(INFERRED.length + TOUCHING.length).toBeGreaterThanOrEqual(60);
  });

  test.each(INFERRED)('inferred and run: %s', async (statement) => {
    const planned = await plan(`-- name: it\n${statement};\n`);
    expect((await called(filled, planned)).failures).toEqual([]);
  });

  test.each(TOUCHING)('inferred, run, and there are rows: %s', async (statement) => {
    const { failures, rows } = await called(filled, await plan(`-- name: it\n${statement};\n`));
    expect(failures).toEqual([]);
    expect(rows).toBeGreaterThan(0);
  });

  test.each(HINTED)('wants a hint, and runs with it: %s', async (statement, ...hints) => {
    const refusal = await plan(`-- name: it\n${statement};\n`).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(UsageError);
    expect(String(refusal)).toMatch(
      /:2: it: cannot tell where \$\d .*write a hint above the statement, "-- \$\d: /,
    );
    const planned = await plan(`-- name: it\n${hints.join('\n')}\n${statement};\n`);
    expect((await called(filled, planned)).failures).toEqual([]);
  });
}

async function fill(server: BareServer, { SCHEMA, ROWS }: Workload): Promise<Filled> {
  const { engine } = server;
  await using maker = await server.session();
  for (const { text } of engine.dialect.split(SCHEMA)) await maker.execute(text);
  const { target } = maker;
  const session = await engine.connections.connect(target, { applicationName: 'test workloads' });
  const tables = await engine.schema.describe(session);
  const request = { engine, target, administrator: target, tables, onProgress: () => undefined };
  const { generator } = await seedSynthetic(
    { ...request, data: dataPlan(null, ROWS) },
    AbortSignal.timeout(LIMIT_MS),
  );
  const connection = await engine.connections.connectLoad(target, {
    applicationName: 'test load',
    statementTimeoutMs: LIMIT_MS,
    protocol: 'prepared',
    onLost: () => undefined,
  });
  return { session, connection, tables: await engine.schema.describe(session), generator };
}

let runs = 0;

/** What the server says against the statements, and the rows of all draws; each draw is rolled back. */
async function called(
  { connection, session, generator }: Filled,
  { operations, keyPools }: PlannedOperations,
): Promise<{ readonly failures: readonly string[]; readonly rows: number }> {
  const bind = createBinder({
    keyPools,
    generators: createGenerators(generator),
    random: createRandom(7, 'values'),
  });
  const failures = new Set<string>();
  let rows = 0;
  for (const operation of operations) {
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const values = bind(operation);
      const failure = await runOnce(connection, operation, values);
      if (failure === null) rows += await rowsOf(session, operation, values);
      else failures.add(`${failure} with ${JSON.stringify(values)}`);
    }
  }
  return { failures: [...failures], rows };
}

async function rowsOf(
  session: Session,
  { statements }: Operation,
  values: ReturnType<ReturnType<typeof createBinder>>,
): Promise<number> {
  await session.execute('begin');
  let rows = 0;
  for (const [index, { text }] of statements.entries())
    rows += (await session.execute(text, values[index] ?? [])).rows ?? 0;
  await session.execute('rollback');
  return rows;
}

async function runOnce(
  connection: LoadConnection,
  { statements }: Operation,
  values: ReturnType<ReturnType<typeof createBinder>>,
): Promise<string | null> {
  const run = (name: string, text: string, row: Parameters<LoadConnection['run']>[1]) =>
    new Promise<string | null>((resolve) => {
      connection.run({ name, text }, row, (failure) =>
        resolve(failure === null ? null : `${failure.code}: ${failure.message}`),
      );
    });
  await run('', 'begin', []);
  let failure: string | null = null;
  for (const [index, { text }] of statements.entries()) {
    runs += 1;
    failure ??= await run(`it_${runs}`, text, values[index] ?? []);
  }
  await run('', 'rollback', []);
  return failure;
}
