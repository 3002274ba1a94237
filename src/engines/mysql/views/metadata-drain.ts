/**
 * Metadata-lock waits that began and ended between two readings of the locks: the server keeps the last ones that ended
 * in a ring, each with how long it took, and the ring is drained every second. It does not keep the mode, nor who was in
 * the way. https://dev.mysql.com/doc/refman/8.4/en/performance-schema-events-waits-history-long-table.html
 */
import type { MissedWait, Session } from '../../engine.ts';
import { METADATA_LOCKS } from './instruments.ts';
import { eventKey, TIMED_SOURCE } from './metadata-rows.ts';
import type { Threads } from './threads.ts';
import type { TimerScale } from './timer-scale.ts';
import { endedAs, readEndings } from './wait-endings.ts';

const EVERY_MS = 1_000;

/** Both counted in picoseconds since the server started; the running statement stands for now. */
const DRAIN = `
  select w.thread_id as thread, w.event_id as event_id, w.object_type as object_type, w.object_schema as object_schema,
    w.object_name as object_name, w.timer_wait / 1e9 as waited_ms, w.timer_end / 1e9 as ended_ms,
    (
      select s.timer_start / 1e9
      from performance_schema.events_statements_current s
      join performance_schema.threads t on t.thread_id = s.thread_id
      where t.processlist_id = connection_id() and s.nesting_event_level = 0
      limit 1
    ) as now_ms
  from performance_schema.events_waits_history_long w
  where w.event_name = '${METADATA_LOCKS}' and w.timer_end / 1e9 > ?
  order by w.timer_end`;

/** Other waits take places in the ring too, where we may not switch them off. */
const RING = `
  select count(*) as kept, coalesce(min(w.timer_end), 0) / 1e9 as oldest_ms,
    @@global.performance_schema_events_waits_history_long_size as size
  from performance_schema.events_waits_history_long w`;

interface DrainRow {
  readonly thread: number;
  readonly event_id: number;
  /** MariaDB leaves it out of some waits that have ended, whose object is then not known. */
  readonly object_type: string | null;
  readonly object_schema: string | null;
  readonly object_name: string | null;
  readonly waited_ms: number | string;
  readonly ended_ms: number | string;
  readonly now_ms: number | string | null;
}

export interface Drained {
  readonly missed: readonly MissedWait[];
  /** The ring is full, and its oldest wait is newer than the last one drained: others may have been overwritten. */
  readonly overran: boolean;
}

export interface MetadataDrain {
  /** Says that a wait is known from the locks themselves. */
  know(wait: { readonly thread: number; readonly eventId: number }): void;
  /** Empty while the last time is less than a second ago, unless it is the `last` one. */
  drain(last?: boolean): Promise<Drained>;
}

export interface DrainRequest {
  readonly session: Session;
  readonly threads: Threads;
  readonly database: string;
  readonly scale: TimerScale;
}

const NOTHING: Drained = { missed: [], overran: false };

export function createMetadataDrain(request: DrainRequest): MetadataDrain {
  const { session, threads, database, scale } = request;
  let lastMs = -Infinity;
  /** On the server's timer; null until the first drain, whose waits are of before. */
  let drainedToMs: number | null = null;
  let known = new Map<string, Sighting>();
  let knownBefore = new Map<string, Sighting>();

  async function drain(last = false): Promise<Drained> {
    if (!last && performance.now() - lastMs < EVERY_MS) return NOTHING;
    const sinceMs = Math.max(0, performance.now() - lastMs);
    lastMs = performance.now();
    const fromMs = drainedToMs;
    const rows = await session.query<DrainRow>(DRAIN, [fromMs ?? 0]);
    const overran = fromMs !== null && (await isFullSince(fromMs));
    drainedToMs = Math.max(fromMs ?? 0, ...rows.slice(-1).map((row) => Number(row.ended_ms)));
    const sightings = new Map([...knownBefore, ...known]);
    const answeredAtMs = performance.now();
    const isKnown = (row: DrainRow) =>
      sightings.has(keyOf(row)) || wasSeen(row, { answeredAtMs, sinceMs, sightings });
    const unseen = fromMs === null ? [] : rows.filter((row) => !isKnown(row));
    [knownBefore, known] = [known, new Map()];
    await threads.learn(unseen.map(({ thread }) => Number(thread)));
    const endings = await readEndings(session, unseen.map(waitOf));
    for (const row of unseen) {
      const ending = endings.get(keyOf(row));
      if (ending !== undefined && ending.outcome !== 'running') scale.learn(spanOf(row), ending);
    }
    return {
      missed: unseen.flatMap((row) =>
        missedWait(
          row,
          sinceMs,
          endedAs(endings.get(keyOf(row)), scale.true(Number(row.ended_ms)).upperMs, 'unknown'),
        ),
      ),
      overran,
    };
  }

  async function isFullSince(fromMs: number): Promise<boolean> {
    const [ring] = await session.query<{ kept: number; oldest_ms: number; size: number }>(RING);
    return ring !== undefined && ring.kept >= ring.size && Number(ring.oldest_ms) > fromMs;
  }

  function missedWait(
    row: DrainRow,
    sinceMs: number,
    ended: ReturnType<typeof endedAs>,
  ): readonly MissedWait[] {
    const thread = threads.get(Number(row.thread));
    if (thread === undefined || thread.id === null) return [];
    if (row.object_schema !== database && thread.database !== database) return [];
    const isTable = row.object_type === 'TABLE' && row.object_name !== null;
    return [
      {
        key: `metadata ${keyOf(row)} drained`,
        waiterId: thread.id,
        target: isTable ? 'metadata' : `metadata of ${kindOf(row)}`,
        relation: !isTable
          ? null
          : row.object_schema === database
            ? row.object_name
            : `${row.object_schema}.${row.object_name}`,
        ...ended,
        ...scale.true(Number(row.waited_ms)),
        endedAgoMs: endedAgoMs(row, sinceMs),
        source: TIMED_SOURCE,
      },
    ];
  }

  function know(wait: { readonly thread: number; readonly eventId: number }): void {
    const key = eventKey(wait);
    const atMs = performance.now();
    const firstMs = (known.get(key) ?? knownBefore.get(key))?.firstMs ?? atMs;
    known.set(key, { thread: wait.thread, firstMs, lastMs: atMs });
  }

  /** A thread waits for one lock at a time: a wait at a time when it was seen to wait is the one that was seen. */
  function wasSeen(row: DrainRow, { answeredAtMs, sinceMs, sightings }: Seeing): boolean {
    const ago = endedAgoMs(row, sinceMs);
    const endedMs = answeredAtMs - ago.lower;
    const startedMs = answeredAtMs - ago.upper - scale.true(Number(row.waited_ms)).upperMs;
    return [...sightings.values()].some(
      ({ thread, firstMs, lastMs }) =>
        thread === Number(row.thread) && firstMs <= endedMs + SLACK_MS && lastMs >= startedMs - SLACK_MS,
    );
  }

  /**
   * The timer of statements tells the time now, that of waits when it ended. Without the first one (its consumer is off) it
   * is known alone that the wait ended after the last draining.
   */
  function endedAgoMs(
    { now_ms: nowMs, ended_ms: endedMs }: DrainRow,
    sinceMs: number,
  ): MissedWait['endedAgoMs'] {
    if (nowMs === null) return { lower: 0, upper: sinceMs };
    const { lowerMs, upperMs } = scale.true(Number(endedMs));
    const agoMs = Math.max(0, Number(nowMs) - (lowerMs + upperMs) / 2);
    return { lower: agoMs, upper: agoMs };
  }

  return { know, drain };
}

interface Seeing {
  readonly answeredAtMs: number;
  /** Time since the draining before this one. */
  readonly sinceMs: number;
  readonly sightings: ReadonlyMap<string, Sighting>;
}

/** From the first reading to the last one that showed a wait, on our clock. */
interface Sighting {
  readonly thread: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Between the clocks of the two sides; a reading takes a few milliseconds. */
const SLACK_MS = 20;

function kindOf({ object_type: type }: DrainRow): string {
  return type === null ? 'an object that the server does not name' : type.toLowerCase().replaceAll('_', ' ');
}

function spanOf({ ended_ms: endedMs, waited_ms: waitedMs }: DrainRow) {
  return { startedMs: Number(endedMs) - Number(waitedMs), endedMs: Number(endedMs) };
}

function waitOf({ thread, event_id: eventId }: DrainRow) {
  return { thread: Number(thread), eventId: Number(eventId) };
}

function keyOf(row: DrainRow): string {
  return eventKey(waitOf(row));
}
