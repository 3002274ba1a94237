/**
 * Counts, latencies and outcomes of the operations of one window, by due instant: an operation that is due in the
 * window belongs to it, whenever it is answered.
 */
import { createHistogram, type Histogram, record, storeHistogram } from '../../recording/histogram.ts';
import type {
  LatencyKind,
  LatencyRecord,
  LoadWindow,
  OutcomeClass,
  OutcomeRecord,
  WindowName,
} from '../../recording/recording.ts';

export interface Failure {
  readonly outcome: OutcomeClass;
  readonly code: string | null;
  readonly message: string;
  /** Left out: none was sent. */
  readonly statement?: string;
}

export interface Tally {
  readonly window: WindowName;
  due: number;
  completed: number;
  failed: number;
  dropped: number;
  inFlight: number;
  waitedInPool: number;
  latency(operation: number, kind: LatencyKind, milliseconds: number): void;
  outcome(operation: number, failure: Failure, atMs: number): void;
  facts(operationNames: readonly string[]): TallyFacts;
}

export interface TallyFacts {
  readonly window: LoadWindow;
  readonly latencies: readonly LatencyRecord[];
  readonly outcomes: readonly OutcomeRecord[];
}

const KINDS: readonly LatencyKind[] = ['response', 'schedule lag', 'pool wait', 'service'];
const INDEX_OF_KIND: Readonly<Record<LatencyKind, number>> = {
  response: 0,
  'schedule lag': 1,
  'pool wait': 2,
  service: 3,
};

export function createTally(window: WindowName): Tally {
  const histograms: Histogram[] = [];
  const outcomes = new Map<
    string,
    { operation: number; failure: Failure; count: number; firstAtMs: number }
  >();
  const tally: Tally = {
    window,
    due: 0,
    completed: 0,
    failed: 0,
    dropped: 0,
    inFlight: 0,
    waitedInPool: 0,
    latency(operation, kind, milliseconds) {
      const index = operation * KINDS.length + INDEX_OF_KIND[kind];
      histograms[index] ??= createHistogram();
      const histogram = histograms[index];
      if (histogram !== undefined) record(histogram, milliseconds * 1000);
    },
    outcome(operation, failure, atMs) {
      const key = `${operation} ${failure.outcome} ${failure.code ?? ''} ${failure.statement ?? ''}`;
      const known = outcomes.get(key);
      if (known === undefined) outcomes.set(key, { operation, failure, count: 1, firstAtMs: atMs });
      else known.count += 1;
    },
    facts(operationNames) {
      assertIdentity(tally);
      const nameOf = (operation: number): string => operationNames[operation] ?? String(operation);
      const { due, completed, failed, dropped, inFlight, waitedInPool } = tally;
      return {
        window: { window, due, completed, failed, dropped, inFlight, waitedInPool },
        latencies: histograms.flatMap((histogram, index) => {
          const kind = KINDS[index % KINDS.length];
          if (kind === undefined) return [];
          const operation = nameOf(Math.floor(index / KINDS.length));
          return [{ operation, window, kind, histogram: storeHistogram(histogram) }];
        }),
        outcomes: [...outcomes.values()].map(({ operation, failure, count, firstAtMs }) => ({
          operation: nameOf(operation),
          window,
          outcome: failure.outcome,
          code: failure.code,
          count,
          firstAtMs,
          statement: failure.statement ?? null,
          message: failure.message,
        })),
      };
    },
  };
  return tally;
}

/** Throws for a window that lost count: nothing that was due may be missing from the record. */
export function assertIdentity({
  window,
  due,
  completed,
  failed,
  dropped,
  inFlight,
}: Omit<LoadWindow, 'waitedInPool'>): void {
  if (due === completed + failed + dropped + inFlight) return;
  throw new Error(
    `the load lost count in the ${window} window: ${due} due, but ${completed} completed + ${failed} failed + ` +
      `${dropped} dropped + ${inFlight} in flight`,
  );
}
