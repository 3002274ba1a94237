/** p99 of the last second of a log that comes in blocks. */

export interface RecentLines {
  add(atMs: number, responseMs: number): void;
  /** Forgets what was over before: it says nothing of the window that begins. */
  after(atMs: number): void;
  /** Null when nothing is known of the last second: a block is on its way, or nothing is answered. */
  p99Ms(nowMs: number): number | null;
}

const SPAN_MS = 1000;
/** Bytes of a line with one client digit, five of the response and the lag each: a short one, so that blocks are long. */
const LINE_BYTES = 32;
/** A block may come this many times later than the rate says. */
const LATE_FACTOR = 2;

export function createRecentLines(log: {
  readonly ratePerSecond: number;
  readonly blockBytes: number;
}): RecentLines {
  const blockMs = (log.blockBytes / LINE_BYTES / log.ratePerSecond) * 1000;
  const staleAfterMs = Math.max(2 * SPAN_MS, LATE_FACTOR * blockMs);
  let lines: { readonly atMs: number; readonly responseMs: number }[] = [];
  let sinceMs = Number.NEGATIVE_INFINITY;
  let cutAtMs = Number.NEGATIVE_INFINITY;

  return {
    add(atMs, responseMs) {
      if (atMs < sinceMs) return;
      lines.push({ atMs, responseMs });
      if (atMs - cutAtMs < SPAN_MS) return;
      lines = lines.filter((line) => line.atMs > atMs - SPAN_MS);
      cutAtMs = atMs;
    },
    after(atMs) {
      sinceMs = atMs;
      lines = [];
    },
    p99Ms(nowMs) {
      const last = lines.at(-1);
      if (last === undefined || nowMs - last.atMs > staleAfterMs) return null;
      const values = lines
        .filter(({ atMs }) => atMs > last.atMs - SPAN_MS)
        .map(({ responseMs }) => responseMs)
        .sort((one, other) => one - other);
      return values[Math.max(0, Math.ceil(values.length * 0.99) - 1)] ?? null;
    },
  };
}
