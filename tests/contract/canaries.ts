/** The contract of canaries: each test makes the lock that they are the witnesses of. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { measurementConflict } from '../../src/checks/measurement-conflict.ts';
import type { Session } from '../../src/engines/engine.ts';
import { CANARY_INTERVAL_MS } from '../../src/observers/canaries/canary.ts';
import { startCanaries, startObservers } from '../../src/observers/index.ts';
import type { Recorder } from '../../src/recording/recorder.ts';
import type { CanaryOutage, CanaryRecord, Recording } from '../../src/recording/recording.ts';
import { bareRecorder } from '../recorder.ts';
import { eventually, type TestServer } from '../server.ts';
import type { Fixture } from './fixtures.ts';

const NO_BUDGETS = {
  ...{ lockWaitMs: null, stallMs: null, durationMs: null, diskGrowthPeak: null },
  ...{ failedOperations: null, latencyP99: null, replicaLagMs: null },
};

export function canariesContract(given: () => TestServer, fixture: Fixture): void {
  let migrator: Session;
  beforeAll(async () => {
    migrator = await given().connect('migrator');
    await migrator.execute('create table canary_rows (id int primary key, note varchar(20))');
    await migrator.execute('create table other_rows (id int primary key)');
    await migrator.execute("insert into canary_rows values (1, 'one')");
  });
  afterAll(() => migrator[Symbol.asyncDispose]());

  /** Runs something while canaries and the observers of the locks look on. */
  async function watched(work: (recorder: Recorder) => Promise<void>): Promise<Recording> {
    const { engine, server, roles } = given();
    const recorder = bareRecorder('canaries');
    const tables = await engine.schema.describe(migrator);
    await using observers = await startObservers({ engine, server, roles, recorder });
    await using canaries = await startCanaries({
      ...{ engine, server, roles, recorder, tables },
      migrationTexts: ['alter table Canary_Rows add column total int'],
    });
    const startedAtMs = recorder.now();
    // The first one of each is due within an interval and a half.
    await eventually('some probes', () => recorder.now() - startedAtMs > 2.5 * CANARY_INTERVAL_MS);
    await work(recorder);
    const endedMs = recorder.now();
    await eventually('some more probes', () => recorder.now() - endedMs > 1.5 * CANARY_INTERVAL_MS);
    await canaries[Symbol.asyncDispose]();
    await observers[Symbol.asyncDispose]();
    recorder.setWindow({ name: 'migration', startedAtMs, endedAtMs: recorder.now() });
    return recorder.recording({ how: 'completed' });
  }

  interface Held {
    readonly recording: Recording;
    /** The lock was held for at least and at most so long, by the clock of the session that held it. */
    readonly leastMs: number;
    readonly mostMs: number;
  }

  async function hold(statements: readonly string[], seconds: number): Promise<Held> {
    const times = { askedMs: 0, lockedMs: 0, releasingMs: 0, releasedMs: 0 };
    const recording = await watched(async (recorder) => {
      times.askedMs = recorder.now();
      for (const statement of statements) await migrator.execute(statement);
      times.lockedMs = recorder.now();
      await migrator.query(fixture.sleep(seconds));
      times.releasingMs = recorder.now();
      await migrator.execute(fixture.holding.release);
      times.releasedMs = recorder.now();
    });
    const { askedMs, lockedMs, releasingMs, releasedMs } = times;
    return { recording, leastMs: releasingMs - lockedMs, mostMs: releasedMs - askedMs };
  }

  const canaryOf = ({ canaries = [] }: Recording, kind: CanaryRecord['kind']): CanaryRecord | undefined =>
    canaries.find((each) => each.kind === kind && each.table === 'canary_rows');
  const outagesOf = (recording: Recording, kind: CanaryRecord['kind']): readonly CanaryOutage[] =>
    canaryOf(recording, kind)?.outages ?? [];

  function expectOutage({ recording, leastMs, mostMs }: Held, kind: CanaryRecord['kind']): void {
    const outages = outagesOf(recording, kind);
    const [longest] = outages.toSorted((one, other) => other.toMs - other.fromMs - (one.toMs - one.fromMs));
    expect(longest?.lastedMs).toMatchObject({ upper: expect.any(Number) });
    if (longest === undefined || !('upper' in longest.lastedMs)) return;
    // The truth lies between the bounds.
    expect(longest.lastedMs.upper).toBeGreaterThanOrEqual(leastMs);
    expect(longest.lastedMs.lower).toBeLessThanOrEqual(mostMs);
    expect(longest.lastedMs.lower).toBeGreaterThan(0);
    const canary = canaryOf(recording, kind);
    const waits = recording.lockWaits.filter(({ waiter }) => waiter.sessionId === canary?.sessionId);
    expect(waits.length).toBeGreaterThan(0);
    expect(waits.every(({ waiter }) => waiter.owner === 'canary')).toBe(true);
  }

  test('a table that cannot be read is told with the time, and so is that it cannot be written', async () => {
    const held = await hold(fixture.holding.reads('canary_rows'), 0.7);
    expectOutage(held, 'read');
    expectOutage(held, 'write');
    expect(measurementConflict.check(held.recording, NO_BUDGETS)).toEqual([]);
    // The other table is not named in the migration.
    expect(held.recording.canaries?.every(({ table }) => table === 'canary_rows')).toBe(true);
  });

  test('a table that can be read but not written has readers all the time', async () => {
    const held = await hold(fixture.holding.writes('canary_rows'), 0.7);
    expectOutage(held, 'write');
    // What the machine itself delayed was no wait for a lock.
    const { sessionId } = canaryOf(held.recording, 'read') ?? {};
    expect(held.recording.lockWaits.filter(({ waiter }) => waiter.sessionId === sessionId)).toEqual([]);
    expect(outagesOf(held.recording, 'read').every(({ lockTimeouts }) => lockTimeouts === 0)).toBe(true);
  });

  test('an outage longer than the lock timeout of a canary is one outage, to its end', async () => {
    const held = await hold(fixture.holding.reads('canary_rows'), 2.3);
    expectOutage(held, 'read');
    const long = outagesOf(held.recording, 'read').filter(({ lockTimeouts }) => lockTimeouts > 0);
    expect(long).toHaveLength(1);
    expect(long[0]?.lockTimeouts).toBeGreaterThanOrEqual(2);
    expect(measurementConflict.check(held.recording, NO_BUDGETS)).toEqual([]);
  });

  test('a table that is gone ends its canaries, and that is told', async () => {
    await migrator.execute('create table short_lived (id int primary key)');
    const { engine, server, roles } = given();
    const recorder = bareRecorder('canaries');
    const tables = await engine.schema.describe(migrator);
    await using canaries = await startCanaries({
      ...{ engine, server, roles, recorder, tables },
      migrationTexts: ['drop table short_lived'],
    });
    const before = recorder.now();
    await eventually('some probes', () => recorder.now() - before > 2.5 * CANARY_INTERVAL_MS);
    await migrator.execute('drop table short_lived');
    const after = recorder.now();
    await eventually('some more', () => recorder.now() - after > 1.5 * CANARY_INTERVAL_MS);
    await canaries[Symbol.asyncDispose]();
    const recording = recorder.recording({ how: 'completed' });
    expect(recording.canaries?.map(({ ended }) => ended?.reason)).toEqual([
      expect.stringContaining('short_lived'),
      expect.stringContaining('short_lived'),
    ]);
    expect(recording.notMeasured).toMatchObject([
      {
        what: 'canary of short_lived',
        reason: expect.stringMatching(/could be read from \S+ s on is not known/),
      },
      {
        what: 'canary of short_lived',
        reason: expect.stringMatching(/could be written from \S+ s on is not known/),
      },
    ]);
    expect(recording.canaries?.every(({ answered }) => answered > 0)).toBe(true);
  });
}
