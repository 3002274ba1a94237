/** Sessions whose statements are prepared once, on real servers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serverMissing, serversOf, startTestServer, type TestServer } from '../../../../tests/server.ts';
import type { Session } from '../../engine.ts';

for (const spec of serversOf('mysql')) {
  const missing = await serverMissing(spec);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let server: TestServer;
    let session: Session;

    beforeAll(async () => {
      server = await startTestServer(spec);
      const options = { applicationName: 'prepared', prepared: true };
      session = await server.engine.connections.connect(server.roles.observer, options);
    });

    afterAll(async () => {
      await session?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    /** As the server counts for this session; the question itself goes as text, for its values are numbers. */
    async function counts(): Promise<Readonly<Record<string, number>>> {
      const rows = await session.query<{ Variable_name: string; Value: string }>(
        "show session status where variable_name in ('Com_stmt_prepare', 'Com_stmt_execute') and 1 = ?",
        [1],
      );
      return Object.fromEntries(rows.map(({ Variable_name: name, Value: value }) => [name, Number(value)]));
    }

    test('a text is prepared when it is first sent, and executed from then on', async () => {
      const before = await counts();
      for (const word of ['a', null, "it's ?"])
        expect(await session.query('select 1 as one, ? as word', [word])).toEqual([{ one: 1, word }]);
      expect(await counts()).toEqual({
        Com_stmt_prepare: (before.Com_stmt_prepare ?? 0) + 1,
        Com_stmt_execute: (before.Com_stmt_execute ?? 0) + 3,
      });
    });

    test('what cannot be prepared goes as text', async () => {
      for (let time = 0; time < 2; time += 1) await session.query('use information_schema');
      expect(await session.query('select database() as name')).toEqual([{ name: 'information_schema' }]);
    });
  });
}
