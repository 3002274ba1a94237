/** Against a real server: databases that something else filled, captured, filled again from the profile, and compared. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../tests/server.ts';
import type { Session } from '../engines/engine.ts';
import { PROFILE_VERSION, type Profile } from '../profile/profile.ts';
import type { DataPlan } from '../scenario/plan.ts';
import { seedSynthetic } from '../seeders/index.ts';
import type { Comparison } from './comparison.ts';
import { verifyFilling } from './verify.ts';

const LIMIT_MS = 120_000;
const FILM_RENTAL = new URL('../../tests/film-rental.sql', import.meta.url);

let server: TestServer;
let plain: Profile;
let withValues: Profile;

beforeAll(async () => {
  server = await startTestServer();
  await using production = await server.session();
  await run(production, await readFile(FILM_RENTAL, 'utf8'));
  await production.execute('vacuum analyze');
  plain = await capture(production, false);
  withValues = await capture(production, true);
}, LIMIT_MS);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function run(session: Session, script: string): Promise<void> {
  for (const { text } of server.engine.dialect.split(script)) await session.execute(text);
}

async function capture({ target }: Session, values: boolean): Promise<Profile> {
  const facts = await server.engine.capture?.read({
    target,
    values,
    schemas: [],
    statements: false,
    statementTimeoutMs: LIMIT_MS,
    say: () => undefined,
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  if (facts === undefined) throw new Error('the engine captures nothing');
  return { version: PROFILE_VERSION, harnessVersion: '0', capturedAt: new Date().toISOString(), ...facts };
}

function dataPlan(changed: Partial<DataPlan> = {}): DataPlan {
  const nothing = { schemaFile: null, restore: null, profileFile: 'profile.json', age: null, rows: null };
  return { ...nothing, scale: 1, tables: {}, randomSeed: 42, ...changed };
}

/** Fills a database of its own from one profile and holds it against another. */
async function filled(
  profile: Profile,
  { data = dataPlan(), against = profile }: { data?: DataPlan; against?: Profile } = {},
): Promise<readonly Comparison[]> {
  const { engine } = server;
  const signal = AbortSignal.timeout(LIMIT_MS);
  await using maker = await server.session();
  await run(maker, profile.schema);
  const { target } = maker;
  await using session = await engine.connections.connect(target, { applicationName: 'test verify' });
  const tables = await engine.schema.describe(session);
  const roles = { target, administrator: target };
  await seedSynthetic({ engine, ...roles, tables, data, profile, onProgress: () => undefined }, signal);
  await session.execute('vacuum analyze');
  const { tables: got } = await capture(session, false);
  return await verifyFilling({
    engine,
    session,
    profile: against,
    got,
    tables,
    data,
    say: () => undefined,
    signal,
  });
}

function outside(comparisons: readonly Comparison[]): readonly string[] {
  return comparisons
    .filter(({ verdict }) => verdict === 'outside')
    .map(
      ({ table, of, measure, wanted, got }) =>
        `${table} ${of ?? ''} ${measure}: wanted ${wanted}, got ${got}`,
    );
}

test(
  'a database that something else filled is filled again with the same statistics',
  async () => {
    const comparisons = await filled(plain);
    expect(outside(comparisons)).toEqual([]);
    const within = comparisons.filter(({ verdict }) => verdict === 'within');
    expect(within.length).toBeGreaterThan(250);
    for (const measure of ['bytes per row', 'toast per row', 'index bytes per row', 'correlation'] as const)
      expect(within.map((each) => each.measure)).toContain(measure);
  },
  LIMIT_MS,
);

test(
  'the same with values of production, and values are then among the rows',
  async () => {
    expect(outside(await filled(withValues))).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'at another scale shares, widths and order stay',
  async () => {
    expect(outside(await filled(plain, { data: dataPlan({ scale: 2 }) }))).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'rows in no order fail, and only by what they lack',
  async () => {
    const unordered = withColumns(plain, (column) => ({ ...column, correlation: null }));
    const found = outside(await filled(unordered, { against: plain }));
    expect(found).toContainEqual(expect.stringMatching(/^rental rental_date correlation: wanted (1|0\.99)/));
    expect(found.filter((line) => / (nulls|frequencies|distinct|bytes per row): /.test(line))).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'values that are all alike in frequency, and no nulls, fail',
  async () => {
    const even = withColumns(plain, (column) => ({ ...column, frequencies: [], nullFraction: 0 }));
    const found = outside(await filled(even, { against: plain }));
    expect(found).toContainEqual(expect.stringMatching(/^film rating frequencies: /));
    expect(found).toContainEqual(expect.stringMatching(/^customer notes nulls: wanted 0\.\d+, got 0$/));
  },
  LIMIT_MS,
);

function withColumns(
  profile: Profile,
  change: (
    column: Profile['tables'][number]['columns'][number],
  ) => Profile['tables'][number]['columns'][number],
): Profile {
  return {
    ...profile,
    tables: profile.tables.map((table) => ({ ...table, columns: table.columns.map(change) })),
  };
}
