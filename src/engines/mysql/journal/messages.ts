/** Events of statements put together: each with what it ran inside, as the journal tells them. Pure. */
import { between, exactly, type Figure, notMeasured } from '../../../recording/figure.ts';
import type { ServerInstant, ToldMessage, ToldStatement } from '../../engine.ts';
import type { Flavor } from '../connections/client.ts';
import type { StatementEvent } from './events.ts';
import type { KnownSession } from './sessions.ts';

const SOURCE = 'events_statements_history_long';

export interface MessageMaker {
  /**
   * What a client sent, whole, and what each ran inside; in the order in which they began. `lost`: statements that the server
   * may have lost so far.
   */
  add(events: readonly StatementEvent[], lost: number): readonly ToldMessage[];
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

/** Different ones; a loop of a procedure runs the same ones any number of times. */
const MOST_INSIDE = 500;
/** Of one session, until the statement that runs them has ended. */
const MOST_HELD = 100_000;
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
  /** By thread, what others ran inside, until those have ended. */
  const pending = new Map<number, StatementEvent[]>();
  let leftOut = 0;

  function hold(event: StatementEvent): void {
    const held = pending.get(event.thread) ?? [];
    if (held.length >= MOST_HELD) leftOut += 1;
    else held.push(event);
    pending.set(event.thread, held);
  }

  function insideOf(top: StatementEvent): readonly StatementEvent[] {
    const held = pending.get(top.thread) ?? [];
    const mine = held.filter((event) => contains(top, event));
    const others = held.filter((event) => !contains(top, event));
    if (others.length === 0) pending.delete(top.thread);
    else pending.set(top.thread, others);
    return mine.toSorted((one, other) => one.eventId - other.eventId);
  }

  function messageOf(top: StatementEvent, lost: number): ToldMessage | null {
    const mine = insideOf(top);
    if (!isTold(top) && !mine.some(isTold)) return null;
    const runs = runsOf(top, mine, MOST_INSIDE);
    leftOut += runs.leftOut;
    const { sessionId, applicationName } = request.sessionOf(top.thread);
    const statements = runs.list.map((each) => told(each, { ...request, top, lost }));
    return { sessionId, applicationName, statements };
  }

  return {
    get leftOut() {
      return leftOut;
    },
    add(events, lost) {
      for (const event of events) if (event.parentEventId !== null) hold(event);
      return events
        .filter(({ parentEventId }) => parentEventId === null)
        .toSorted((one, other) => one.startedMs - other.startedMs)
        .flatMap((top) => messageOf(top, lost) ?? []);
    },
  };
}

interface Runs {
  readonly first: StatementEvent;
  readonly within: number | null;
  count: number;
  tookMs: number;
  lockMs: number;
  rows: number;
  warnings: number;
}

/** A statement and what it ran inside, equal ones of one place together, in the order of their first run. */
function runsOf(top: StatementEvent, mine: readonly StatementEvent[], most: number) {
  const list: Runs[] = [];
  /** By event: the place of what stands for it in the list, its own or that of the nearest one around it. */
  const placeOf = new Map<number, number>();
  const placeOfKey = new Map<string, number>();
  let leftOut = 0;
  for (const event of [top, ...mine]) {
    const within = event === top ? null : (placeOf.get(event.parentEventId ?? top.eventId) ?? 0);
    if (event !== top && !isTold(event)) {
      placeOf.set(event.eventId, within ?? 0);
      continue;
    }
    const { endedMs, eventId, name, error, text } = event;
    const key = JSON.stringify([within, name, error?.code, text, endedMs === null ? eventId : null]);
    const place = placeOfKey.get(key) ?? list.length;
    if (place >= most) {
      leftOut += 1;
      continue;
    }
    placeOf.set(eventId, place);
    placeOfKey.set(key, place);
    const runs = list[place] ?? {
      first: event,
      within,
      count: 0,
      tookMs: 0,
      lockMs: 0,
      rows: 0,
      warnings: 0,
    };
    runs.count += 1;
    runs.tookMs += (endedMs ?? event.startedMs) - event.startedMs;
    runs.lockMs += event.lockMs;
    runs.rows += event.affected > 0 ? event.affected : event.sent;
    runs.warnings += event.warnings;
    list[place] = runs;
  }
  return { list, leftOut };
}

interface Telling extends MessageRequest {
  readonly top: StatementEvent;
  readonly lost: number;
}

function told(runs: Runs, { at, mostTextBytes, flavor, top, lost }: Telling): ToldStatement {
  const { first, within, count, tookMs } = runs;
  const { text, error, transactionEventId } = first;
  const running = first.endedMs === null;
  // Every run lies within what the client sent; which of those that were lost were runs of this one nobody knows.
  const incomplete = within !== null && lost > 0;
  const wholeMs = (top.endedMs ?? Number.POSITIVE_INFINITY) - top.startedMs;
  const figure = (value: number): Figure => {
    if (running) return notMeasured('it was still running');
    return incomplete ? notMeasured('the server had lost some of what ran inside') : exactly(value, SOURCE);
  };
  return {
    text: text ?? '',
    ...(first.textBytes > mostTextBytes - LONGEST_CHARACTER && { textCut: true as const }),
    within,
    ...(count > 1 && { runs: incomplete ? between(count, count + lost, SOURCE) : exactly(count, SOURCE) }),
    started: at(first.startedMs),
    durationMs:
      incomplete && !running && Number.isFinite(wholeMs)
        ? between(tookMs, Math.max(tookMs, wholeMs), SOURCE)
        : figure(tookMs),
    outcome: running ? 'unknown' : error === null ? 'ok' : 'failed',
    error: error === null ? null : { ...error, statement: text, position: null },
    transaction: transactionEventId === null ? null : `thread ${first.thread}, event ${transactionEventId}`,
    transactionId: null,
    rows:
      within !== null && runs.rows === 0 && flavor === 'mariadb'
        ? notMeasured('MariaDB does not count the rows that statements inside others change')
        : figure(runs.rows),
    logBytes: notMeasured('the server does not count the redo log of a single statement'),
    lockMs:
      flavor === 'mariadb'
        ? notMeasured('LOCK_TIME of MariaDB leaves out waits for row locks')
        : figure(runs.lockMs),
    ...(running ? {} : { warnings: runs.warnings }),
  };
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
