/** What holds where a scenario says nothing, each with its why. Pure. */
import type { Budgets } from '../recording/recording.ts';
import type {
  AgePlan,
  ColumnDataPlan,
  DrillPlan,
  LoadSettings,
  MigrationsPlan,
  TableDataPlan,
} from './plan.ts';
import type { CheckedBudgets, CheckedScenario, POOL_PRESET_NAMES } from './scenario.ts';

/** Enough for a table not to fit into a few pages or a blink, and filled in well under a minute. */
export const DEFAULT_ROWS = 1_000_000;
/** Any fixed number: two runs of the same scenario meet the same rows and the same load. */
export const DEFAULT_RANDOM_SEED = 42;

/** A busy service on one server; low enough that a laptop's database is not the limit. */
const RATE_PER_SECOND = 100;
/** pg_stat_activity of a typical service shows ten to thirty connections. */
const POOL_SIZE = 20;
/** ActiveRecord's; long enough for a hiccup, short enough that users see errors in an outage, as they would. */
const CHECKOUT_TIMEOUT_MS = 5_000;
/** A bound for our own memory, not a property of the application: 100 s of outage at 1000/s. */
const MOST_QUEUED = 100_000;
/** The usual limit of a web request, beyond which nobody waits for the answer. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** Connections opened, statements prepared, caches warm. */
const WARM_UP_MS = 2_000;
/** 1000 operations at the default rate: the smallest number with a p99 made of ten operations. */
const BASELINE_MS = 10_000;
/** The queue of an outage as long as the stall budget drains well within it. */
const RECOVERY_MS = 10_000;

/** With a backoff of 1 s growing to 10 s this is a minute and a half of trying, as deployment scripts do. */
const RETRIES = 10;
const BACKOFF_MS = 1_000;

/** The trouble is there before the migration begins. */
const DRILL_AT_MS = -1_000;

interface PoolPreset {
  readonly size: number;
  readonly checkoutTimeoutMs: number | null;
}

/**
 * Defaults of the libraries. None of them limits its queue or knows of several instances, so those keep our defaults.
 *
 * - node-postgres: `max` 10, `connectionTimeoutMillis` 0, which waits for ever
 *   (https://node-postgres.com/apis/pool)
 * - HikariCP: `maximumPoolSize` 10, `connectionTimeout` 30 s
 *   (https://github.com/brettwooldridge/HikariCP#frequently-used)
 * - ActiveRecord: `pool` 5, `checkout_timeout` 5 s
 *   (https://api.rubyonrails.org/classes/ActiveRecord/ConnectionAdapters/ConnectionPool.html)
 * - SQLAlchemy: `pool_size` 5 and `max_overflow` 10, which makes 15 at most, `pool_timeout` 30 s
 *   (https://docs.sqlalchemy.org/en/20/core/pooling.html#sqlalchemy.pool.QueuePool)
 */
const POOL_PRESETS: Readonly<Record<(typeof POOL_PRESET_NAMES)[number], PoolPreset>> = {
  'node-postgres': { size: 10, checkoutTimeoutMs: null },
  HikariCP: { size: 10, checkoutTimeoutMs: 30_000 },
  ActiveRecord: { size: 5, checkoutTimeoutMs: 5_000 },
  SQLAlchemy: { size: 15, checkoutTimeoutMs: 30_000 },
};

/**
 * Limits that most teams would agree on: half a second in a queue is a page that feels slow, a second without any answer
 * is an incident, a deployment is watched for a quarter of an hour, a disk has rarely room for more than twice the data
 * again, and no operation may fail. Latency and replica lag depend on the application, free space on
 * production's disk, so they have none.
 */
export const DEFAULT_BUDGETS: Budgets = {
  lockWaitMs: 500,
  stallMs: 1_000,
  durationMs: 15 * 60_000,
  diskGrowthPeak: { ratio: 2 },
  diskFreeBytes: null,
  failedOperations: 0,
  latencyP99: null,
  replicaLagMs: null,
};

/** Budgets as written over those that hold otherwise; `none` takes one away. */
export function resolveBudgets(written: CheckedBudgets, otherwise: Budgets = DEFAULT_BUDGETS): Budgets {
  return {
    lockWaitMs: said(written.lockWait, otherwise.lockWaitMs),
    stallMs: said(written.stall, otherwise.stallMs),
    durationMs: said(written.duration, otherwise.durationMs),
    diskGrowthPeak: said(written.diskGrowthPeak, otherwise.diskGrowthPeak),
    diskFreeBytes: said(written.diskFree, otherwise.diskFreeBytes ?? null),
    failedOperations: said(written.failedOperations, otherwise.failedOperations),
    latencyP99: said(written.latencyP99, otherwise.latencyP99),
    replicaLagMs: said(written.replicaLag, otherwise.replicaLagMs),
  };
}

/** Load settings, or null when the rate is 0. */
export function resolveLoad(
  written: NonNullable<CheckedScenario['load']>,
  files: Pick<LoadSettings, 'operationsFile' | 'nextOperationsFile' | 'profileFile' | 'program'>,
): LoadSettings | null {
  const ratePerSecond = written.rate ?? RATE_PER_SECOND;
  if (ratePerSecond === 0) return null;
  const preset = written.pool?.preset === undefined ? null : POOL_PRESETS[written.pool.preset];
  return {
    ratePerSecond,
    rateIsWritten: written.rate !== undefined,
    arrivals: written.arrivals ?? 'poisson',
    pool: {
      size: written.pool?.size ?? preset?.size ?? POOL_SIZE,
      instances: written.pool?.instances ?? 1,
      checkoutTimeoutMs: said(
        written.pool?.checkoutTimeout,
        preset === null ? CHECKOUT_TIMEOUT_MS : preset.checkoutTimeoutMs,
      ),
      maxQueue: written.pool?.maxQueue ?? MOST_QUEUED,
    },
    statementTimeoutMs: said(written.statementTimeout, STATEMENT_TIMEOUT_MS),
    protocol: written.protocol ?? 'prepared',
    ...files,
    warmUpMs: written.warmUp ?? WARM_UP_MS,
    baselineMs: written.baseline ?? BASELINE_MS,
    recoveryMs: written.recovery ?? RECOVERY_MS,
    threads: written.threads ?? 1,
  };
}

/** Everything of the migrations but where they are. */
export function resolveMigrationSettings(
  written: NonNullable<CheckedScenario['migrations']>,
): Omit<MigrationsPlan, 'tool' | 'directory'> {
  const lockTimeoutMs = written.lockTimeout ?? null;
  return {
    released: written.released ?? null,
    lockTimeoutMs,
    retries: written.retries ?? (lockTimeoutMs === null ? 0 : RETRIES),
    backoffMs: written.backoff ?? BACKOFF_MS,
    statementTimeoutMs: written.statementTimeout ?? null,
  };
}

export function resolveTables(
  written: NonNullable<NonNullable<CheckedScenario['data']>['tables']>,
): Readonly<Record<string, TableDataPlan>> {
  return mapValues(written, (table) => ({
    rows: table.rows ?? null,
    columns: resolveColumns(table.columns ?? {}),
  }));
}

type WrittenColumns = NonNullable<
  NonNullable<NonNullable<CheckedScenario['data']>['tables']>[string]['columns']
>;

export function resolveColumns(written: WrittenColumns): Readonly<Record<string, ColumnDataPlan>> {
  return mapValues(written, (column) => ({
    values:
      column.values === undefined
        ? null
        : Object.entries(column.values).map(([value, weight]) => ({ value, weight })),
    range: column.range === undefined ? null : { from: column.range[0], to: column.range[1] },
    faker: column.faker ?? null,
    nullFraction: column.nullFraction ?? null,
    width: column.width ?? null,
    fanout: column.fanout ?? null,
  }));
}

/** Shares of the rows: what a table shows between two autovacuums at their default thresholds, and a neglected one. */
const AGES: Readonly<Record<'none' | 'light' | 'heavy', AgePlan | null>> = {
  none: null,
  light: { updateShare: 0.05, deleteShare: 0.01 },
  heavy: { updateShare: 0.3, deleteShare: 0.1 },
};

export function resolveAge(written: NonNullable<CheckedScenario['data']>['age']): AgePlan | null {
  if (written === undefined) return AGES.light;
  if (typeof written === 'string') return AGES[written];
  return { updateShare: written.update ?? 0, deleteShare: written.delete ?? 0 };
}

export function resolveDrills(written: NonNullable<CheckedScenario['drills']>): readonly DrillPlan[] {
  return written.flatMap(({ longReader, idleInTransaction }): readonly DrillPlan[] => [
    ...(longReader === undefined ? [] : [{ kind: 'longReader' as const, ...timesOf(longReader) }]),
    ...(idleInTransaction === undefined
      ? []
      : [{ kind: 'idleInTransaction' as const, ...timesOf(idleInTransaction) }]),
  ]);
}

function timesOf(drill: { table: string; at?: number | undefined; for: number }) {
  return { table: drill.table, atMs: drill.at ?? DRILL_AT_MS, forMs: drill.for };
}

/** `undefined` is unsaid; `null` says that there is no limit. */
function said<Value>(written: Value | undefined, otherwise: Value): Value {
  return written === undefined ? otherwise : written;
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
