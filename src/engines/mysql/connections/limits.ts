/**
 * Limits of a session that the server does not keep by itself: lock timeouts of a fraction of a second (lock_wait_timeout
 * and innodb_lock_wait_timeout take whole seconds), and a statement timeout for writes (max_execution_time is for SELECT).
 * Both end by KILL QUERY, sent through a second connection.
 */
import { EnvironmentError } from '../../../errors.ts';
import { type ConnectionTarget, type SessionOptions, SqlError } from '../../engine.ts';
import { LOCK_WAIT_TIMEOUT, QUERY_INTERRUPTED, QUERY_TIMEOUT } from '../text/dialect.ts';
import { type Client, closeClient, openClient, toSqlError } from './client.ts';

export interface Limits extends AsyncDisposable {
  /** Keeps watch over one statement. */
  begin(): Guard;
}

/** What keeps watch over one statement until its end is awaited. */
export interface Guard {
  /** No KILL is on its way any more. True when one was sent. */
  end(): Promise<boolean>;
  /** The error as the limit that caused it. */
  explain(error: SqlError): SqlError;
}

type Reason = { readonly code: string; readonly message: string };

/** The statements that keep what the server can keep: whole seconds, rounded up. */
export function serverLimits(lockTimeoutMs: number | undefined): readonly string[] {
  if (lockTimeoutMs === undefined) return [];
  const seconds = Math.max(1, Math.ceil(lockTimeoutMs / 1000));
  return [`set session lock_wait_timeout = ${seconds}`, `set session innodb_lock_wait_timeout = ${seconds}`];
}

const NO_LIMITS: Limits = {
  begin: () => ({ end: async () => false, explain: (error) => error }),
  [Symbol.asyncDispose]: async () => undefined,
};

/** Opens the second connection at once where lock waits must be watched, so that a missing privilege is said early. */
export async function openLimits(
  client: Client,
  target: ConnectionTarget,
  options: SessionOptions,
  signal?: AbortSignal,
): Promise<Limits> {
  const { statementTimeoutMs } = options;
  const fraction = (options.lockTimeoutMs ?? 0) % 1000 === 0 ? undefined : options.lockTimeoutMs;
  if (fraction === undefined && statementTimeoutMs === undefined) return NO_LIMITS;
  const second = await openClient(target, { ...options, applicationName: 'rehearse limits' }, signal);
  const look = lockWaitLook(client, second);
  if (fraction !== undefined) await look().catch(async (error: unknown) => refuse(second, target, error));
  return {
    begin: () =>
      startGuard(async (course) => {
        const deadline = statementTimeoutMs === undefined ? null : performance.now() + statementTimeoutMs;
        const reason =
          fraction === undefined
            ? await overtime(deadline, statementTimeoutMs, course)
            : await watch({ look, limitMs: fraction, deadline, statementTimeoutMs }, course);
        if (reason !== null) await second.send(`kill query ${client.id}`);
        return reason;
      }),
    [Symbol.asyncDispose]: () => closeClient(second),
  };
}

async function refuse(second: Client, target: ConnectionTarget, cause: unknown): Promise<never> {
  await closeClient(second);
  throw new EnvironmentError(
    `a lock timeout that is no whole number of seconds needs a look at the lock waits, which user "${target.user}" may ` +
      'not have: grant PROCESS on *.* and SELECT on performance_schema.*, or write whole seconds',
    { cause },
  );
}

/** Runs one watch. */
function startGuard(work: (course: Course) => Promise<Reason | null>): Guard {
  const course = startCourse();
  let reason: Reason | null = null;
  const watching = work(course).then(
    (found) => {
      reason = found;
    },
    (error: unknown) => {
      // The second connection is gone with the server; the statement itself says so.
      if (!course.ended) reason = { code: '', message: toSqlError(error, null).message };
    },
  );
  return {
    async end() {
      course.end();
      await watching;
      return reason !== null && reason.code !== '';
    },
    explain(error) {
      if (reason === null || reason.code === '' || error.code !== QUERY_INTERRUPTED) return error;
      const { statement, position, completed } = error;
      return new SqlError(reason.message, {
        code: reason.code,
        statement,
        position,
        completed,
        cause: error,
      });
    },
  };
}

/** Waits out the statement timeout; null when the statement ended before. */
async function overtime(
  deadline: number | null,
  limitMs: number | undefined,
  course: Course,
): Promise<Reason | null> {
  if (deadline === null) return null;
  await course.pause(deadline - performance.now());
  return course.ended ? null : timeoutReason(limitMs);
}

function timeoutReason(limitMs: number | undefined): Reason {
  return { code: QUERY_TIMEOUT, message: `statement timeout of ${limitMs} ms exceeded, ended by KILL QUERY` };
}

interface Watching {
  readonly look: () => Promise<boolean>;
  readonly limitMs: number;
  readonly deadline: number | null;
  readonly statementTimeoutMs: number | undefined;
}

const LOOKS_PER_LIMIT = 20;
const LOOK_EVERY_MS_MIN = 5;
const LOOK_EVERY_MS_MAX = 50;

/** Looks at the session again and again; a wait counts from the first look that sees it, so none is cut short. */
async function watch(watching: Watching, course: Course): Promise<Reason | null> {
  const { look, limitMs, deadline, statementTimeoutMs } = watching;
  const every = Math.min(LOOK_EVERY_MS_MAX, Math.max(LOOK_EVERY_MS_MIN, limitMs / LOOKS_PER_LIMIT));
  let waitingSince: number | null = null;
  for (;;) {
    await course.pause(every);
    if (course.ended) return null;
    const waits = await look();
    const now = performance.now();
    waitingSince = waits ? (waitingSince ?? now) : null;
    if (course.ended) return null;
    if (waitingSince !== null && now - waitingSince >= limitMs)
      return {
        code: LOCK_WAIT_TIMEOUT,
        message: `lock timeout of ${limitMs} ms exceeded, ended by KILL QUERY`,
      };
    if (deadline !== null && now >= deadline) return timeoutReason(statementTimeoutMs);
  }
}

/** The time of one statement. */
interface Course {
  readonly ended: boolean;
  end(): void;
  /** Over at the latest when the statement is. */
  pause(milliseconds: number): Promise<void>;
}

/** An AbortController with a listener, and the error that it makes, took a fifth of what a short statement costs us. */
function startCourse(): Course {
  let ended = false;
  let wake: (() => void) | null = null;
  return {
    get ended() {
      return ended;
    },
    end() {
      ended = true;
      wake?.();
    },
    pause: (milliseconds) =>
      new Promise((resolve) => {
        if (ended) return resolve();
        wake = () => {
          clearTimeout(timer);
          wake = null;
          resolve();
        };
        const timer = setTimeout(wake, Math.max(0, milliseconds));
      }),
  };
}

/** States of a session that waits: https://dev.mysql.com/doc/refman/en/general-thread-states.html */
const WAITING = /^waiting for .*\b(?:lock|flush)$/i;
/** MySQL: the views have no memory of their own, so that they can be read at any pace. */
const MYSQL_LOOK = `
  select
    t.processlist_state as state,
    exists (select 1 from performance_schema.data_lock_waits w where w.requesting_thread_id = t.thread_id) as row_wait
  from performance_schema.threads t
  where t.processlist_id = `;
const STATE_LOOK = 'select state, 0 as row_wait from information_schema.processlist where id = ';
/**
 * MariaDB refreshes this view only when nobody has read it for 0.1 s (CACHE_MIN_IDLE_TIME_NS in trx0i_s.cc), so a row
 * wait is known to within that.
 */
const ROW_LOOK =
  "select 1 as found from information_schema.innodb_trx where trx_state = 'LOCK WAIT' and trx_mysql_thread_id = ";
const ROW_LOOK_EVERY_MS = 110;

/** Returns a look that tells whether the session waits for a lock now. */
function lockWaitLook({ id, flavor }: Client, second: Client): () => Promise<boolean> {
  let rowWait = false;
  let rowLookAt = 0;
  return async () => {
    const [seen] = (await second.send(`${flavor === 'mysql' ? MYSQL_LOOK : STATE_LOOK}${id}`)).rows;
    if (seen === undefined) return false;
    if (WAITING.test(String(Reflect.get(seen, 'state')))) return true;
    if (flavor === 'mysql') return Reflect.get(seen, 'row_wait') === 1;
    if (performance.now() >= rowLookAt) {
      rowWait = (await second.send(`${ROW_LOOK}${id}`)).rows.length > 0;
      rowLookAt = performance.now() + ROW_LOOK_EVERY_MS;
    }
    return rowWait;
  };
}
