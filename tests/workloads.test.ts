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
  /** Whole operations of which each statement of each call finds or changes rows. */
  readonly HITTING?: readonly string[];
  readonly HINTED: readonly (readonly [string, ...string[]])[];
}

const WORKLOADS: Readonly<Record<string, Readonly<Record<string, Workload>>>> = {
  mysql: { 'every kind': mysql, frameworks: ormMysql },
  postgres: { 'every kind': postgres, frameworks: ormPostgres },
};
const LIMIT_MS = 60_000;
/** Draws of each statement: enough for another value, a null, another row. */
const DRAWS = 5;
/** In a row, over all tables; the long proof is REHEARSE_INSERTS=100000. */
const INSERTS = Number(process.env.REHEARSE_INSERTS ?? 1000);

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

  const { INFERRED, TOUCHING = [], HITTING = [], HINTED } = workload;

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

  for (const operation of HITTING)
    test(`there are rows at each call: ${operation}`, async () => {
      const { failures, fewest } = await called(filled, await plan(`-- name: it\n${operation};\n`));
      expect(failures).toEqual([]);
      expect(fewest).toBeGreaterThan(0);
    });

  test(`${INSERTS} derived inserts in a row break no constraint, and the same seed gives the same values`, async () => {
    const { session, tables, generator, connection } = filled;
    const generators = createGenerators(generator);
    const { engine } = given().server;
    const settings = { operationsFile: null };
    const { operations, keyPools } = await planFrom({
      ...{ engine, session, tables, settings, generators, excludedTables: [] },
    });
    const inserts = operations.filter(({ record }) => record.name.startsWith('insert'));
    expect(inserts).not.toEqual([]);
    const binder = () =>
      createBinder({
        keyPools,
        generators: createGenerators(generator),
        random: createRandom(7, 'values'),
      });
    const [one, other] = [binder(), binder()];
    const refused: string[] = [];
    await runText(connection, 'begin');
    for (let number = 0; number < INSERTS && refused.length === 0; number += 1) {
      const operation = inserts[number % inserts.length];
      if (operation === undefined) throw new Error('no insert');
      const values = one(operation);
      expect(values).toEqual(other(operation));
      const { name, text } = operation.statements[0] ?? { name: '', text: '' };
      const failure = await runText(connection, text, `long_${name}`, values[0]);
      if (failure !== null) refused.push(`${number}: ${failure} with ${JSON.stringify(values)}`);
    }
    await runText(connection, 'rollback');
    expect(refused).toEqual([]);
  }, 600_000);

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

/** What the server says against the statements, the rows of all draws, and the fewest of a statement; all is rolled back. */
async function called(
  { connection, session, generator }: Filled,
  { operations, keyPools }: PlannedOperations,
): Promise<{ readonly failures: readonly string[]; readonly rows: number; readonly fewest: number }> {
  const bind = createBinder({
    keyPools,
    generators: createGenerators(generator),
    random: createRandom(7, 'values'),
  });
  const failures = new Set<string>();
  const rows: number[] = [];
  for (const operation of operations) {
    for (let draw = 0; draw < DRAWS; draw += 1) {
      const values = bind(operation);
      const failure = await runOnce(connection, operation, values);
      if (failure === null) rows.push(...(await rowsOf(session, operation, values)));
      else failures.add(`${failure} with ${JSON.stringify(values)}`);
    }
  }
  return {
    failures: [...failures],
    rows: rows.reduce((sum, each) => sum + each, 0),
    fewest: Math.min(...rows),
  };
}

/** Of each statement. */
async function rowsOf(
  session: Session,
  { statements }: Operation,
  values: ReturnType<ReturnType<typeof createBinder>>,
): Promise<readonly number[]> {
  await session.execute('begin');
  const rows: number[] = [];
  for (const [index, { text }] of statements.entries())
    rows.push((await session.execute(text, values[index] ?? [])).rows ?? 0);
  await session.execute('rollback');
  return rows;
}

async function runOnce(
  connection: LoadConnection,
  { statements }: Operation,
  values: ReturnType<ReturnType<typeof createBinder>>,
): Promise<string | null> {
  await runText(connection, 'begin');
  let failure: string | null = null;
  for (const [index, { text }] of statements.entries()) {
    runs += 1;
    failure ??= await runText(connection, text, `it_${runs}`, values[index] ?? []);
  }
  await runText(connection, 'rollback');
  return failure;
}

/** What the server says against it; without a name it is sent as text. */
function runText(
  connection: LoadConnection,
  text: string,
  name = '',
  values: Parameters<LoadConnection['run']>[1] = [],
): Promise<string | null> {
  return new Promise((resolve) => {
    connection.run({ name, text }, values, (failure) =>
      resolve(failure === null ? null : `${failure.code}: ${failure.message}`),
    );
  });
}
