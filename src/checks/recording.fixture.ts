/** A small recording in which nothing went wrong, for tests to change one thing in. */
import { exactly, type Figure } from '../recording/figure.ts';
import { createHistogram, record, type StoredHistogram, storeHistogram } from '../recording/histogram.ts';
import type {
  Budgets,
  LatencyRecord,
  LoadRecord,
  LoadSlot,
  LockWait,
  Recording,
  SessionRecord,
  StatementRecord,
  Step,
  WindowName,
} from '../recording/recording.ts';

/** Baseline 0 to 2 s, migration 2 to 4 s, recovery 4 to 5 s; a step runs from 2.1 s to 2.2 s. */
export const WINDOWS: Recording['windows'] = [
  { name: 'baseline', startedAtMs: 0, endedAtMs: 2000 },
  { name: 'migration', startedAtMs: 2000, endedAtMs: 4000 },
  { name: 'recovery', startedAtMs: 4000, endedAtMs: 5000 },
];

export const NO_BUDGETS: Budgets = {
  lockWaitMs: null,
  stallMs: null,
  durationMs: null,
  diskGrowthPeak: null,
  failedOperations: null,
  latencyP99: null,
  replicaLagMs: null,
};

export const ALL_BUDGETS: Budgets = {
  lockWaitMs: 500,
  stallMs: 1000,
  durationMs: 60_000,
  diskGrowthPeak: { ratio: 2 },
  failedOperations: 0,
  latencyP99: { ratio: 5 },
  replicaLagMs: null,
};

export function statementRecord(changes: Partial<StatementRecord> = {}): StatementRecord {
  return {
    id: '1#1.1',
    index: 1,
    attempt: 1,
    text: 'alter table orders add column tax_rate numeric',
    line: 1,
    startedAtMs: 2100,
    durationMs: exactly(100, 'clock'),
    sessionId: 10,
    outcome: 'ok',
    effect: 'took effect',
    rows: null,
    error: null,
    ...changes,
  };
}

export function step(changes: Partial<Step> = {}): Step {
  return {
    version: '1',
    name: 'tax_rate',
    file: '1_tax_rate.sql',
    outcome: 'applied',
    transaction: 'one',
    startedAtMs: 2100,
    endedAtMs: 2200,
    attempts: 1,
    statements: [statementRecord()],
    error: null,
    ...changes,
  };
}

export const MIGRATION: SessionRecord = {
  sessionId: 10,
  owner: 'migration',
  applicationName: 'rehearse migration',
  statement: 'alter table orders add column tax_rate numeric',
  state: 'active',
};
export const READER: SessionRecord = {
  sessionId: 20,
  owner: 'other',
  applicationName: 'psql',
  statement: 'select count(*) from orders',
  state: 'active',
};

export function loadSession(sessionId: number): SessionRecord {
  return {
    sessionId,
    owner: 'load',
    applicationName: 'rehearse load',
    statement: 'select 1',
    state: 'active',
  };
}

export function lockWaitRecord(waitedMs: Figure | number, changes: Partial<LockWait> = {}): LockWait {
  return {
    server: 'rehearsal',
    waiter: MIGRATION,
    blockers: [READER],
    target: 'relation',
    relation: 'orders',
    mode: 'AccessExclusiveLock',
    startedAtMs: 2100,
    waitedMs: typeof waitedMs === 'number' ? exactly(waitedMs, 'pg_locks.waitstart') : waitedMs,
    ended: 'granted',
    statementId: '1#1.1',
    ...changes,
  };
}

/** `times` values of one length. */
export function histogramOf(ms: number, times: number): StoredHistogram {
  const histogram = createHistogram();
  for (let index = 0; index < times; index += 1) record(histogram, ms * 1000);
  return storeHistogram(histogram);
}

export function response(window: WindowName, ms: number, times = 200): LatencyRecord {
  return { operation: 'get_order', window, kind: 'response', histogram: histogramOf(ms, times) };
}

export function service(window: WindowName, ms: number, times = 200): LatencyRecord {
  return { ...response(window, ms, times), kind: 'service' };
}

function slots(): readonly LoadSlot[] {
  return Array.from({ length: 50 }, (_, index) => ({
    atMs: index * 100,
    due: 10,
    completed: 10,
    failed: 0,
    dropped: 0,
    maxResponseMs: 2,
    poolQueue: 0,
    inFlight: 1,
  }));
}

export function loadRecord(changes: Partial<LoadRecord> = {}): LoadRecord {
  const window = (name: WindowName, due: number) => ({
    window: name,
    due,
    completed: due,
    failed: 0,
    dropped: 0,
    inFlight: 0,
    waitedInPool: 0,
  });
  return {
    ratePerSecond: 100,
    arrivals: 'poisson',
    arrivalsHash: '0'.repeat(64),
    pool: { size: 10, instances: 1, checkoutTimeoutMs: 2000, maxQueue: 1000 },
    statementTimeoutMs: null,
    operations: [
      {
        name: 'get_order',
        statements: ['select * from orders where id = $1'],
        weight: 1,
        kind: 'read',
        tables: ['orders'],
        codeVersion: 'running',
      },
    ],
    windows: [window('baseline', 200), window('migration', 200), window('recovery', 100)],
    latencies: [response, service].flatMap((latency) => [
      latency('baseline', 2),
      latency('migration', 2),
      latency('recovery', 2, 100),
    ]),
    outcomes: [],
    slotMs: 100,
    slots: slots(),
    stalls: [],
    selfCheck: {
      offeredPerSecond: 100,
      achievedPerSecond: 100,
      scheduleLagMsP99: exactly(1, 'load'),
      eventLoopDelayMsP99: exactly(1, 'node'),
      utilization: exactly(0.1, 'node'),
      cpuCores: exactly(0.1, 'node'),
    },
    ...changes,
  };
}

export function recording(changes: Partial<Recording> = {}): Recording {
  return {
    format: 'migration-rehearsal/recording',
    formatVersion: 2,
    harnessVersion: '0.1.0',
    scenario: 'orders-tax-rate',
    startedAt: '2026-03-02T09:14:07.512Z',
    endedAtMs: 5100,
    ended: { how: 'completed' },
    randomSeed: 42,
    machine: { cores: 2, memoryBytes: 8e9, platform: 'linux-x64', nodeVersion: '24.0.0' },
    servers: [
      {
        role: 'rehearsal',
        engine: 'postgres',
        flavor: 'postgres',
        version: '18.4',
        provisioner: 'embedded',
        description: 'embedded 18.4 (npm)',
        settings: [],
        clockOffsetMs: exactly(0, 'clock'),
      },
    ],
    phases: [],
    filling: [{ table: 'orders', rows: 1000, bytes: exactly(1e6, 'size'), durationMs: 10, generated: true }],
    windows: WINDOWS,
    load: loadRecord(),
    steps: [step()],
    migrations: { tool: 'sql', directory: 'migrations', lockTimeoutMs: null, applied: [], pending: ['1'] },
    lockWaits: [],
    heldLocks: [],
    disk: {
      server: 'rehearsal',
      source: 'files',
      before: { atMs: 2000, areas: { tables: 1e6, log: 1e6 } },
      peak: { atMs: 2150, areas: { tables: 2e6, log: 1e6 } },
      after: { atMs: 4000, areas: { tables: 1e6, log: 1e6 } },
      samples: [],
      logWrittenBytes: exactly(1000, 'lsn'),
      relations: [],
      freeBytesBefore: exactly(1e9, 'statfs'),
    },
    progress: [],
    changes: [],
    drills: [],
    observers: [{ name: 'locks', samples: 100, intervalMs: 20, cpuMs: exactly(5, 'cpu'), trouble: [] }],
    budgets: NO_BUDGETS,
    notMeasured: [],
    notes: [],
    ...changes,
  };
}
