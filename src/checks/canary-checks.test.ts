import { expect, test } from 'vitest';
import { between, exactly } from '../recording/figure.ts';
import type { CanaryOutage, CanaryRecord, LockWait, Recording } from '../recording/recording.ts';
import { measurementConflict } from './measurement-conflict.ts';
import {
  loadRecord,
  loadSession,
  lockWaitRecord,
  NO_BUDGETS,
  recording,
  response,
  service,
  statementRecord,
  step,
} from './recording.fixture.ts';
import { tableOutage } from './table-outage.ts';

const BUDGETS = { ...NO_BUDGETS, stallMs: 1000 };

function outage(fromMs: number, toMs: number, changes: Partial<CanaryOutage> = {}): CanaryOutage {
  const lastedMs = between(toMs - fromMs - 10, toMs - fromMs + 50, 'canary');
  return { fromMs, toMs, lastedMs, lockTimeouts: 0, ...changes };
}

function canary(kind: CanaryRecord['kind'], outages: readonly CanaryOutage[]): CanaryRecord {
  return {
    ...{ table: 'orders', kind, sessionId: 40, statement: 'select 1 from orders limit 1', intervalMs: 50 },
    ...{ due: 100, answered: 100, responses: [], outages, ended: null },
  };
}

const withCanaries = (...canaries: readonly CanaryRecord[]): Recording => recording({ canaries });

/** Of the canary's own session, as the readings of the locks show it. */
function seenWait(startedAtMs: number, waitedMs: number) {
  return lockWaitRecord(waitedMs, {
    waiter: { ...loadSession(40), owner: 'canary', applicationName: 'rehearse canary' },
    startedAtMs,
  });
}

test('a table that could not be written for longer than the stall budget fails, with the statement', () => {
  const found = tableOutage.check(withCanaries(canary('write', [outage(2150, 3400)])), BUDGETS);
  expect(found).toMatchObject([
    {
      verdict: 'fail',
      subject: 'orders',
      what: 'in which it could not be written',
      statementId: '1#1.1',
      bound: 1000,
    },
  ]);
});

test('an outage within the budget, before the migrations, or without a budget is none', () => {
  expect(tableOutage.check(withCanaries(canary('read', [outage(2150, 2900)])), BUDGETS)).toEqual([]);
  expect(tableOutage.check(withCanaries(canary('read', [outage(100, 1900)])), BUDGETS)).toEqual([]);
  expect(tableOutage.check(withCanaries(canary('read', [outage(2150, 3900)])), NO_BUDGETS)).toEqual([]);
  expect(tableOutage.check(recording(), BUDGETS)).toEqual([]);
});

test('a canary that ended early proves nothing of the rest', () => {
  const ended = { atMs: 2500, reason: 'relation "orders" does not exist' };
  const found = tableOutage.check(withCanaries({ ...canary('read', []), ended }), BUDGETS);
  expect(found).toMatchObject([
    {
      verdict: 'inconclusive',
      subject: 'orders',
      figure: { notMeasured: expect.stringContaining('does not exist') },
    },
  ]);
  const broken = tableOutage.check(
    withCanaries({ ...canary('write', [outage(2150, 3400)]), ended }),
    BUDGETS,
  );
  expect(broken.map(({ verdict }) => verdict)).toEqual(['fail', 'inconclusive']);
  const late = { ...ended, atMs: Number.MAX_SAFE_INTEGER };
  expect(tableOutage.check(withCanaries({ ...canary('read', []), ended: late }), BUDGETS)).toEqual([]);
});

test('a table that the migration drops is judged by what was seen until then, and that is said', () => {
  const ended = { atMs: 2500, reason: 'relation "orders" does not exist' };
  const dropped = {
    statementId: '1#1.1',
    relation: 'orders',
    algorithm: 'catalog only',
    detail: 'table dropped',
    source: 'pg_class',
  };
  const seeing = (outages: readonly CanaryOutage[], changes = [dropped]): Recording => ({
    ...withCanaries({ ...canary('read', outages), ended }),
    changes,
  });
  expect(tableOutage.check(seeing([]), BUDGETS)).toMatchObject([
    {
      verdict: 'pass',
      what: expect.stringContaining('then the migration dropped it'),
      figure: { lower: 500 },
      statementId: '1#1.1',
    },
  ]);
  const late = tableOutage.check(seeing([outage(2010, 3400)]), BUDGETS);
  expect(late.map(({ verdict }) => verdict)).toEqual(['fail', 'pass']);
  const renamed = { ...dropped, relation: 'sales', detail: 'renamed from orders; column note gone' };
  expect(tableOutage.check(seeing([], [renamed]), BUDGETS)).toMatchObject([
    { verdict: 'pass', what: expect.stringContaining('then the migration renamed it') },
  ]);
  const another = { ...dropped, relation: 'customers' };
  expect(tableOutage.check(seeing([], [another]), BUDGETS)).toMatchObject([{ verdict: 'inconclusive' }]);
});

test('the server and the readings of the locks that disagree about one wait are a conflict, whichever of them counts', () => {
  const told = (changes: Partial<LockWait>): Recording =>
    recording({ lockWaits: [lockWaitRecord(900, { statementId: null, ...changes })] });
  const of = (ms: number) => exactly(ms, 'the other channel');
  expect(measurementConflict.check(told({ seenMs: of(890) }), NO_BUDGETS)).toEqual([]);
  expect(measurementConflict.check(told({ seenMs: of(300) }), NO_BUDGETS)).toMatchObject([
    { verdict: 'inconclusive', figure: { lower: 900 }, details: [{ figure: { lower: 300 } }] },
  ]);
  expect(measurementConflict.check(told({ toldMs: of(860) }), NO_BUDGETS)).toEqual([]);
  expect(measurementConflict.check(told({ toldMs: of(300) }), NO_BUDGETS)).toMatchObject([
    { verdict: 'inconclusive', figure: { lower: 300 }, details: [{ figure: { lower: 900 } }] },
  ]);
});

test('a statement cannot have waited longer for its locks together than it ran', () => {
  const waited = (...lengths: readonly number[]): Recording =>
    recording({
      steps: [step({ statements: [statementRecord({ durationMs: exactly(1000, 'clock') })] })],
      lockWaits: lengths.map((ms) => lockWaitRecord(ms)),
    });
  expect(measurementConflict.check(waited(480, 510), NO_BUDGETS)).toEqual([]);
  expect(measurementConflict.check(waited(600, 610), NO_BUDGETS)).toMatchObject([
    {
      verdict: 'inconclusive',
      subject: '1_tax_rate.sql:1',
      figure: { lower: 1210 },
      details: [{ what: 'that it took', figure: { upper: 1000 } }],
    },
  ]);
});

test('an outage whose bounds hold the budget between them is inconclusive', () => {
  const found = tableOutage.check(withCanaries(canary('read', [outage(2150, 3130)])), BUDGETS);
  expect(found).toMatchObject([{ verdict: 'inconclusive' }]);
});

test('two clocks that agree are no conflict', () => {
  const canaries = [canary('read', [outage(2150, 2950)])];
  const same = { ...withCanaries(...canaries), lockWaits: [seenWait(2150, 795)] };
  expect(measurementConflict.check(same, BUDGETS)).toEqual([]);
});

test('a canary that waited longer than its session was seen to is a conflict, inconclusive with both figures', () => {
  const canaries = [canary('read', [outage(2150, 2950)])];
  const less = { ...withCanaries(...canaries), lockWaits: [seenWait(2150, 300)] };
  expect(measurementConflict.check(less, BUDGETS)).toMatchObject([
    { verdict: 'inconclusive', subject: 'orders', details: [{ figure: { upper: 300 } }] },
  ]);
  const more = { ...withCanaries(...canaries), lockWaits: [seenWait(2150, 1200)] };
  expect(measurementConflict.check(more, BUDGETS)).toMatchObject([{ verdict: 'inconclusive' }]);
});

test('a canary that gave up at its lock timeout while no wait was seen is a conflict', () => {
  const canaries = [canary('write', [outage(2150, 3300, { lockTimeouts: 1 })])];
  expect(measurementConflict.check(withCanaries(...canaries), BUDGETS)).toHaveLength(1);
  // Without readings of the locks there are no two channels.
  expect(measurementConflict.check({ ...withCanaries(...canaries), observers: [] }, BUDGETS)).toEqual([]);
});

test('a slow answer without any lock may be the disk or a processor, and is no conflict', () => {
  expect(measurementConflict.check(withCanaries(canary('read', [outage(2150, 2500)])), BUDGETS)).toEqual([]);
});

test('the waits of an outage are counted together', () => {
  const canaries = [canary('read', [outage(2050, 3900, { lockTimeouts: 1 })])];
  const lockWaits = [seenWait(2050, 1000), seenWait(3051, 845)];
  expect(measurementConflict.check({ ...withCanaries(...canaries), lockWaits }, BUDGETS)).toEqual([]);
});

test('an operation cannot have waited longer than the server took for the slowest one, whatever it waited in the pool', () => {
  const lockWaits = [
    lockWaitRecord(exactly(1500, 'pg_locks'), { waiter: loadSession(30), startedAtMs: 2200 }),
  ];
  expect(measurementConflict.check(recording({ lockWaits }), BUDGETS)).toMatchObject([
    { verdict: 'inconclusive', details: [{ what: 'that the slowest operation took' }] },
  ]);
  const slow = loadRecord({ latencies: [service('baseline', 2), service('migration', 1510)] });
  expect(measurementConflict.check(recording({ lockWaits, load: slow }), BUDGETS)).toEqual([]);
  const inPool = loadRecord({ latencies: [response('migration', 1510), service('migration', 20)] });
  expect(measurementConflict.check(recording({ lockWaits, load: inPool }), BUDGETS)).toHaveLength(1);
});

test('an operation of the warm-up, which is not timed, is no conflict', () => {
  const from = (startedAtMs: number) =>
    recording({
      lockWaits: [lockWaitRecord(exactly(3000, 'pg_locks'), { waiter: loadSession(30), startedAtMs })],
    });
  expect(measurementConflict.check(from(-50), BUDGETS)).toEqual([]);
  expect(measurementConflict.check(from(50), BUDGETS)).toHaveLength(1);
});

test('a wait that one of the server log and the readings shows nothing of is a conflict', () => {
  const unseen = recording({
    lockWaits: [lockWaitRecord(900, { statementId: null, seenMs: between(0, 45, 'no reading') })],
  });
  expect(measurementConflict.check(unseen, NO_BUDGETS)).toMatchObject([
    { details: [{ figure: { upper: 45 } }] },
  ]);
  const untold = recording({
    load: { notMeasured: 'none' },
    lockWaits: [lockWaitRecord(900, { statementId: null, untoldMs: between(0, 10, 'log') })],
  });
  expect(measurementConflict.check(untold, NO_BUDGETS)).toMatchObject([
    { verdict: 'inconclusive', figure: { lower: 900 } },
  ]);
  const short = recording({ lockWaits: [lockWaitRecord(90, { untoldMs: between(0, 10, 'log') })] });
  expect(measurementConflict.check(short, NO_BUDGETS)).toEqual([]);
});

test('files of the database that the server counts otherwise are a conflict', () => {
  const { disk } = recording();
  if ('notMeasured' in disk) throw new Error('the fixture has a disk');
  const seen = (seenBytes: number): Recording =>
    recording({
      disk: { ...disk, compared: [{ atMs: 1, seenBytes, toldBytes: between(1e9, 1.1e9, 'server') }] },
    });
  for (const bytes of [0.995e9, 1.05e9, 1.105e9])
    expect(measurementConflict.check(seen(bytes), NO_BUDGETS)).toEqual([]);
  for (const bytes of [0.9e9, 1.2e9])
    expect(measurementConflict.check(seen(bytes), NO_BUDGETS)).toMatchObject([
      { verdict: 'inconclusive', subject: 'disk', unit: 'bytes', figure: { lower: bytes } },
    ]);
});
