/**
 * Schemas on real servers, random ones and those that well-known kinds of applications have (a forum on Rails, Django's own
 * tables, a booking product of many tenants, an event store with two levels of partitions, constraints that few schemas
 * have; a film rental with shapes and sets, a blog and a shop with attributes as rows): what the server takes as DDL is
 * filled, with every constraint, index and trigger back as it was, or one clear error names table, constraint and setting
 * before anything is half done.
 *
 *     RANDOM_SCHEMAS=300 RANDOM_SEED=7 ENGINES=postgres,mysql:9.7,mariadb:11.8 npm test -- schemas-filled
 *
 * tries more of them, or others; without the two variables it is the same small number each time.
 */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fillTwice, type Outcome, tryToFill } from './random-schemas/filling.ts';
import { mysqlSchemas } from './random-schemas/mysql.ts';
import { postgresSchemas } from './random-schemas/postgres.ts';
import type { RandomSchema } from './random-schemas/seeds.ts';
import { type BareServer, type ServerSpec, serverMissing, startBareServer, wantedServers } from './server.ts';

const RUNS = Number(process.env.RANDOM_SCHEMAS || 6);
const SEED = Number(process.env.RANDOM_SEED || 2);
/** Of the schemas that the server took; the others ask for what no row can be, or what only their author knows. */
const FILLED_SHARE = 0.6;
/** Every so many schemas are filled again, with the same seed and with more rows. */
const TWICE_EVERY = 4;

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  postgres: ['forum', 'django', 'booking', 'event-store', 'constraints'],
  mysql: ['sakila', 'shop'],
};
const KNOWN_ROWS = 500;

function schemasFor({ flavor }: ServerSpec): fc.Arbitrary<RandomSchema> {
  return flavor === 'postgres' ? postgresSchemas : mysqlSchemas(flavor);
}

for (const spec of wantedServers()) {
  const missing = await serverMissing(spec);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let server: BareServer;
    beforeAll(async () => {
      server = await startBareServer(spec);
    });
    afterAll(() => server?.[Symbol.asyncDispose]());

    test.each(KNOWN[spec.engine.name] ?? [])('%s is filled, and every constraint is back', async (name) => {
      await using session = await server.session();
      const ddl = await readFile(new URL(`known-schemas/${name}.sql`, import.meta.url), 'utf8');
      const outcome = await tryToFill(session, server.engine, { ddl, rows: KNOWN_ROWS });
      expect(outcome).toMatchObject({ kind: 'filled' });
    });

    test('a random schema is filled, or one clear error says why not', {
      timeout: 60_000 + RUNS * 10_000,
    }, async () => {
      const counts: Record<Outcome['kind'], number> = { discarded: 0, filled: 0, refused: 0, broken: 0 };
      let number = 0;
      const property = fc.asyncProperty(schemasFor(spec), async (schema) => {
        number += 1;
        await using session = await server.session();
        const outcome = await tryToFill(session, server.engine, schema);
        counts[outcome.kind] += 1;
        expect(outcome.kind, outcome.message).not.toBe('broken');
        if (outcome.kind !== 'filled' || number % TWICE_EVERY !== 0) return;
        await using other = await server.session();
        const [first, again] = await fillTwice({ session, other, engine: server.engine }, schema);
        expect(again).toEqual(first);
      });
      // To make a failing schema smaller takes many fillings.
      await fc.assert(property, {
        numRuns: RUNS,
        seed: SEED,
        endOnFailure: process.env.RANDOM_SCHEMAS === undefined,
      });
      console.info(`${spec.name}: ${JSON.stringify(counts)}`);
      expect(counts.filled / Math.max(1, number - counts.discarded)).toBeGreaterThan(FILLED_SHARE);
    });
  });
}
