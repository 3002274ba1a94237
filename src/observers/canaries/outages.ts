/**
 * The outages that a canary saw, from the stamps of its probes. Pure. A probe that is answered within
 * {@link MIN_OUTAGE_MS} shows that the table was open; what takes longer, or gives up at its lock timeout, is an
 * outage, which lasts until a probe is answered again.
 *
 *     at least   the time that its probes waited, less what a probe takes anyway and what our own thread was late
 *     at most    from the sending of the last probe that was answered in time to the answer
 */
import { between } from '../../recording/figure.ts';
import type { CanaryOutage } from '../../recording/recording.ts';

export const MIN_OUTAGE_MS = 100;

export interface Probe {
  readonly sentMs: number;
  readonly answeredMs: number;
  /** False when it gave up at its lock timeout. */
  readonly granted: boolean;
}

export interface OutageTracker {
  add(probe: Probe): void;
  /** The outages so far; one that is open ends here. */
  outages(atMs: number): readonly CanaryOutage[];
}

interface Open {
  readonly afterMs: number;
  readonly fromMs: number;
  waitedMs: number;
  lockTimeouts: number;
}

/** `lateMs` tells how late our own thread was at most in a stretch of time. */
export function trackOutages(
  startMs: number,
  lateMs: (fromMs: number, toMs: number) => number,
): OutageTracker {
  const found: CanaryOutage[] = [];
  let openSentMs = startMs;
  let slowestQuickMs = 0;
  let open: Open | null = null;

  function closed({ afterMs, fromMs, waitedMs, lockTimeouts }: Open, toMs: number): CanaryOutage {
    const least = Math.max(0, waitedMs - slowestQuickMs - lateMs(fromMs, toMs));
    const lastedMs = between(
      Math.min(least, toMs - afterMs),
      toMs - afterMs,
      'canary: instants of its probes',
    );
    return { fromMs, toMs, lastedMs, lockTimeouts };
  }

  return {
    add({ sentMs, answeredMs, granted }) {
      const tookMs = answeredMs - sentMs;
      const isQuick = granted && tookMs < MIN_OUTAGE_MS;
      if (isQuick && open === null) slowestQuickMs = Math.max(slowestQuickMs, tookMs);
      if (!isQuick) {
        open ??= { afterMs: openSentMs, fromMs: sentMs, waitedMs: 0, lockTimeouts: 0 };
        open.waitedMs += tookMs;
        if (!granted) open.lockTimeouts += 1;
      }
      if (!granted) return;
      if (open !== null) found.push(closed(open, answeredMs));
      open = null;
      openSentMs = sentMs;
    },
    outages: (atMs) => (open === null ? [...found] : [...found, closed(open, atMs)]),
  };
}
