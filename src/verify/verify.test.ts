/** Against a real server: databases that something else filled, captured, filled again from the profile, and compared. */

import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  captureFrom,
  outside,
  profileData,
  type Refilling,
  refilled,
  runScript,
} from '../../tests/refilled.ts';
import { startTestServer, type TestServer } from '../../tests/server.ts';
import type { Session } from '../engines/engine.ts';
import type { Profile } from '../profile/profile.ts';
import type { Comparison } from './comparison.ts';

const LIMIT_MS = 120_000;
const FILM_RENTAL = new URL('../../tests/film-rental.sql', import.meta.url);

let server: TestServer;
let plain: Profile;
let withValues: Profile;

beforeAll(async () => {
  server = await startTestServer();
  await using production = await server.session();
  await runScript(server, production, await readFile(FILM_RENTAL, 'utf8'));
  await analyze(production);
  plain = await captureFrom(server, production, false);
  withValues = await captureFrom(server, production, true);
}, LIMIT_MS);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function analyze(session: Session): Promise<void> {
  await session.execute('vacuum analyze');
}

function filled(profile: Profile, changed: Partial<Refilling> = {}): Promise<readonly Comparison[]> {
  return refilled({ server, profile, analyze, ...changed });
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
    expect(outside(await filled(plain, { data: profileData({ scale: 0.5 }) }))).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'numbers are as wide as production has them, without its values',
  async () => {
    await using production = await server.session();
    await runScript(
      server,
      production,
      `create table small (id int primary key, a numeric(12,2) not null, b numeric not null, code varchar(20) not null);
       insert into small select n, (n % 977) / 4.0, n % 50, (hashint4(n) & 1023)::text from generate_series(1, 30000) n;
       create table large (id int primary key, a numeric(18,2) not null, b numeric(20,8) not null, c numeric, d numeric(9,0));
       insert into large select n, n * 12345.67, n / 7.0, n * 10007::bigint * 9973, n * 31 from generate_series(1, 30000) n`,
    );
    await analyze(production);
    const comparisons = await filled(await captureFrom(server, production, false));
    expect(outside(comparisons)).toEqual([]);
    const bytes = comparisons.filter(({ measure }) => measure === 'bytes per row');
    for (const { wanted, got } of bytes) expect(Math.abs((got ?? 0) / (wanted ?? 1) - 1)).toBeLessThan(0.05);
    expect(bytes).toHaveLength(2);
  },
  LIMIT_MS,
);

test(
  'worn, of a smaller volume too, indexes are as large as production says',
  async () => {
    await using production = await server.session();
    await runScript(
      server,
      production,
      `create table accounts (id int primary key, owner int not null, filler char(84));
       insert into accounts select n, hashint4(n) % 100000, '' from generate_series(1, 200000) n;
       create index accounts_owner on accounts (owner)`,
    );
    await analyze(production);
    const profile = await captureFrom(server, production, false);
    for (const scale of [1, 0.25]) {
      const data = profileData({ scale, age: { updateShare: 0.05, deleteShare: 0.01 } });
      const comparisons = await filled(profile, { data });
      expect(outside(comparisons)).toEqual([]);
      expect(comparisons.filter(({ measure }) => measure === 'index bytes per row').length).toBe(2);
    }
  },
  LIMIT_MS,
);

test(
  'rows in no order, values alike in frequency and no nulls fail',
  async () => {
    const even = withColumns(plain, (column) => ({
      ...column,
      correlation: null,
      frequencies: [],
      nullFraction: 0,
    }));
    const found = outside(await filled(even, { against: plain }));
    expect(found).toContainEqual(expect.stringMatching(/^rental rental_date correlation: wanted (1|0\.99)/));
    expect(found).toContainEqual(expect.stringMatching(/^film rating frequencies: /));
    expect(found).toContainEqual(expect.stringMatching(/^customer notes nulls: wanted 0\.\d+, got 0$/));
    expect(found.filter((line) => / rows: /.test(line))).toEqual([]);
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

const pgbench = await execa('pgbench', ['--version'], { reject: false }).then(
  ({ exitCode }) => exitCode === 0,
);

test(
  'pgbench, after some of its load',
  async (context) => {
    if (!pgbench) context.skip('pgbench is not installed');
    await using production = await server.session();
    const { target } = production;
    const env = {
      PGHOST: target.socket ?? target.host,
      PGPORT: String(target.port),
      PGUSER: target.user,
      PGPASSWORD: target.password,
      PGDATABASE: target.database,
    };
    await execa('pgbench', ['--initialize', '--quiet', '--scale', '10', '--foreign-keys'], { env });
    await execa('pgbench', ['--transactions', '2000', '--client', '4', '--skip-some-updates'], { env });
    await analyze(production);
    const comparisons = await filled(await captureFrom(server, production, false));
    expect(outside(comparisons)).toEqual([]);
    const rows = comparisons.find(({ table, measure }) => table === 'pgbench_accounts' && measure === 'rows');
    expect(rows?.got).toBe(rows?.wanted);
    expect(rows?.got).toBeGreaterThan(990_000);
  },
  LIMIT_MS,
);
