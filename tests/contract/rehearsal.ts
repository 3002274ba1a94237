/** The contract of the whole: a small rehearsal, and migrations in the layout of every tool. */
import { expect, test } from 'vitest';
import { rehearse } from '../../src/index.ts';
import { isMeasured } from '../../src/recording/figure.ts';
import type { Recording } from '../../src/recording/recording.ts';
import { findTool } from '../../src/tools/index.ts';
import { directoryWith, migrate, summary } from '../migrating.ts';
import { databasePlan, type TestServer } from '../server.ts';
import { SHOP } from './schemas.ts';

const FIRST = 'alter table orders add column tax int;\n';
const SECOND =
  "create index orders_by_quantity on orders (quantity);\ninsert into regions values ('fr', 'idf');\n";

/** The same two migrations as each tool has them. */
const LAYOUTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  sql: { '1_tax.sql': FIRST, '2_index.sql': SECOND },
  dbmate: {
    '1_tax.sql': `-- migrate:up\n${FIRST}-- migrate:down\n`,
    '2_index.sql': `-- migrate:up\n${SECOND}-- migrate:down\n`,
  },
  'golang-migrate': { '1_tax.up.sql': FIRST, '2_index.up.sql': SECOND },
  flyway: { 'V1__tax.sql': FIRST, 'V2__index.sql': SECOND },
  prisma: { '1_tax/migration.sql': FIRST, '2_index/migration.sql': SECOND },
  drizzle: {
    'meta/_journal.json': JSON.stringify({
      entries: [
        { tag: '1_tax', when: 1 },
        { tag: '2_index', when: 2 },
      ],
    }),
    '1_tax.sql': FIRST,
    '2_index.sql': SECOND.replace(';\n', ';\n--> statement-breakpoint\n'),
  },
};

/** Those that are rehearsed as a whole, under load; the others differ from them in their layout and ledger alone. */
const REHEARSED = ['sql', 'dbmate'] as const;

export function rehearsalContract(given: () => TestServer): void {
  test.each(Object.keys(LAYOUTS))(
    '%s: both migrations take effect, and the ledger knows them then',
    async (name) => {
      const { engine, spec } = given();
      await using session = await given().session();
      for (const statement of SHOP) await session.execute(statement);
      await using directory = await directoryWith(LAYOUTS[name] ?? {});
      const run = () =>
        migrate(
          { engine, tool: findTool(name), target: session.target, flavor: spec.flavor },
          directory.path,
        );
      const { steps, thrown, found } = await run();
      expect(thrown).toBeNull();
      expect(found.pending).toHaveLength(2);
      expect(steps.map((step) => summary(step).replace(/^\S+ /, ''))).toEqual([
        'applied: ok took effect',
        'applied: ok took effect, ok took effect',
      ]);
      const orders = (await engine.schema.describe(session)).find((table) => table.name === 'orders');
      expect(orders?.columns.map((column) => column.name)).toContain('tax');
      expect(await session.query("select code from regions where country = 'fr'")).toEqual([{ code: 'idf' }]);
      // Without a ledger everything is pending for ever.
      if (name === 'sql') return;
      expect((await run()).found.pending).toEqual([]);
    },
  );

  // Beside each other, since most of the time goes into starting servers.
  test.concurrent.each(REHEARSED)(
    'a rehearsal under load from an empty server to its recording: %s',
    async (tool) => {
      const { spec } = given();
      await using directory = await directoryWith({
        'schema.sql': SHOP.map((statement) => `${statement};\n`).join('\n'),
        ...Object.fromEntries(
          Object.entries(LAYOUTS[tool] ?? {}).map(([name, text]) => [`migrations/${name}`, text]),
        ),
      });
      const { provision } = databasePlan(spec);
      const recording = await rehearse(
        {
          name: `contract-${tool}`,
          database: {
            engine: spec.flavor,
            version: spec.version,
            ...(provision === 'container' ? { provision } : {}),
          },
          data: { schema: 'schema.sql', tables: { customers: { rows: 200 }, orders: { rows: 2_000 } } },
          load: { rate: '60/s', pool: { size: 4 }, warmUp: '200ms', baseline: '1s', recovery: '1s' },
          migrations: { tool, directory: 'migrations', lockTimeout: '2s' },
          drills: [{ longReader: { table: 'orders', at: '-300ms', for: '900ms' } }],
        },
        { directory: directory.path, signal: AbortSignal.timeout(150_000) },
      );
      expectComplete(recording, spec.flavor);
    },
  );
}

function expectComplete(recording: Recording, flavor: string): void {
  expect(recording.ended).toEqual({ how: 'completed' });
  expect(recording.servers).toMatchObject([{ role: 'rehearsal', flavor }]);
  const rows = recording.filling.map(({ table, rows: filled }) => [table, filled]);
  expect(rows).toContainEqual(['orders', 2_000]);
  expect(recording.steps.map(({ outcome }) => outcome)).toEqual(['applied', 'applied']);
  expect(recording.changes.length).toBeGreaterThanOrEqual(2);
  const wait = recording.lockWaits.find(({ waiter }) => waiter.owner === 'migration');
  expect(wait).toMatchObject({ relation: 'orders', blockers: [{ owner: 'drill' }], ended: 'granted' });
  expect(wait !== undefined && isMeasured(wait.waitedMs) && wait.waitedMs.upper).toBeGreaterThan(200);
  expect('before' in recording.disk && sum(recording.disk.before.areas)).toBeGreaterThan(100_000);
  const { load } = recording;
  if ('notMeasured' in load) throw new Error(load.notMeasured);
  expect(load.windows.map(({ window }) => window)).toEqual(['baseline', 'migration', 'recovery']);
  for (const { due, completed, failed, dropped, inFlight } of load.windows) {
    expect(completed).toBeGreaterThan(0);
    expect(completed + failed + dropped + inFlight).toBe(due);
  }
}

function sum(areas: Readonly<Record<string, number>>): number {
  return Object.values(areas).reduce((total, bytes) => total + bytes, 0);
}
