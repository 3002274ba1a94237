/** Every way in which an operation can fail, produced on the server: its class, code, count, instant, statement and message. */
import { expect, test } from 'vitest';
import type { Session } from '../../src/engines/engine.ts';
import { startLoad } from '../../src/load/index.ts';
import type { LoadPlan, Operation, RunningLoad } from '../../src/load/load.ts';
import type { LoadRecord, OutcomeRecord } from '../../src/recording/recording.ts';
import type { LoadSettings } from '../../src/scenario/plan.ts';
import { crash } from '../crash.ts';
import { eventually, type TestServer } from '../server.ts';
import type { Fixture } from './fixtures.ts';

/** A value of ours that no message may tell. */
const SECRET = 77_777;

/** A killed server on a busy machine takes its time to recover. */
const ENOUGH_LIMIT_MS = 60_000;
/** No more than the pool can serve, so that the end does not wait for a queue. */
const SLOW: Partial<LoadSettings> = { ratePerSecond: 20 };

interface Wanted {
  readonly name: string;
  readonly statements: readonly string[];
  readonly transaction?: boolean;
  readonly weight?: number;
}

export function loadOutcomesContract(given: () => TestServer, fixture: Fixture): void {
  const { codes } = fixture;
  const placeholder = (position: number) => given().engine.dialect.placeholder(position);

  /** A statement may have one parameter, which is {@link SECRET}. */
  const operationOf = ({ name, statements, transaction = false, weight = 1 }: Wanted): Operation => ({
    record: { name, statements, weight, kind: 'write', tables: [], codeVersion: 'running' },
    transaction,
    statements: statements.map((text, index) => ({
      name: index === 0 ? name : `${name}#${index + 1}`,
      text,
      written: text,
      references: text.includes(placeholder(1)) ? ['$1'] : [],
      parameters: text.includes(placeholder(1)) ? [{ from: 'integer', min: SECRET, max: SECRET }] : [],
    })),
  });

  function planOf(session: Session, wanted: readonly Wanted[], change: Partial<LoadSettings> = {}): LoadPlan {
    return {
      engine: given().engine.name,
      target: session.target,
      settings: {
        ratePerSecond: 200,
        arrivals: 'poisson',
        pool: { size: 8, instances: 1, checkoutTimeoutMs: null, maxQueue: 10_000 },
        statementTimeoutMs: null,
        protocol: 'prepared',
        operationsFile: null,
        nextOperationsFile: null,
        profileFile: null,
        rateIsWritten: true,
        warmUpMs: 0,
        baselineMs: 0,
        recoveryMs: 0,
        threads: 1,
        program: null,
        ...change,
      },
      operations: wanted.map(operationOf),
      keyPools: [],
      generator: { randomSeed: 1, tables: [] },
      randomSeed: 1,
      epochMs: performance.timeOrigin + performance.now(),
    };
  }

  /** Runs the operations until `enough`, and holds the identity. */
  async function record(
    plan: LoadPlan,
    enough: (load: RunningLoad) => Promise<boolean> | boolean,
  ): Promise<{ record: LoadRecord; openedMs: number }> {
    await using load = await startLoad(plan, new AbortController().signal);
    const openedMs = await load.open('migration');
    await eventually('what the load is for', () => enough(load), ENOUGH_LIMIT_MS);
    const finished = await load.finish();
    for (const { due, completed, failed, dropped, inFlight } of finished.windows)
      expect(due).toBe(completed + failed + dropped + inFlight);
    const counted = finished.outcomes.reduce((sum, { count }) => sum + count, 0);
    const { failed = 0, dropped = 0 } = finished.windows[0] ?? {};
    expect(counted).toBe(failed + dropped);
    for (const { firstAtMs, message } of finished.outcomes) {
      expect(firstAtMs).toBeGreaterThanOrEqual(openedMs);
      expect(message).not.toBe('');
      expect(message).not.toContain(String(SECRET));
    }
    return { record: finished, openedMs };
  }

  const facts = (outcomes: readonly OutcomeRecord[]) =>
    outcomes
      .map(({ operation, outcome, code, statement }) => [operation, outcome, code, statement])
      .toSorted(([one], [other]) => String(one).localeCompare(String(other)));

  test('constraints and names that are not there', async () => {
    await using session = await given().session();
    await session.execute('create table parents (id int primary key)');
    await session.execute(
      `create table children (
        id int primary key, parent int not null, n int, constraint enough check (n < 1000),
        constraint owned foreign key (parent) references parents (id)
      )`,
    );
    await session.execute(`insert into parents values (1)`);
    await session.execute(`insert into children values (${SECRET}, 1, 1)`);
    const one = placeholder(1);
    const wanted: readonly (readonly [string, string, string, string | readonly string[]])[] = [
      ['check', `insert into children values (1, 1, ${one})`, 'constraint violation', codes.check],
      ['column', `select nope from children where id = ${one}`, 'undefined object', codes.undefinedColumn],
      ['foreign key', `insert into children values (1, ${one}, 1)`, 'constraint violation', codes.foreignKey],
      ['function', `select nope(${SECRET})`, 'undefined object', codes.undefinedFunction],
      ['not null', `insert into children values (${one}, null, 1)`, 'constraint violation', codes.notNull],
      ['table', `select 1 from nope where id = ${one}`, 'undefined object', codes.undefinedTable],
      ['unique', `insert into children values (${one}, 1, 1)`, 'constraint violation', codes.unique],
    ];
    const operations = wanted.map(([name, text]) => ({ name, statements: [text] }));
    const { record: found } = await record(planOf(session, operations), (load) => load.pulse().failed > 100);
    expect(facts(found.outcomes)).toEqual(
      wanted.map(([name, text, outcome, code]) => [
        name,
        outcome,
        typeof code === 'string' ? code : expect.toSatisfy((told: string) => code.includes(told)),
        text,
      ]),
    );
    expect(found.outcomes.find(({ operation }) => operation === 'check')?.message).toContain('enough');
    expect(found.windows[0]?.completed).toBe(0);
  });

  test('a pool that is used up: no connection in time, no room to wait, and statements that last too long', async () => {
    await using session = await given().session();
    const plan = planOf(session, [{ name: 'endless', statements: [fixture.endless] }], {
      pool: { size: 2, instances: 1, checkoutTimeoutMs: 100, maxQueue: 5 },
      statementTimeoutMs: 150,
    });
    const { record: found } = await record(
      plan,
      (load) => load.pulse().dropped > 20 && load.pulse().failed > 20,
    );
    const names = found.outcomes.map(({ outcome, statement }) => [outcome, statement]);
    expect(names).toContainEqual(['pool timeout', null]);
    expect(names).toContainEqual(['dropped', null]);
    expect(names).toContainEqual(['statement timeout', fixture.endless]);
    expect(new Set(found.outcomes.map(({ outcome }) => outcome)).size).toBe(3);
  });

  test('rows that are locked for too long, in the second statement of a transaction', async () => {
    await using session = await given().session();
    await session.execute('create table t (id int primary key)');
    await session.execute('insert into t values (1)');
    await session.execute('begin');
    await session.execute('select id from t where id = 1 for update');
    const statements = [fixture.shortLockWaits, 'delete from t where id = 1'];
    const plan = planOf(session, [{ name: 'remove', statements, transaction: true }], SLOW);
    const { record: found } = await record(plan, (load) => load.pulse().failed > 2);
    await session.execute('rollback');
    expect(facts(found.outcomes)).toEqual([['remove', 'lock timeout', codes.lockTimeout, statements[1]]]);
  });

  test('transactions that lock each other out', async () => {
    await using session = await given().session();
    await session.execute('create table t (id int primary key, n int)');
    await session.execute('insert into t values (1, 0), (2, 0)');
    const statements = (first: number, second: number) => [
      `update t set n = n + 1 where id = ${first}`,
      fixture.sleep(0.05),
      `update t set n = n + 1 where id = ${second}`,
    ];
    const plan = planOf(
      session,
      [
        { name: 'up', statements: statements(1, 2), transaction: true },
        { name: 'down', statements: statements(2, 1), transaction: true },
      ],
      SLOW,
    );
    const { record: found } = await record(plan, (load) => load.pulse().failed > 1);
    for (const { outcome, code, operation, statement } of found.outcomes) {
      expect([outcome, code]).toEqual(['deadlock', codes.deadlock]);
      expect(statements(operation === 'up' ? 1 : 2, operation === 'up' ? 2 : 1)).toContain(statement);
    }
    expect(found.outcomes.length).toBeGreaterThan(0);
  });

  test.skipIf(fixture.serialization === null)(
    'a transaction whose rows were changed behind its back',
    async () => {
      const { first, codes: serializationCodes } = fixture.serialization ?? { first: '', codes: [] };
      await using session = await given().session();
      await session.execute('create table t (id int primary key, n int)');
      await session.execute('insert into t values (1, 0)');
      const statements = [
        first,
        'select n from t where id = 1',
        fixture.sleep(0.02),
        'update t set n = n + 1 where id = 1',
      ];
      const plan = planOf(session, [{ name: 'count', statements, transaction: true }]);
      const { record: found } = await record(plan, (load) => load.pulse().failed > 10);
      expect(facts(found.outcomes)).toEqual([
        ['count', 'serialization failure', serializationCodes[0], statements[3]],
      ]);
    },
  );

  test('a table that was changed under a prepared statement or an older transaction', async () => {
    await using session = await given().session();
    await session.execute('create table a (n int)');
    await session.execute('create table c (n int)');
    const { statements, change } = fixture.changedUnder;
    const plan = planOf(session, [{ name: 'read', statements, transaction: statements.length > 1 }], {
      ratePerSecond: 50,
    });
    let changes = 0;
    const { record: found } = await record(plan, async (load) => {
      if (load.pulse().completed < 20) return false;
      changes += 1;
      if (changes < 20) await session.execute(change.replace('%n', String(changes)));
      return load.pulse().failed > 5;
    });
    expect(facts(found.outcomes)).toEqual([
      ['read', 'cached plan changed', codes.changedUnder, statements.at(-1)],
    ]);
  });

  test('a connection that is ended under its statement', async () => {
    await using session = await given().session();
    const plan = planOf(session, [{ name: 'sleep', statements: [fixture.sleep(0.2)] }], SLOW);
    const { record: found } = await record(plan, async (load) => {
      if (load.pulse().completed < 20) return false;
      const [victim] = await session.query<{ id: number }>(fixture.others);
      if (victim !== undefined) await session.execute(fixture.terminate(victim.id)).catch(() => undefined);
      return load.pulse().failed > 5;
    });
    expect(facts(found.outcomes)).toEqual([
      ['sleep', 'connection lost', expect.any(String), fixture.sleep(0.2)],
    ]);
  });

  test('a server that is killed and comes back: lost connections are opened again, and nothing is lost count of', async () => {
    await using session = await given().session();
    const plan = planOf(session, [{ name: 'sleep', statements: [fixture.sleep(0.02)] }], {
      pool: { size: 8, instances: 1, checkoutTimeoutMs: 500, maxQueue: 200 },
    });
    let atDeath: number | null = null;
    let lost: { readonly completed: number } | null = null;
    const { record: found } = await record(plan, async (load) => {
      const { completed, failed } = load.pulse();
      if (atDeath === null) {
        if (completed < 50) return false;
        const [backend] = await session.query<{ id: number }>(fixture.others);
        atDeath = completed;
        await crash(given(), backend?.id ?? Number.NaN);
      }
      if (lost === null && failed > 0) lost = { completed };
      return lost !== null && completed > lost.completed + 300;
    });
    const outcomes = found.outcomes.map(({ outcome }) => outcome);
    expect(outcomes).toContain('connection lost');
    expect(['connection lost', 'pool timeout', 'dropped']).toEqual(expect.arrayContaining(outcomes));
  });
}
