/**
 * One suite for every engine, written against the engine interface alone: `ENGINES=postgres:14,mysql:9.7 npm test`. What
 * must differ in its SQL is in contract/fixtures.ts.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { ageingContract } from './contract/ageing.ts';
import { canariesContract } from './contract/canaries.ts';
import { connectionsContract } from './contract/connections.ts';
import { dialectContract } from './contract/dialect.ts';
import { fillingContract } from './contract/filling.ts';
import { fixtureOf } from './contract/fixtures.ts';
import { loadConnectionsContract } from './contract/load-connections.ts';
import { loadOutcomesContract } from './contract/load-outcomes.ts';
import { recipeContract } from './contract/recipe.ts';
import { rehearsalContract } from './contract/rehearsal.ts';
import { rolesContract } from './contract/roles.ts';
import { schemaContract } from './contract/schema.ts';
import { viewsContract } from './contract/views.ts';
import { serverMissing, startTestServer, type TestServer, wantedServers } from './server.ts';

for (const spec of wantedServers()) {
  const missing = await serverMissing(spec);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    const fixture = fixtureOf(spec);
    let server: TestServer;
    const given = () => server;
    beforeAll(async () => {
      server = await startTestServer(spec);
    });
    afterAll(() => server?.[Symbol.asyncDispose]());

    describe('recipe', () => recipeContract(given, fixture));
    describe('connections', () => connectionsContract(given, fixture));
    describe('roles', () => rolesContract(given));
    describe('load connections', () => loadConnectionsContract(given, fixture));
    describe('load outcomes', () => loadOutcomesContract(given, fixture));
    describe('dialect', () => dialectContract(given, fixture));
    describe('schema', () => schemaContract(given, fixture));
    describe('filling', () => fillingContract(given, fixture));
    describe('ageing', () => ageingContract(given));
    describe('views', () => viewsContract(given, fixture));
    describe('canaries', () => canariesContract(given, fixture));
    describe('rehearsal', () => rehearsalContract(given));
  });
}
