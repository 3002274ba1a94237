/** What an observer's own readings cost, how far apart they were, and where there were none. */

import { overlap, type Span } from './statements.ts';

/** Each gap is told apart up to this many; then they are counted. */
const GAPS_TOLD = 20;

/** CPU of this thread where Node tells it (23.9 and later), of the whole process otherwise. */
export function createCost() {
  const cpuNow = (): number => {
    const { user, system } =
      typeof process.threadCpuUsage === 'function' ? process.threadCpuUsage() : process.cpuUsage();
    return (user + system) / 1000;
  };
  async function during<Result>(work: Promise<Result>, sign: 1 | -1): Promise<Result> {
    const before = cpuNow();
    try {
      return await work;
    } finally {
      cost.cpuMs += sign * (cpuNow() - before);
    }
  }

  const cost = {
    cpuMs: 0,
    of: <Result>(reading: Promise<Result>) => during(reading, 1),
    /** Within such a reading: a wait for somebody else. */
    aside: <Result>(wait: Promise<Result>) => during(wait, -1),
  };
  return cost;
}

/** Shorter pauses are many, and are known by the longest of them. */
const KEPT_FROM_MS = 30;
/** A quarter of an hour of them. */
const MOST_KEPT = 30_000;

/** From the question of one reading to the answer of the next one: on a busy machine more than the interval. */
export function createPauses(now: () => number) {
  let previousMs = now();
  let kept: Span[] = [];
  let othersMs = 0;
  const pauses = {
    longestMs: 0,
    readings: 0,
    begin(): void {
      pauses.longestMs = 0;
      othersMs = 0;
      kept = [];
    },
    read(askedAtMs: number, answeredAtMs = now()): void {
      pauses.readings += 1;
      const pause = { fromMs: previousMs, toMs: answeredAtMs };
      const lengthMs = pause.toMs - pause.fromMs;
      pauses.longestMs = Math.max(pauses.longestMs, lengthMs);
      if (lengthMs >= KEPT_FROM_MS && kept.length < MOST_KEPT) kept.push(pause);
      else othersMs = Math.max(othersMs, lengthMs);
      previousMs = askedAtMs;
    },
    /** The longest part of a pause that lies within one of the spans. */
    longestWithinMs: (spans: readonly Span[]): number =>
      spans.reduce((most, span) => {
        const within = kept.reduce((longest, pause) => Math.max(longest, overlap(pause, span)), 0);
        return Math.max(most, within, Math.min(othersMs, span.toMs - span.fromMs));
      }, 0),
  };
  return pauses;
}

/** Stretches without a reading, as text for the record. */
export function createGaps(now: () => number) {
  const texts: string[] = [];
  let count = 0;
  let lastReadingAtMs = now();
  let open: { fromMs: number; reason: string } | null = null;

  function tell(toMs: number): void {
    if (open === null) return;
    count += 1;
    if (count <= GAPS_TOLD)
      texts.push(`no reading from ${open.fromMs.toFixed(0)} ms to ${toMs.toFixed(0)} ms: ${open.reason}`);
    open = null;
  }

  return {
    add(reason: string): void {
      open ??= { fromMs: lastReadingAtMs, reason };
    },
    end(): void {
      tell(now());
      lastReadingAtMs = now();
    },
    told(): readonly string[] {
      tell(now());
      return count > GAPS_TOLD ? [...texts, `${count - GAPS_TOLD} more gaps like these`] : texts;
    },
  };
}
