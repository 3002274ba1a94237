/**
 * The journal of a MySQL or MariaDB server: what its performance schema keeps of the statements of one user. It counts
 * them by user too, and so each reading is held against a count: what is missing is said, and nothing is read where
 * nothing happened.
 */
import type { NotMeasured } from '../../../recording/recording.ts';
import type { Journal, JournalReading, JournalRequest, Session } from '../../engine.ts';
import { serverKind } from '../server/server-kind.ts';
import { type EventClock, readEventClock } from './clock.ts';
import { type Counted, countOf, lastOfAll, lastOfThreads, runningIn, type StatementEvent } from './events.ts';
import { createMessages } from './messages.ts';
import { openUserSessions, type UserSessions } from './sessions.ts';
import { prepareJournal } from './switches.ts';

const SOURCE = 'events_statements_history_long';
/** A session that lives shorter is known by counting alone (sessions.ts); a reading of nothing new took 0.7 ms. */
const INTERVAL_MS = 200;
const UNSEEN = { sessionId: 0, applicationName: '', beside: false };
/** From the end of a statement to its row: the rows of two processors need not come in order. */
const SLACK_MS = 1_000;

export async function openJournal({
  administrator,
  inside,
  user,
}: JournalRequest): Promise<Journal | { readonly missing: string }> {
  const ready = await prepareJournal(administrator, user);
  if ('missing' in ready) return ready;
  const began = await beginning(inside, user);
  if (began === null) {
    await ready.takeBack();
    return { missing: 'the server does not time its statements' };
  }
  const sessions = await openUserSessions(inside, administrator, user);
  const reader = createReader({ session: inside, user, sessions, ...began });
  let { clock } = began;
  const messages = createMessages({
    sessionOf: (thread) => sessions.of(thread) ?? UNSEEN,
    at: (timerMs) => clock.at(timerMs),
    mostTextBytes: ready.mostTextBytes,
    flavor: (await serverKind(inside)).flavor,
  });
  let running: readonly StatementEvent[] = [];

  const isTold = ({ thread }: StatementEvent): boolean => sessions.of(thread)?.beside !== true;

  async function take(last: boolean): Promise<JournalReading> {
    const events = await reader.read(last);
    if (events.length > 0) clock = (await readEventClock(inside)) ?? clock;
    return { messages: messages.add(events.filter(isTold), reader.missing), waits: [] };
  }

  return {
    source: SOURCE,
    waitsInWords: null,
    intervalMs: INTERVAL_MS,
    read: () => take(false),
    async settle() {
      const reading = await take(true);
      running = (await runningIn(inside, sessions.live)).filter(isTold);
      return reading;
    },
    unfinished: () => ({ messages: messages.add(running, reader.missing), waits: [] }),
    gaps: () => [...reader.gaps(), ...cutOff(messages.leftOut)],
    [Symbol.asyncDispose]: () => ready.takeBack(),
  };
}

/** An instant, and what was counted until then. */
interface Beginning {
  readonly clock: EventClock;
  readonly counted: Counted;
}

/** Of a user that never rests the count is that after the instant: too few are then found lost, never too many. */
const MOST_BEGINNINGS = 20;

async function beginning(session: Session, user: string): Promise<Beginning | null> {
  let before = await countOf(session, user);
  for (let attempt = 1; ; attempt += 1) {
    const clock = await readEventClock(session);
    if (clock === null) return null;
    const counted = await countOf(session, user);
    if (counted.statements === before.statements || attempt === MOST_BEGINNINGS) return { clock, counted };
    before = counted;
  }
}

interface ReaderRequest extends Beginning {
  readonly session: Session;
  readonly user: string;
  readonly sessions: UserSessions;
}

function createReader({ session, user, sessions, clock: { timerMs: fromMs }, counted }: ReaderRequest) {
  /** Of the user's statements, as many as were read, found lost, or counted before the beginning. */
  let accounted = counted.statements;
  let { connections } = counted;
  let lost = 0;
  /** Counted after the last reading, and not in it. */
  let outstanding = 0;
  /** Statements of sessions that nobody has seen, and that may be somebody else's. */
  let ofUnseen = 0;
  /** By thread: the end of the last statement that was read. */
  const readTo = new Map<number, number>();
  let scannedToMs = fromMs;

  const count = (): Promise<Counted> => countOf(session, user);

  function take(events: readonly StatementEvent[]): readonly StatementEvent[] {
    for (const { thread, endedMs } of events)
      readTo.set(thread, Math.max(readTo.get(thread) ?? 0, endedMs ?? 0));
    accounted += events.length;
    return events;
  }

  const isNew = ({ thread, endedMs }: StatementEvent): boolean =>
    endedMs !== null && endedMs > (readTo.get(thread) ?? fromMs);

  async function lookWhenConnected(now: Counted): Promise<void> {
    if (now.connections === connections) return;
    await sessions.look();
    connections = now.connections;
  }

  /** The ring, where the last ten of each session that is still there are not all. */
  async function scan(): Promise<readonly StatementEvent[]> {
    const events = (await lastOfAll(session, scannedToMs - SLACK_MS)).filter(isNew);
    await sessions.look();
    const unseen = events.filter(({ thread }) => sessions.of(thread) === undefined);
    const unseenAreTheUsers = unseen.length > 0 && (await sessions.unseenAreTheUsers());
    if (!unseenAreTheUsers) ofUnseen += unseen.length;
    scannedToMs = events.reduce((latest, { endedMs }) => Math.max(latest, endedMs ?? 0), scannedToMs);
    return events.filter(({ thread }) => {
      const owner = sessions.of(thread);
      return owner === undefined ? unseenAreTheUsers : owner !== null;
    });
  }

  async function read(last: boolean): Promise<readonly StatementEvent[]> {
    const before = await count();
    await lookWhenConnected(before);
    if (before.statements <= accounted) return [];
    const near = (await lastOfThreads(session, sessions.live, fromMs)).filter(isNew);
    const between = await count();
    if (accounted + near.length === between.statements) {
      outstanding = 0;
      return take(near);
    }
    const all = take(union(await scan(), near));
    const after = await count();
    // What ends while the ring is read is found by the next reading; without one, or when nothing did, it is lost.
    if (accounted < after.statements && (last || after.statements === between.statements)) {
      lost += after.statements - accounted;
      accounted = after.statements;
    }
    outstanding = Math.max(0, after.statements - accounted);
    return all;
  }

  return {
    read,
    /** Statements that were counted and not read; the last ones of them may be read yet. */
    get missing() {
      return lost + outstanding;
    },
    gaps: (): readonly NotMeasured[] => (lost === 0 ? [] : [lostInWords(lost, ofUnseen > 0)]),
  };
}

function lostInWords(lost: number, someUnseen: boolean): NotMeasured {
  const why = someUnseen
    ? 'they ran in sessions that were gone before they were seen, and somebody else had such sessions too, or the ring of ' +
      'ended statements had lost them'
    : 'the ring of ended statements had lost them before it was read: raise ' +
      'performance_schema_events_statements_history_long_size';
  return { what: 'statements in the journal', reason: `the server counted ${lost} more; ${why}` };
}

function union(one: readonly StatementEvent[], other: readonly StatementEvent[]): readonly StatementEvent[] {
  const keyOf = ({ thread, eventId }: StatementEvent): string => `${thread} ${eventId}`;
  const known = new Set(one.map(keyOf));
  return [...one, ...other.filter((event) => !known.has(keyOf(event)))];
}

function cutOff(leftOut: number): readonly NotMeasured[] {
  if (leftOut === 0) return [];
  const reason = `${leftOut} of them are not in the journal: of each statement the first 500 different ones that it ran inside are kept`;
  return [{ what: 'statements inside others', reason }];
}
