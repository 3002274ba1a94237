/**
 * The clock of statement events against the server's own time of day. Events of statements are timed in nanoseconds since
 * the server's zero on both flavors (waits may be timed in cycles: views/timer-scale.ts).
 * https://dev.mysql.com/doc/refman/8.4/en/performance-schema-timing.html
 */
import type { ServerInstant, Session } from '../../engine.ts';

/** What the event of this very statement says of its start, and the time of day a moment later. */
const BOTH = `
  select unix_timestamp(sysdate(6)) * 1000 as clock_ms,
    (
      select s.timer_start / 1e9
      from performance_schema.events_statements_current s
      join performance_schema.threads t on t.thread_id = s.thread_id
      where t.processlist_id = connection_id() and s.nesting_event_level = 0
      limit 1
    ) as timer_ms`;

/** The quickest of some answers gives the tightest bounds. */
const READINGS = 4;

export interface EventClock {
  /** Milliseconds of an event's timer as an instant of the server's clock. */
  at(timerMs: number): ServerInstant;
  /** The timer now, at the latest. */
  readonly timerMs: number;
}

/** Null where the server does not time its own statement. */
export async function readEventClock(session: Session): Promise<EventClock | null> {
  let earlier: number | null = null;
  let best: { least: number; most: number } | null = null;
  let latestMs = 0;
  for (let reading = 0; reading <= READINGS; reading += 1) {
    const [row] = await session.query<{ clock_ms: number | string; timer_ms: number | string | null }>(BOTH);
    if (row === undefined || row.timer_ms === null) return null;
    const [clockMs, timerMs] = [Number(row.clock_ms), Number(row.timer_ms)];
    latestMs = timerMs;
    // The statement began after the one before it had read the time of day, and before it read it itself.
    if (earlier !== null && (best === null || clockMs - earlier < best.most - best.least))
      best = { least: earlier - timerMs, most: clockMs - timerMs };
    earlier = clockMs;
  }
  if (best === null) return null;
  const { least, most } = best;
  return {
    timerMs: latestMs,
    at: (timerMs) => ({ notBeforeMs: timerMs + least, notAfterMs: timerMs + most }),
  };
}
