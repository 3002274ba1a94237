/** What the load did: operations, latencies, outcomes, stalls, and the generator's own health. */
import type { Figure } from './figure.ts';
import type { StoredHistogram } from './histogram.ts';
import type { WindowName } from './recording.ts';

export type OutcomeClass =
  | 'pool timeout'
  | 'statement timeout'
  | 'lock timeout'
  | 'deadlock'
  | 'serialization failure'
  /** A replica cancelled it, to go on with what it applies. */
  | 'recovery conflict'
  | 'cached plan changed'
  | 'undefined object'
  | 'constraint violation'
  | 'connection lost'
  | 'dropped'
  | 'other error';

export interface LoadRecord {
  readonly ratePerSecond: number;
  readonly arrivals: 'poisson' | 'uniform';
  /** SHA-256 over instants, operations and parameters of the arrival list, hex; null where another generator made it. */
  readonly arrivalsHash: string | null;
  /** Zero of the arrival list on the recorder's clock; left out by harnesses that did not tell. */
  readonly startedAtMs?: number;
  /** Set where a load generator of others ran in place of ours. */
  readonly generator?: GeneratorRecord;
  readonly pool: {
    readonly size: number;
    readonly instances: number;
    readonly checkoutTimeoutMs: number | null;
    readonly maxQueue: number;
  };
  readonly statementTimeoutMs: number | null;
  readonly operations: readonly OperationRecord[];
  /** The load before the baseline, of which nothing is kept but this. Left out when there was no baseline. */
  readonly warmUp?: { readonly durationMs: number; readonly due: number };
  /** One entry per window; attribution is by the due instant. */
  readonly windows: readonly LoadWindow[];
  readonly latencies: readonly LatencyRecord[];
  readonly outcomes: readonly OutcomeRecord[];
  readonly slotMs: number;
  readonly slots: readonly LoadSlot[];
  readonly stalls: readonly Stall[];
  readonly selfCheck: SelfCheck;
}

export interface GeneratorRecord {
  /** "pgbench 15.20". */
  readonly description: string;
  /** Why it ended before it was asked to; null when it did not. */
  readonly died: { readonly atMs: number; readonly message: string } | null;
  /** What its log does not tell, or tells less well than our own load would; whole sentences. */
  readonly limits: readonly string[];
}

/** When the load was as before the migrations. */
export interface RecoveryRecord {
  /** p99 of the response times of the worst second of the baseline; null when nothing was answered in it. */
  readonly baselineP99Ms: number | null;
  /** It has recovered when the p99 of a second is at most this multiple of that. */
  readonly factor: number;
  readonly recovered: boolean;
  /** From the end of the migration window on; not measured when it did not recover within the limit. */
  readonly tookMs: Figure;
  /** At the end of the recovery; null when nothing was answered then. */
  readonly lastP99Ms: number | null;
}

export interface OperationRecord {
  readonly name: string;
  readonly statements: readonly string[];
  readonly weight: number;
  readonly kind: 'read' | 'write';
  readonly tables: readonly string[];
  /** `running` is the deployed application, `next` the one being released. */
  readonly codeVersion: 'running' | 'next';
  /** Set where it is sent to the replica. */
  readonly server?: 'replica';
}

/** due = completed + failed + dropped + inFlight holds in every window, and is asserted. */
export interface LoadWindow {
  readonly window: WindowName;
  readonly due: number;
  readonly completed: number;
  readonly failed: number;
  readonly dropped: number;
  readonly inFlight: number;
  /** Operations that found no free connection and had to wait in the application's pool. */
  readonly waitedInPool: number;
}

export type LatencyKind = 'response' | 'schedule lag' | 'pool wait' | 'service';

/** Histograms hold microseconds. Operations in flight at the end are recorded as at least their age. */
export interface LatencyRecord {
  readonly operation: string;
  readonly window: WindowName;
  readonly kind: LatencyKind;
  readonly histogram: StoredHistogram;
}

export interface OutcomeRecord {
  readonly operation: string;
  readonly window: WindowName;
  readonly outcome: OutcomeClass;
  /** SQLSTATE or errno; `null` for what never reached the server. */
  readonly code: string | null;
  readonly count: number;
  readonly firstAtMs: number;
  /** One of the operation's statements, `begin` or `commit`; `null` where none was sent. */
  readonly statement: string | null;
  /** First message of this kind, values redacted. */
  readonly message: string;
}

/** `due`, `failed`, `dropped` and `maxResponseMs` are by due instant; the others by the clock. */
export interface LoadSlot {
  readonly atMs: number;
  readonly due: number;
  readonly completed: number;
  readonly failed: number;
  readonly dropped: number;
  readonly maxResponseMs: number;
  readonly poolQueue: number;
  readonly inFlight: number;
}

/** A stretch of time in which operations were due and none completed. */
export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
  readonly due: number;
}

export interface SelfCheck {
  readonly offeredPerSecond: number;
  readonly achievedPerSecond: number;
  readonly scheduleLagMsP99: Figure;
  readonly eventLoopDelayMsP99: Figure;
  /** 0..1 of the load thread. */
  readonly utilization: Figure;
  /** Of one core, 1 = a whole core: load and ticker threads. */
  readonly cpuCores: Figure;
  /** The same of migrations and observers. Left out by harnesses that did not measure it, as the next two. */
  readonly observersCpuCores?: Figure;
  /** Load threads. */
  readonly threads?: number;
  /**
   * What the system granted the load and ticker threads, the least of all of them: `real-time` is SCHED_RR, `raised` a
   * lower nice value, `ordinary` neither, so that the server and others keep them waiting. Left out by harnesses that did
   * not tell it, and where the generator is another program.
   */
  readonly priority?: 'real-time' | 'raised' | 'ordinary';
  /** What the load's connections carried when each sent one read after the other; also left out when nobody probed. */
  readonly ceilingPerSecond?: Figure;
}
