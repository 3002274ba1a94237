/**
 * The journal of the migration's database user, from what the server tells by itself: every statement whoever sent it.
 * It gives the steps the server's own times, and the observer of locks the waits that the server has told.
 */
import type { Journal, JournalReading, ServerInstant, Session, ToldMessage } from '../engines/engine.ts';
import { explain } from '../errors.ts';
import { between, type Figure, isMeasured } from '../recording/figure.ts';
import type { JournalStatement, Step } from '../recording/recording.ts';
import { measureClockOffset } from './clock-offset.ts';
import { type Entry, withServerTimes } from './journal-match.ts';
import type { ObserveRequest, Observer, RunningObserver, ToldTransaction } from './observer.ts';
import { closeSessions, openSession, type Source, startSampling } from './sampling.ts';

export const journal: Observer = { name: 'journal', start: startJournal };

const INTERVAL_MS = 500;
/** A recording is read as a whole; a migration that sends each row by itself would make it gigabytes. */
const MOST_MESSAGES = 10_000;
const NONE: RunningObserver = { [Symbol.asyncDispose]: async () => undefined };

/** The open journal with the sessions that it reads by. */
interface OpenJournal extends Source {
  settle(): Promise<void>;
  /** The same, with what is still under way. */
  finish(): Promise<void>;
}

interface Kept {
  /** Statements of one message together, in the order in which they were told. */
  readonly messages: Entry[][];
  /** Versions of steps that have the server's times. */
  readonly done: Set<string>;
  leftOut: number;
  source: string;
  /** As the open journal wants it. */
  intervalMs: number;
}

async function startJournal(request: ObserveRequest): Promise<RunningObserver> {
  const { engine, recorder } = request;
  if (engine.views.openJournal === undefined) return NONE;
  const kept: Kept = { messages: [], done: new Set(), leftOut: 0, source: '', intervalMs: INTERVAL_MS };
  let current: OpenJournal | null = null;
  let missing: string | null = null;
  const sampling = await startSampling({
    name: journal.name,
    get intervalMs() {
      return kept.intervalMs;
    },
    observe: request,
    async open() {
      const opened = await openJournal(request, kept);
      if ('missing' in opened) {
        missing = opened.missing;
        return { sessions: [], read: async () => INTERVAL_MS, [Symbol.asyncDispose]: async () => undefined };
      }
      current = opened;
      return opened;
    },
    finish: async () => {
      if (missing !== null) return recorder.setJournal({ notMeasured: missing });
      await current?.finish().catch((error: unknown) => {
        recorder.add('notMeasured', {
          what: 'the end of the journal',
          reason: explain(error).split('\n')[0] ?? '',
        });
      });
      for (const step of [...recorder.steps]) timeStep(request, kept, step);
      request.told.transactions = transactionsIn(kept.messages.flat());
      recorder.setJournal({ server: 'rehearsal', source: kept.source, statements: numbered(kept.messages) });
      if (kept.leftOut > 0)
        recorder.add('notMeasured', {
          what: `${kept.leftOut} messages to the server in its journal`,
          reason: `there were more than ${MOST_MESSAGES}`,
        });
    },
  });
  return {
    [Symbol.asyncDispose]: () => sampling[Symbol.asyncDispose](),
    async afterStep(step: Step) {
      await current?.settle();
      timeStep(request, kept, step);
    },
  };
}

function timeStep({ recorder }: ObserveRequest, { messages, done }: Kept, step: Step): void {
  if (done.has(step.version) || messages.length === 0) return;
  done.add(step.version);
  recorder.setStep(withServerTimes(step, messages.flat()));
}

/** Where the server tells them. */
function transactionsIn(entries: readonly Entry[]): readonly ToldTransaction[] {
  const spans = new Map<string, { sessionId: number; fromMs: number; toMs: number }>();
  for (const { sessionId, transaction, startedAtMs, durationMs } of entries) {
    if (transaction === null || !isMeasured(startedAtMs) || !isMeasured(durationMs)) continue;
    const key = `${sessionId} ${transaction}`;
    const [fromMs, toMs] = [startedAtMs.lower, startedAtMs.lower + durationMs.lower];
    const known = spans.get(key);
    if (known === undefined) spans.set(key, { sessionId, fromMs, toMs });
    else {
      known.fromMs = Math.min(known.fromMs, fromMs);
      known.toMs = Math.max(known.toMs, toMs);
    }
  }
  return [...spans.values()];
}

/** Messages, and the statements inside others, are counted over the whole journal. */
function numbered(messages: readonly Entry[][]): readonly JournalStatement[] {
  const statements: JournalStatement[] = [];
  for (const [message, entries] of messages.entries()) {
    const first = statements.length;
    for (const entry of entries)
      statements.push({ ...entry, message, within: entry.within === null ? null : first + entry.within });
  }
  return statements;
}

async function openJournal(
  request: ObserveRequest,
  kept: Kept,
): Promise<OpenJournal | { readonly missing: string }> {
  const { engine, roles, server, recorder, toldWaits, told } = request;
  const sessions: Session[] = [];
  const close = (): Promise<void> => closeSessions(sessions.splice(0));
  const { dataDirectory } = server;
  try {
    const administrator = await openSession(
      request,
      { ...roles.administrator, database: roles.observer.database },
      'rehearse observer journal',
    );
    sessions.push(administrator);
    const inside = await openSession(request, roles.observerInside, 'rehearse observer journal');
    sessions.push(inside);
    const opened = await engine.views.openJournal?.({
      administrator,
      inside,
      dataDirectory: 'path' in dataDirectory ? dataDirectory.path : null,
      user: roles.migrator.user,
      database: roles.migrator.database,
    });
    if (opened === undefined || 'missing' in opened) {
      await close();
      return opened ?? { missing: 'this engine has none' };
    }
    if (kept.source === '' && opened.waitsInWords !== null) recorder.add('notes', opened.waitsInWords);
    kept.source = opened.source;
    kept.intervalMs = opened.intervalMs ?? INTERVAL_MS;
    const first = await measureClockOffset(engine, recorder, administrator);
    if (!isMeasured(first)) {
      await closed(opened, close);
      return { missing: first.notMeasured };
    }
    let offset: Interval = first;
    const ours: OnOurClock = (instant) => onOurClock(instant, offset, recorder.epochMs);
    const keep = ({ messages, waits, cancels, deadlocks }: JournalReading): void => {
      for (const message of messages) {
        if (kept.messages.length < MOST_MESSAGES) kept.messages.push(entriesOf(message, ours));
        else kept.leftOut += 1;
      }
      for (const wait of waits)
        toldWaits.push({
          ...wait,
          started: ours(wait.started),
          ended: ours(wait.ended),
        });
      if (deadlocks !== undefined) {
        told.deadlocks ??= { source: kept.source, all: [] };
        for (const each of deadlocks) told.deadlocks.all.push({ ...each, at: ours(each.at) });
      }
      if (cancels === undefined) return;
      told.cancels ??= [];
      for (const cancel of cancels) told.cancels.push({ ...cancel, at: ours(cancel.at) });
    };
    let over = false;
    const keepUnfinished = (): void => {
      if (!over) keep(opened.unfinished());
      over = true;
    };
    const inTurn = takingTurns();
    const settle = (): Promise<void> =>
      inTurn(async () => {
        const again = await measureClockOffset(engine, recorder, administrator);
        if (isMeasured(again)) offset = again;
        const untilMs = recorder.now();
        keep(await opened.settle());
        const fromLengthMs = opened.completeFromMs?.() ?? null;
        told.waits = fromLengthMs === null ? null : { fromLengthMs, untilMs };
      });
    return {
      sessions: [administrator, inside],
      read: () => inTurn(async () => keep(await opened.read())).then(() => kept.intervalMs),
      settle,
      finish: async () => {
        try {
          await settle();
        } finally {
          keepUnfinished();
        }
      },
      async [Symbol.asyncDispose]() {
        keepUnfinished();
        for (const gap of opened.gaps?.() ?? []) recorder.add('notMeasured', gap);
        await inTurn(() => closed(opened, close));
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Interval = Pick<Extract<Figure, { readonly lower: number }>, 'lower' | 'upper'>;

type OnOurClock = (instant: ServerInstant) => ServerInstant;

function onOurClock(
  { notBeforeMs, notAfterMs }: ServerInstant,
  { lower, upper }: Interval,
  epochMs: number,
): ServerInstant {
  return { notBeforeMs: notBeforeMs - epochMs - upper, notAfterMs: notAfterMs - epochMs - lower };
}

function entriesOf({ sessionId, applicationName, statements }: ToldMessage, ours: OnOurClock): Entry[] {
  return statements.map(({ started, ...told }) => {
    const { notBeforeMs, notAfterMs } = ours(started);
    const startedAtMs = between(notBeforeMs, notAfterMs, 'server journal, on the recorder clock');
    return { ...told, sessionId, applicationName, startedAtMs, message: 0, statementId: null };
  });
}

async function closed(opened: Journal, close: () => Promise<void>): Promise<void> {
  try {
    await opened[Symbol.asyncDispose]();
  } finally {
    await close();
  }
}

/** Runs what it is given one after the other. */
function takingTurns(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (work) => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
