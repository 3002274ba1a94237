/** Real deadlocks, of either kind, in place of the probe's measuring. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  eventually,
  serverMissing,
  serversOf,
  startTestServer,
  type TestServer,
} from '../../../../tests/server.ts';
import type { StatementEffects } from '../../../recording/recording.ts';
import type { Session } from '../../engine.ts';
import { untilNoDeadlock } from './deadlocks.ts';

const EFFECTS = { source: 'here' } as StatementEffects;

for (const spec of serversOf('mysql')) {
  const missing = await serverMissing(spec);
  describe.skipIf(missing !== null)(missing ?? spec.name, () => {
    let server: TestServer;
    let one: Session;
    let other: Session;
    let administrator: Session;

    beforeAll(async () => {
      server = await startTestServer(spec);
      one = await server.connect('migrator');
      other = await server.connect('migrator');
      administrator = await server.connect('administrator');
      for (const table of ['a', 'b']) {
        await one.execute(`create table if not exists ${table} (id int primary key, n int)`);
        await one.execute(`replace into ${table} values (1, 1)`);
      }
    }, 180_000);

    afterAll(async () => {
      for (const session of [one, other, administrator]) await session[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    const waiting = (session: Session): Promise<true> =>
      eventually(`session ${session.id} waits`, async () => {
        const [row] = await administrator.query<{ state: string | null }>(
          'select p.state as state from information_schema.processlist p where p.id = ?',
          [session.id],
        );
        return row !== undefined && /updating|metadata lock/i.test(row.state ?? '') ? true : null;
      });

    /** Runs `first`, then `second` once that waits; the error of the victim is thrown. */
    async function cross(first: () => Promise<unknown>, second: () => Promise<unknown>): Promise<void> {
      const waits = first().finally(() => other.execute('rollback'));
      const settled = Promise.allSettled([waits]);
      await waiting(other);
      const [ends] = await Promise.allSettled([second().finally(() => one.execute('rollback'))]);
      const [end] = await settled;
      for (const session of [one, other]) await session.execute('unlock tables');
      for (const each of [ends, end]) if (each?.status === 'rejected') throw each.reason;
    }

    async function rows(): Promise<void> {
      for (const session of [one, other]) await session.execute('begin');
      await one.execute('update a set n = n + 1');
      await other.execute('update b set n = n + 1');
      await cross(
        () => other.execute('update a set n = n + 1'),
        () => one.execute('update b set n = n + 1'),
      );
    }

    async function metadata(): Promise<void> {
      await one.execute('begin');
      await one.query('select * from b');
      await cross(
        () => other.execute('lock tables a write, b write'),
        () => one.query('select * from a'),
      );
    }

    test.each([
      { kind: 'row locks', deadlock: rows },
      { kind: 'metadata locks', deadlock: metadata },
    ])('a deadlock among $kind is measured anew, and told', async ({ kind, deadlock }) => {
      let times = 0;
      const effects = await untilNoDeadlock(administrator, async () => {
        times += 1;
        if (times === 1) await deadlock();
        return EFFECTS;
      });
      expect(times).toBe(2);
      expect(effects.source).toBe(`here; measured anew after a deadlock among ${kind}`);
    });
  });
}
