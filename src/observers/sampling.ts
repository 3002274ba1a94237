/**
 * The loop of an observer: opens its sessions, reads at its own pace, opens them anew when they are lost, and records
 * how much it read, what that cost, and each gap. Trouble of an observer never ends a rehearsal.
 */
import { type ConnectionTarget, type Engine, type Session, SqlError } from '../engines/engine.ts';
import { explain } from '../errors.ts';
import { between } from '../recording/figure.ts';
import type { ObserverRecord } from '../recording/recording.ts';
import { BUSY, type ObserveRequest } from './observer.ts';
import { createCost, createGaps, createPauses } from './sampling-account.ts';
import { countServerCpu, type ServerCpu } from './server-cpu.ts';
import { runStatements } from './statements.ts';

/** What is opened together, and closed together when one of its sessions is lost. */
export interface Source extends AsyncDisposable {
  /** Those that it reads by. */
  readonly sessions: readonly Session[];
  /** Reads once, `last` when nothing is read after it; returns the pause until the next reading. */
  read(last: boolean, account: ReadingAccount): Promise<number>;
}

export interface ReadingAccount {
  /** Awaits what takes none of our CPU: what the thread does meanwhile is not the reading's. */
  aside<Result>(wait: Promise<Result>): Promise<Result>;
  /** A reading that was made within this one, between these two instants; in order, and then all of them. */
  looked(look: { readonly askedAtMs: number; readonly answeredAtMs: number }): void;
}

export interface SamplingRequest {
  readonly name: string;
  /** Named in the record; the pauses are those that `read` returns. */
  readonly intervalMs: number;
  readonly observe: ObserveRequest;
  /** A pause of just this length, which is a multiple of the interval, ends where the migration begins to lock something. */
  readonly idleMs?: number;
  open(): Promise<Source>;
  /**
   * Called once after the last reading: hands the facts to the recorder. What began and ended between two readings was
   * shorter than `longestPauseMs`.
   */
  finish(longestPauseMs: number): Promise<void> | void;
}

export interface Sampling extends AsyncDisposable {
  /** The longest pause is that from now on. */
  pausesCount(): void;
}

/** Longer than the statement timeout of the sessions: only a dead connection takes so long. */
const READ_DEADLINE_MS = 5_000;
const OPEN_DEADLINE_MS = 10_000;
const REOPEN_AFTER_MS = 500;
/** Errors in a row, after which the sessions are taken for lost, whatever the errors say. */
const ERRORS_BEFORE_REOPEN = 3;

/** The first opening must succeed: its error is thrown. */
export async function startSampling(request: SamplingRequest): Promise<Sampling> {
  const { recorder, engine } = request.observe;
  const stop = new AbortController();
  const cost = createCost();
  const pauses = createPauses(() => recorder.now());
  const serverCpu = countServerCpu(pathOf(request.observe.server));
  const gaps = createGaps(() => recorder.now());
  const account: ReadingAccount = {
    aside: cost.aside,
    looked: ({ askedAtMs, answeredAtMs }) => pauses.read(askedAtMs, answeredAtMs),
  };
  let source: Source | null = await request.open();
  let errors = 0;

  async function readOnce(last = false): Promise<number> {
    try {
      source ??= await within(OPEN_DEADLINE_MS, request.open(), (late) => late[Symbol.asyncDispose]());
      const askedAtMs = recorder.now();
      const before = pauses.readings;
      const pauseMs = await cost.of(within(READ_DEADLINE_MS, source.read(last, account)));
      if (pauses.readings === before) pauses.read(askedAtMs);
      gaps.end();
      errors = 0;
      return pauseMs;
    } catch (error) {
      errors += 1;
      gaps.add(firstLine(error));
      if (source !== null && !isLost(error) && errors < ERRORS_BEFORE_REOPEN) return request.intervalMs;
      await close();
      return REOPEN_AFTER_MS;
    }
  }

  function isLost(error: unknown): boolean {
    return (
      !(error instanceof SqlError) || engine.dialect.classify(error.code, error.message) === 'connection lost'
    );
  }

  async function close(): Promise<void> {
    const closing = source;
    source = null;
    if (closing === null) return;
    serverCpu.add(closing.sessions);
    await closing[Symbol.asyncDispose]();
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      const pauseMs = await readOnce();
      const whole = pauseMs > 0 && pauseMs % request.intervalMs === 0;
      const wakes = pauseMs === request.idleMs ? request.observe.migration.changes : null;
      await sleep(whole ? untilNext(pauseMs, recorder.now()) : pauseMs, stop.signal, wakes);
    }
    if (source !== null) await readOnce(true);
  }

  const running = run();
  let finished: Promise<void> | null = null;

  async function finish(): Promise<void> {
    stop.abort();
    try {
      await running;
      await request.finish(pauses.longestMs);
    } catch (error) {
      recorder.add('notMeasured', {
        what: `the last facts of the observer "${request.name}"`,
        reason: firstLine(error),
      });
    } finally {
      await close();
      recorder.add('observers', {
        name: request.name,
        samples: pauses.readings,
        intervalMs: request.intervalMs,
        longestPauseMs: pauses.longestMs,
        longestPauseInStatementMs: pauses.longestWithinMs(runStatements(recorder.steps)),
        cpuMs: between(
          0,
          cost.cpuMs,
          'CPU of the thread while a reading was under way, other work of it included; not while the server looked by itself',
        ),
        ...serverCpuIn(serverCpu),
        trouble: gaps.told(),
      });
    }
  }

  return {
    pausesCount: pauses.begin,
    [Symbol.asyncDispose]: () => {
      finished ??= finish();
      return finished;
    },
  };
}

/** Observers that read at whole intervals share the wakes of the thread: each of those costs more than what it is for. */
function untilNext(intervalMs: number, nowMs: number): number {
  const leftMs = intervalMs - (nowMs % intervalMs);
  return leftMs < intervalMs / 2 ? leftMs + intervalMs : leftMs;
}

function pathOf({ dataDirectory }: ObserveRequest['server']): string | null {
  return 'path' in dataDirectory ? dataDirectory.path : null;
}

/** The part of an observer's record that is left out where the server's processes cannot be seen. */
export function serverCpuIn(serverCpu: ServerCpu): Pick<ObserverRecord, 'serverCpuMs'> {
  const serverCpuMs = serverCpu.figure();
  return serverCpuMs === null ? {} : { serverCpuMs };
}

export interface ObserverSessions {
  readonly sessions: readonly Session[];
  /** Connected to another database, where the engine can see all from there. */
  readonly cluster: Session;
  /** Connected to the rehearsed database. */
  readonly inside: Session;
}

/** Opens a session as every observer's is: it gives up rather than wait. */
export function openSession(
  { engine }: ObserveRequest,
  target: ConnectionTarget,
  applicationName: string,
): Promise<Session> {
  return engine.connections.connect(target, observerOptions(engine, applicationName));
}

/** Opens the two sessions of an observer; the first is closed when the second cannot be opened. */
export async function openSessions(
  request: ObserveRequest,
  applicationName: string,
): Promise<ObserverSessions> {
  const { roles } = request;
  const cluster = await openSession(request, roles.observer, applicationName);
  try {
    const inside = await openSession(request, roles.observerInside, applicationName);
    return { sessions: [cluster, inside], cluster, inside };
  } catch (error) {
    await closeSessions([cluster]);
    throw error;
  }
}

/** An observer never waits for a lock; should it ever, it gives up at once and says so. */
const LOCK_TIMEOUT_MS = 100;
/** Where the server takes whole seconds: keeping a fraction by ourselves needs privileges that an observer may lack. */
const WHOLE_LOCK_TIMEOUT_MS = 1_000;
const STATEMENT_TIMEOUT_MS = 1_000;

/** Of every session of an observer. */
export function observerOptions({ capabilities }: Engine, applicationName: string) {
  return {
    applicationName,
    lockTimeoutMs: capabilities.fractionalLockTimeout === true ? LOCK_TIMEOUT_MS : WHOLE_LOCK_TIMEOUT_MS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    connectTimeoutMs: READ_DEADLINE_MS,
    // Reading the locks every 20 ms cost a server more in planning than in reading.
    prepared: true,
  };
}

export async function closeSessions(sessions: readonly Session[]): Promise<void> {
  await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
}

function firstLine(error: unknown): string {
  return explain(error).split('\n')[0] ?? '';
}

/** What comes late is handed to `letGo`; should it fail then, its session is gone already. */
async function within<Result>(
  deadlineMs: number,
  work: Promise<Result>,
  letGo: (late: Result) => unknown = () => undefined,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      work.then(letGo).catch(() => undefined);
      reject(new Error(`no answer within ${deadlineMs} ms`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function sleep(milliseconds: number, signal: AbortSignal, wakes: EventTarget | null): Promise<void> {
  if (signal.aborted || milliseconds <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      wakes?.removeEventListener(BUSY, wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener('abort', wake, { once: true });
    wakes?.addEventListener(BUSY, wake, { once: true });
  });
}
