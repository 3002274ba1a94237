/** When a window has lasted long enough, and when the load is back to normal. Pure. */
import type { LoadPulse } from '../load/load.ts';
import { between, notMeasured } from '../recording/figure.ts';
import type { RecoveryRecord } from '../recording/recording.ts';

/** The migration window lasts at least this long... */
const MIGRATION_WINDOW_MIN_MS = 1000;
/** ...and until this many operations were due in it, so that its percentiles mean something... */
const MIGRATION_WINDOW_MIN_OPERATIONS = 100;
/** ...or until this, at less than one operation a second, so that it ends at all; the report says so then. */
const MIGRATION_WINDOW_WAIT_LIMIT_MS = 120_000;
/** A pulse is this old at most, so that the count at the start of the window may lack what was due meanwhile. */
const PULSE_AGE_MS = 200;

export type WindowLength = 'too short' | 'enough' | 'at its limit';

/** `due`: operations since the last pulse before the window; null without a load. */
export function migrationWindowLength(
  elapsedMs: number,
  load: { readonly due: number; readonly ratePerSecond: number } | null,
): WindowLength {
  if (elapsedMs < MIGRATION_WINDOW_MIN_MS) return 'too short';
  if (load === null) return 'enough';
  const uncounted = Math.ceil((load.ratePerSecond * PULSE_AGE_MS) / 1000);
  if (load.due >= MIGRATION_WINDOW_MIN_OPERATIONS + uncounted) return 'enough';
  return elapsedMs < MIGRATION_WINDOW_WAIT_LIMIT_MS ? 'too short' : 'at its limit';
}

/** Back to normal: p99 of the last second within this factor of the worst second of the baseline. */
const RECOVERED_FACTOR = 1.2;
const RECOVERY_MIN_MS = 1000;
/** A pulse tells of the operations that were answered in this time before it. */
const PULSE_SPAN_MS = 1000;

export interface RecoveryWatch {
  /** True when the recovery is over. Instants must ascend. */
  isOver(elapsedMs: number, pulse: Pick<LoadPulse, 'recentP99Ms' | 'poolQueue'>): boolean;
  record(): RecoveryRecord;
}

export interface RecoverySettings {
  /** Of the worst second of the baseline; null when nothing was answered in it. */
  readonly baselineP99Ms: number | null;
  readonly limitMs: number;
  /** How much longer ago than the last second the newest answers of a pulse may be: a log that comes in blocks. */
  readonly pulseLateMs: number;
}

export function watchRecovery({ baselineP99Ms, limitMs, pulseLateMs }: RecoverySettings): RecoveryWatch {
  let before = 0;
  let last: { readonly elapsedMs: number; readonly p99Ms: number | null } = { elapsedMs: 0, p99Ms: null };
  let recovered: { readonly lowerMs: number; readonly upperMs: number } | null = null;

  return {
    isOver(elapsedMs, { recentP99Ms, poolQueue }) {
      const calm =
        baselineP99Ms !== null &&
        recentP99Ms !== null &&
        recentP99Ms <= baselineP99Ms * RECOVERED_FACTOR &&
        poolQueue === 0;
      // Calm for the whole second before this pulse, and not yet at the one before.
      if (calm)
        recovered ??= { lowerMs: Math.max(0, before - PULSE_SPAN_MS - pulseLateMs), upperMs: elapsedMs };
      else recovered = null;
      before = elapsedMs;
      last = { elapsedMs, p99Ms: recentP99Ms };
      return elapsedMs >= limitMs || (recovered !== null && elapsedMs >= RECOVERY_MIN_MS);
    },
    record() {
      const facts = { factor: RECOVERED_FACTOR, baselineP99Ms, lastP99Ms: last.p99Ms };
      const { lowerMs, upperMs } = recovered ?? {};
      return lowerMs === undefined || upperMs === undefined
        ? { ...facts, recovered: false, tookMs: notMeasured(whyNot(baselineP99Ms, last)) }
        : { ...facts, recovered: true, tookMs: between(lowerMs, upperMs, 'load: p99 of the last second') };
    },
  };
}

function whyNot(
  baselineP99Ms: number | null,
  { elapsedMs, p99Ms }: { readonly elapsedMs: number; readonly p99Ms: number | null },
): string {
  if (baselineP99Ms === null) return 'nothing was answered in the baseline that it could be compared with';
  const seconds = (elapsedMs / 1000).toFixed(1);
  return p99Ms === null
    ? `not back to normal within ${seconds} s: nothing was answered in the last second`
    : `not back to normal within ${seconds} s: p99 was still ${p99Ms.toFixed(1)} ms`;
}
