/**
 * The loop of an observer: opens its sessions, reads at its own pace, opens them anew when they are lost, and records
 * how much it read, what that cost, and each gap. Trouble of an observer never ends a rehearsal.
 */
import { type ConnectionTarget, type Engine, type Session, SqlError } from '../engines/engine.ts';
import { explain } from '../errors.ts';
import { between } from '../recording/figure.ts';
import type { ObserveRequest } from './observer.ts';

/** What is opened together, and closed together when one of its sessions is lost. */
export interface Source extends AsyncDisposable {
  /** Reads once, `last` when nothing is read after it; returns the pause until the next reading. */
  read(last: boolean): Promise<number>;
}

export interface SamplingRequest {
  readonly name: string;
  /** Named in the record; the pauses are those that `read` returns. */
  readonly intervalMs: number;
  readonly observe: ObserveRequest;
  open(): Promise<Source>;
  /** Called once after the last reading: hands the facts to the recorder. */
  finish(): Promise<void> | void;
}

/** Longer than the statement timeout of the sessions: only a dead connection takes so long. */
const READ_DEADLINE_MS = 5_000;
const OPEN_DEADLINE_MS = 10_000;
const REOPEN_AFTER_MS = 500;
/** Errors in a row, after which the sessions are taken for lost, whatever the errors say. */
const ERRORS_BEFORE_REOPEN = 3;
/** Each gap is told apart up to this many; then they are counted. */
const GAPS_TOLD = 20;

/** The first opening must succeed: its error is thrown. */
export async function startSampling(request: SamplingRequest): Promise<AsyncDisposable> {
  const { recorder, engine } = request.observe;
  const stop = new AbortController();
  const cost = createCost();
  const gaps = createGaps(() => recorder.now());
  let source: Source | null = await request.open();
  let errors = 0;

  async function readOnce(last = false): Promise<number> {
    try {
      source ??= await within(OPEN_DEADLINE_MS, request.open(), (late) => late[Symbol.asyncDispose]());
      const pauseMs = await cost.of(within(READ_DEADLINE_MS, source.read(last)));
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
    if (closing !== null) await closing[Symbol.asyncDispose]();
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) await sleep(await readOnce(), stop.signal);
    if (source !== null) await readOnce(true);
  }

  const running = run();
  let finished: Promise<void> | null = null;

  async function finish(): Promise<void> {
    stop.abort();
    try {
      await running;
      await request.finish();
    } catch (error) {
      recorder.add('notMeasured', {
        what: `the last facts of the observer "${request.name}"`,
        reason: firstLine(error),
      });
    } finally {
      await close();
      recorder.add('observers', {
        name: request.name,
        samples: cost.samples,
        intervalMs: request.intervalMs,
        cpuMs: between(
          0,
          cost.cpuMs,
          'CPU of the thread while a reading was under way, other work of it included',
        ),
        trouble: gaps.told(),
      });
    }
  }

  return {
    [Symbol.asyncDispose]: () => {
      finished ??= finish();
      return finished;
    },
  };
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

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener('abort', wake, { once: true });
  });
}

/** CPU of this thread where Node tells it (23.9 and later), of the whole process otherwise. */
function createCost() {
  const cpuNow = (): number => {
    const { user, system } =
      typeof process.threadCpuUsage === 'function' ? process.threadCpuUsage() : process.cpuUsage();
    return (user + system) / 1000;
  };
  const cost = {
    samples: 0,
    cpuMs: 0,
    async of<Result>(reading: Promise<Result>): Promise<Result> {
      const before = cpuNow();
      try {
        const result = await reading;
        cost.samples += 1;
        return result;
      } finally {
        cost.cpuMs += cpuNow() - before;
      }
    },
  };
  return cost;
}

/** Stretches without a reading, as text for the record. */
function createGaps(now: () => number) {
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
