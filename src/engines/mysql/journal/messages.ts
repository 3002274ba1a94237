/** Events of statements put together: each with what it ran inside, as the journal tells them. Pure. */
import { exactly, type Figure, notMeasured } from '../../../recording/figure.ts';
import type { ServerInstant, ToldMessage, ToldStatement } from '../../engine.ts';
import type { Flavor } from '../connections/client.ts';
import type { StatementEvent } from './events.ts';
import type { KnownSession } from './sessions.ts';

const SOURCE = 'events_statements_history_long';

export interface MessageMaker {
  /** What a client sent, whole, and what each ran inside; in the order in which they began. */
  add(events: readonly StatementEvent[]): readonly ToldMessage[];
  /** Statements inside others that were too many to be kept. */
  readonly leftOut: number;
}

export interface MessageRequest {
  sessionOf(thread: number): KnownSession;
  at(timerMs: number): ServerInstant;
  readonly flavor: Flavor;
  /** Of a text the server keeps no more than this. */
  readonly mostTextBytes: number;
}

/** A loop of a procedure runs any number of statements. */
const MOST_INSIDE = 500;
/** A character at the end of a text that was cut may have been left out whole. */
const LONGEST_CHARACTER = 4;

/**
 * What runs nothing and says so: a prepared statement's text stands again in its EXECUTE, and was not run by PREPARE and
 * DEALLOCATE. As an error each tells something.
 */
const RUNS_NOTHING = new Set([
  'statement/com/Prepare',
  'statement/com/Close stmt',
  'statement/sql/prepare_sql',
  'statement/sql/dealloc_sql',
]);

export function createMessages(request: MessageRequest): MessageMaker {
  const { sessionOf, at, mostTextBytes, flavor } = request;
  /** What others ran inside, until those have ended. */
  let inside: StatementEvent[] = [];
  let leftOut = 0;

  function toldMessage(top: StatementEvent, mine: readonly StatementEvent[]): ToldMessage | null {
    const all = [top, ...mine].filter((event) => isTold(event) || (event === top && mine.some(isTold)));
    if (all.length === 0) return null;
    const placeOf = new Map(all.map(({ eventId }, index) => [eventId, index]));
    const parentOf = new Map(mine.map(({ eventId, parentEventId }) => [eventId, parentEventId]));
    /** The nearest one that is told. */
    function withinOf(event: StatementEvent): number | null {
      if (event === top) return null;
      for (let id = event.parentEventId; id !== null; id = parentOf.get(id) ?? null) {
        const place = placeOf.get(id);
        if (place !== undefined) return place;
      }
      return 0;
    }
    const { sessionId, applicationName } = sessionOf(top.thread);
    return { sessionId, applicationName, statements: all.map((event) => told(event, withinOf(event))) };
  }

  function told(event: StatementEvent, within: number | null): ToldStatement {
    const { text, error, warnings, lockMs, startedMs, endedMs } = event;
    const running = endedMs === null;
    const later = notMeasured('it was still running');
    return {
      text: text ?? '',
      ...(event.textBytes > mostTextBytes - LONGEST_CHARACTER && { textCut: true as const }),
      within,
      started: at(startedMs),
      durationMs: running ? later : exactly(endedMs - startedMs, SOURCE),
      outcome: running ? 'unknown' : error === null ? 'ok' : 'failed',
      error: error === null ? null : { ...error, statement: text, position: null },
      transaction:
        event.transactionEventId === null
          ? null
          : `thread ${event.thread}, event ${event.transactionEventId}`,
      transactionId: null,
      rows: running ? later : rowsOf(event, request),
      logBytes: notMeasured('the server does not count the redo log of a single statement'),
      lockMs:
        flavor === 'mariadb'
          ? notMeasured('LOCK_TIME of MariaDB leaves out waits for row locks')
          : running
            ? later
            : exactly(lockMs, SOURCE),
      ...(running ? {} : { warnings }),
    };
  }

  return {
    get leftOut() {
      return leftOut;
    },
    add(events) {
      const tops = events.filter(({ parentEventId }) => parentEventId === null);
      inside.push(...events.filter(({ parentEventId }) => parentEventId !== null));
      const taken = new Set<StatementEvent>();
      const messages = tops
        .toSorted((one, other) => one.startedMs - other.startedMs)
        .flatMap((top) => {
          const mine = inside.filter((event) => contains(top, event));
          for (const event of mine) taken.add(event);
          const kept = mine.toSorted((one, other) => one.eventId - other.eventId).slice(0, MOST_INSIDE);
          leftOut += mine.length - kept.length;
          return toldMessage(top, kept) ?? [];
        });
      inside = inside.filter((event) => !taken.has(event));
      return messages;
    },
  };
}

function rowsOf({ parentEventId, affected, sent }: StatementEvent, { flavor }: MessageRequest): Figure {
  if (parentEventId !== null && affected === 0 && sent === 0 && flavor === 'mariadb')
    return notMeasured('MariaDB does not count the rows that statements inside others change');
  return exactly(affected > 0 ? affected : sent, SOURCE);
}

function isTold({ text, name, error }: StatementEvent): boolean {
  return text !== null && (!RUNS_NOTHING.has(name) || error !== null);
}

function contains(top: StatementEvent, event: StatementEvent): boolean {
  return (
    event.thread === top.thread &&
    event.eventId > top.eventId &&
    (top.endEventId === null || event.eventId <= top.endEventId)
  );
}
