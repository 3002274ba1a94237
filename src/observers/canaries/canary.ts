/**
 * One canary: a probe of one table on a connection of its own, due every {@link CANARY_INTERVAL_MS} by the clock,
 * whether or not the one before was answered. A probe that waits for a lock gives up after
 * {@link CANARY_LOCK_TIMEOUT_MS} and the next one follows at once: an outage is seen to its end, and no probe of ours
 * stays in a queue for longer.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Engine, type Session, SqlError } from '../../engines/engine.ts';
import { explain } from '../../errors.ts';
import { createHistogram, record, storeHistogram } from '../../recording/histogram.ts';
import type { CanaryRecord } from '../../recording/recording.ts';
import type { Lateness } from './lateness.ts';
import { trackOutages } from './outages.ts';

/** Reading and writing in turn: a table is asked every 100 ms. */
export const CANARY_INTERVAL_MS = 200;
/** Whole seconds, which every engine can take. */
export const CANARY_LOCK_TIMEOUT_MS = 1000;

/** Longer than a probe can take: only a server that does not answer at all is not waited for. */
const STOP_LIMIT_MS = 2 * CANARY_LOCK_TIMEOUT_MS;

export interface CanarySettings {
  readonly engine: Engine;
  readonly session: Session;
  readonly table: string;
  readonly kind: CanaryRecord['kind'];
  readonly statement: string;
  readonly now: () => number;
  /** The first probe is due so long after the start, so that canaries do not all ask at once. */
  readonly offsetMs: number;
  readonly lateness: Pick<Lateness, 'during' | 'within'>;
}

export interface RunningCanary {
  /** Ends after the probe that is under way; call it once. */
  stop(): Promise<CanaryRecord>;
}

export function startCanary(settings: CanarySettings): RunningCanary {
  const { engine, session, table, kind, statement, now, offsetMs, lateness } = settings;
  // In step with whatever else is done at whole intervals, so that the thread is woken once for all of it.
  const startMs = Math.ceil(now() / CANARY_INTERVAL_MS) * CANARY_INTERVAL_MS + offsetMs;
  const outages = trackOutages(startMs, lateness.within);
  const responses = createHistogram();
  const stopped = new AbortController();
  let due = 0;
  let answered = 0;
  let ended: CanaryRecord['ended'] = null;

  /** True when it was answered, false when it gave up; else why there is no sense in another one. */
  async function probe(): Promise<boolean | { readonly reason: string }> {
    try {
      await session.query(statement);
      return true;
    } catch (error) {
      // A connection that is gone, whatever it says.
      if (!(error instanceof SqlError)) return { reason: explain(error).split('\n')[0] ?? '' };
      const outcome = engine.dialect.classify(error.code, error.message);
      if (outcome === 'lock timeout' || outcome === 'deadlock' || outcome === 'statement timeout')
        return false;
      return { reason: engine.dialect.redactValues(error.message) };
    }
  }

  let slot = 0;

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      const dueMs = startMs + slot * CANARY_INTERVAL_MS;
      const waitMs = dueMs - now();
      if (waitMs > 0) await delay(waitMs, undefined, { signal: stopped.signal }).catch(() => undefined);
      if (stopped.signal.aborted) return;
      const sentMs = now();
      const answered = lateness.during();
      const result = await probe();
      answered();
      const answeredMs = now();
      if (typeof result !== 'boolean') {
        ended = { atMs: answeredMs, reason: result.reason };
        return;
      }
      outages.add({ sentMs, answeredMs, granted: result });
      if (result) slot = answerUntil(slot, answeredMs);
    }
  }

  /** What is due until then is answered by this answer; gives the next slot. */
  function answerUntil(first: number, atMs: number): number {
    let slot = first;
    do {
      due += 1;
      answered += 1;
      record(responses, (atMs - (startMs + slot * CANARY_INTERVAL_MS)) * 1000);
      slot += 1;
    } while (startMs + slot * CANARY_INTERVAL_MS <= atMs);
    return slot;
  }

  const running = run();
  return {
    async stop() {
      stopped.abort();
      await Promise.race([running, delay(STOP_LIMIT_MS, undefined, { ref: false })]);
      // With the age that those have by now which nobody answered.
      const endMs = ended?.atMs ?? now();
      for (; startMs + slot * CANARY_INTERVAL_MS < endMs; slot += 1) {
        due += 1;
        record(responses, (endMs - (startMs + slot * CANARY_INTERVAL_MS)) * 1000);
      }
      return {
        table,
        kind,
        sessionId: session.id,
        statement,
        intervalMs: CANARY_INTERVAL_MS,
        due,
        answered,
        responses: storeHistogram(responses),
        outages: outages.outages(endMs),
        ended,
      };
    },
  };
}
