/** Whether the load can be believed: did it run all through the migrations, and was the generator fast enough? */
import { exactly } from '../recording/figure.ts';
import { mergeHistograms, percentileMs } from '../recording/histogram.ts';
import type {
  Budgets,
  LatencyKind,
  LoadRecord,
  LoadWindow,
  Recording,
  WindowName,
} from '../recording/recording.ts';
import type { Detail, Finding } from './check.ts';
import { doubted, unproven } from './finding.ts';
import { JUDGED_WINDOWS, windowOf } from './span.ts';

/** Schedule lag p99 that is always allowed: a timer of 1 ms and a busy core (load-and-filling.md, A5.7). */
const LAG_ALLOWED_MS = 5;
/** ...and the share of the response p99 that lag may make up beyond it. */
const LAG_ALLOWED_SHARE = 0.05;
/**
 * ...or the share of the smallest time budget that the load is held against: a lag that small turns no verdict. Since
 * responses count from the due instant, lag can only make them longer, so that a pass is never its doing.
 */
const LAG_ALLOWED_OF_BUDGET = 0.1;
/** Above this the load thread is late by queueing alone. */
const UTILIZATION_ALLOWED = 0.8;
/** No arrival for this long is a hole in the load, even at one operation in many seconds... */
const GAP_ALLOWED_MS = 1000;
/** ...or for this many mean gaps: a Poisson process leaves so long a gap once in e^20 times. */
const GAP_ALLOWED_ARRIVALS = 20;

export interface LoadTrouble {
  readonly reason: string;
  readonly details: readonly Detail[];
  /** The generator was the limit, so that even a breach may be its own; otherwise a breach stays one. */
  readonly generatorLimited: boolean;
}

/** Why load checks cannot be trusted, or null. */
export function loadTrouble(recording: Recording, budgets: Budgets): LoadTrouble | null {
  const { load } = recording;
  if ('notMeasured' in load) return trouble(`no load ran: ${load.notMeasured}`);
  return coverageTrouble(recording, load) ?? generatorTrouble(load, budgets);
}

/** Applies {@link loadTrouble} to what a load check found. */
export function asFarAsLoadTells(
  recording: Recording,
  budgets: Budgets,
  findings: readonly Finding[],
): readonly Finding[] {
  const found = loadTrouble(recording, budgets);
  if (found === null) return findings;
  return findings.map((each) =>
    found.generatorLimited ? doubted(each, found.reason, found.details) : unproven(each, found.reason),
  );
}

function trouble(reason: string): LoadTrouble {
  return { reason, details: [], generatorLimited: false };
}

function coverageTrouble(recording: Recording, load: LoadRecord): LoadTrouble | null {
  const migration = windowOf(recording, 'migration');
  if (migration === null) return trouble('the migrations were not reached');
  const unbalanced = load.windows.find((window) => !balances(window));
  if (unbalanced !== undefined) {
    return trouble(`the counts of the ${unbalanced.window} window do not add up, so operations were lost`);
  }
  const baseline = load.windows.find(({ window }) => window === 'baseline');
  if (baseline !== undefined && baseline.due > 0 && baseline.completed === 0) {
    return trouble('no operation completed even in the baseline');
  }
  const died = load.generator?.died ?? null;
  if (died !== null) return trouble(`${load.generator?.description} ended by itself: ${died.message}`);
  return ranThroughout(load, migration)
    ? null
    : trouble('the load did not run throughout the migration window');
}

function balances({ due, completed, failed, dropped, inFlight }: LoadWindow): boolean {
  return due === completed + failed + dropped + inFlight;
}

function ranThroughout(load: LoadRecord, window: { startedAtMs: number; endedAtMs: number }): boolean {
  const allowedMs =
    Math.max(GAP_ALLOWED_MS, (GAP_ALLOWED_ARRIVALS * 1000) / load.ratePerSecond) + load.slotMs;
  const instants = load.slots.filter(({ due }) => due > 0).map(({ atMs }) => atMs);
  const inside = instants.filter(
    (atMs) => atMs > window.startedAtMs - load.slotMs && atMs < window.endedAtMs,
  );
  if (inside.length === 0) return false;
  const edges = [window.startedAtMs, ...inside, window.endedAtMs];
  return edges.every((atMs, index) => index === 0 || atMs - (edges[index - 1] ?? atMs) <= allowedMs);
}

function generatorTrouble(load: LoadRecord, budgets: Budgets): LoadTrouble | null {
  const { scheduleLagMsP99: lag, utilization } = load.selfCheck;
  const responseMs = percentileOf(load, 'response', JUDGED_WINDOWS, 0.99) ?? 0;
  const allowedMs = Math.max(
    LAG_ALLOWED_MS,
    responseMs * LAG_ALLOWED_SHARE,
    smallestTimeBudgetMs(load, budgets) * LAG_ALLOWED_OF_BUDGET,
  );
  const details: readonly Detail[] = [
    { what: 'schedule lag p99 of the generator', figure: lag, unit: 'ms' },
    {
      what: 'schedule lag allowed',
      figure: exactly(allowedMs, 'max(5 ms, 5 % of the response p99, 10 % of the smallest time budget)'),
      unit: 'ms',
    },
    { what: 'utilisation of the load thread (0.8 is allowed)', figure: utilization, unit: 'ratio' },
  ];
  if ('notMeasured' in lag) return trouble(`the generator's own lag was not measured: ${lag.notMeasured}`);
  if ('notMeasured' in utilization) {
    return trouble(`the generator's own utilisation was not measured: ${utilization.notMeasured}`);
  }
  if (lag.upper <= allowedMs && utilization.upper <= UTILIZATION_ALLOWED) return null;
  return {
    reason: 'generator-limited: the load generator itself was late, so these are not figures of the database',
    details,
    generatorLimited: true,
  };
}

/** Of the budgets that hold times of the load against a limit; 0 when there is none. */
function smallestTimeBudgetMs(load: LoadRecord, { stallMs, latencyP99 }: Budgets): number {
  const limits: number[] = stallMs === null ? [] : [stallMs];
  if (latencyP99 !== null && 'ms' in latencyP99) limits.push(latencyP99.ms);
  if (latencyP99 !== null && 'ratio' in latencyP99) {
    limits.push(latencyP99.ratio * (percentileOf(load, 'response', ['baseline'], 0.99) ?? 0));
  }
  return limits.length === 0 ? 0 : Math.min(...limits);
}

/** A percentile over all operations of some windows, in ms; null when nothing was counted. */
export function percentileOf(
  load: LoadRecord,
  kind: LatencyKind,
  windows: readonly WindowName[],
  fraction: number,
): number | null {
  const chosen = load.latencies.filter(
    (latency) => latency.kind === kind && windows.includes(latency.window),
  );
  return percentileMs(mergeHistograms(chosen.map(({ histogram }) => histogram)), fraction);
}

/**
 * The longest that the server took for any operation from the baseline on, in ms, the time in the pool left out: what is due
 * before the migrations may wait into them. Null when nothing was answered since, or when failed operations were not timed (the log of another generator).
 */
export function slowestOperationMs(load: LoadRecord): number | null {
  const { generator, windows } = load;
  if (generator !== undefined && windows.some(({ failed, dropped }) => failed + dropped > 0)) return null;
  const slowestMs = percentileOf(load, 'service', JUDGED_WINDOWS, 1);
  if (slowestMs === null) return null;
  return Math.max(slowestMs, percentileOf(load, 'service', ['baseline'], 1) ?? 0);
}

/** An operation that began before may have been one of the warm-up, which are not timed: nothing is known of its length. */
export function timedFromMs(recording: Recording): number {
  return windowOf(recording, 'baseline')?.startedAtMs ?? Number.NEGATIVE_INFINITY;
}
