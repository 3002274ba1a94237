/** The journal of a Postgres server: its own log, with more of it for the sessions of one role. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NotMeasured } from '../../../recording/recording.ts';
import {
  type Journal,
  type JournalReading,
  type JournalRequest,
  type Session,
  SqlError,
  type ToldCancel,
  type ToldDeadlock,
  type ToldMessage,
  type ToldWait,
} from '../../engine.ts';
import { LOAD } from '../connections/roles.ts';
import { dialect } from '../text/dialect.ts';
import { openRelationNames } from '../views/relation-names.ts';
import { openAccount, uncounted } from './account.ts';
import { cancelledWork } from './cancelled-work.ts';
import { conflictingModes } from './conflicts.ts';
import { openCounts } from './counted.ts';
import { deadlockIn, type LoggedDeadlock } from './deadlocks.ts';
import { knownSessions } from './identities.ts';
import type { TrackedMessage } from './message.ts';
import { createLogReader, type LogReader, type LogRecord } from './record.ts';
import { roleSettings, settingOf } from './role-settings.ts';
import { trackStatements } from './statements.ts';
import { type LogTail, openLogTail } from './tail.ts';
import { type LoggedWait, trackLoggedWaits } from './waits.ts';

/** Messages of which it is not settled yet what they did; a migration that sends each row by itself has many. */
const MOST_HELD = 2_000;

const SETTLE_LIMIT_MS = 5_000;
const SETTLE_AGAIN_MS = 3;

export async function openJournal(request: JournalRequest): Promise<Journal | { readonly missing: string }> {
  const { administrator, inside, dataDirectory, user, database } = request;
  const opened = await openLogTail(administrator, dataDirectory);
  if ('missing' in opened) return opened;
  const tail: LogTail = opened;
  const readers = new Map<string, LogReader>();
  const waits = trackLoggedWaits();
  const names = await openRelationNames(inside);
  const identities = knownSessions(administrator);
  const { settings, version } = await roleSettings(request);
  const statements = trackStatements({ user, database, version });
  const counts = await openCounts(administrator, { user, database });
  const counter = 'missing' in counts ? null : counts;
  for (const [role, name, value] of settings)
    await administrator.execute(`${settingOf(role, database)} set ${name} = ${dialect.quoteLiteral(value)}`);
  const account = openAccount((await counter?.read()) ?? []);
  const thresholds = await readThresholds(administrator, user);
  const mostOfText = await readMostOfText(administrator);
  let held: TrackedMessage[] = [];
  let settled = 0;

  async function take(until: string | null): Promise<JournalReading & { readonly reached: boolean }> {
    const logged: LoggedWait[] = [];
    const cancels: ToldCancel[] = [];
    const deadlocks: LoggedDeadlock[] = [];
    let reached = false;
    function follow(record: LogRecord): void {
      identities.note(record);
      if (until !== null && record.sessionId === administrator.id && record.message.includes(until))
        reached = true;
      for (const message of statements.add(record)) held.push(message);
      if (concerns(record)) logged.push(...waits.add(record));
      const deadlock = concerns(record) ? deadlockIn(record) : null;
      if (deadlock !== null) deadlocks.push(deadlock);
      const cancel = cancelledWork(record, database);
      if (cancel !== null) cancels.push(cancel);
    }
    const found = new Map<string, LogRecord[]>();
    await tail.read((bytes, file) => {
      const reader = readers.get(file) ?? createLogReader(tail.format);
      readers.set(file, reader);
      const records = found.get(file) ?? [];
      for (const record of reader.add(bytes)) records.push(record);
      found.set(file, records);
    });
    const records = [...found.values()].flat();
    for (const record of found.size > 1 ? records.toSorted((one, other) => one.atMs - other.atMs) : records)
      follow(record);
    const parties = deadlocks.flatMap((each) => each.parties);
    const oids = [...logged, ...parties].flatMap(({ relationOid }) =>
      relationOid === null ? [] : [relationOid],
    );
    await names.learn(oids);
    await identities.learn([
      ...logged.flatMap(({ sessions }) => [...sessions.holders, ...sessions.waiters]),
      ...parties.map(({ sessionId }) => sessionId),
    ]);
    return {
      messages: [],
      waits: logged.map(toldWait),
      cancels,
      deadlocks: deadlocks.map(toldDeadlock),
      reached,
    };
  }

  /** Those of which it is known what they did. While a statement runs, it is counted in part. */
  async function released(final: boolean): Promise<readonly ToldMessage[]> {
    const forced = final || held.length > MOST_HELD;
    if (held.length === 0 || (!forced && statements.unfinished().length > 0)) return [];
    const messages =
      counter === null
        ? uncounted(held, 'missing' in counts ? counts.missing : '')
        : account.settle(held, await counter.read(), forced);
    if (messages === null) return [];
    held = [];
    return messages;
  }

  const concerns = (record: LogRecord): boolean => record.database === null || record.database === database;

  function linesMissing(): boolean {
    return (
      tail.lost.length > 0 || statements.foreign > 0 || [...readers.values()].some(({ unread }) => unread > 0)
    );
  }

  function toldWait(wait: LoggedWait): ToldWait {
    const { record, mode, target, relationOid, started, waitedMs, ended, ending } = wait;
    const { holders, waiters } = wait.sessions;
    return {
      sessionId: record.sessionId,
      user: record.user,
      applicationName: record.applicationName,
      statement: record.statement,
      mode,
      target,
      relation: relationOid === null ? null : (names.get(relationOid)?.name ?? `relation ${relationOid}`),
      started,
      waitedMs,
      ended,
      ending,
      lock: {
        holders: holders.map(identities.of),
        waiters: waiters.map(identities.of),
        conflicting: conflictingModes(mode),
      },
    };
  }

  function toldDeadlock({ atMs, parties }: LoggedDeadlock): ToldDeadlock {
    return {
      at: { notBeforeMs: atMs, notAfterMs: atMs + 1 },
      sessions: parties.map(({ sessionId }) => identities.of(sessionId)),
      parties: parties.map(({ sessionId, statement, mode, target, relationOid, victim }) => ({
        ...{ sessionId, user: identities.of(sessionId).user ?? null, statement, victim },
        statementCut: statement !== null && Buffer.byteLength(statement) >= mostOfText,
        waitedFor: {
          relation:
            relationOid === null ? target : (names.get(relationOid)?.name ?? `relation ${relationOid}`),
          index: null,
          mode,
        },
        // The server names the modes that were waited for, and not those that were in their way.
        held: [],
      })),
    };
  }

  return {
    source: `server log (${tail.format})`,
    waitsInWords: inWords(thresholds),
    completeFromMs: () => (thresholds === null || linesMissing() ? null : milliseconds(thresholds.load)),
    async read() {
      const { waits: told, cancels = [], deadlocks = [] } = await take(null);
      return { messages: await released(false), waits: told, cancels, deadlocks };
    },
    /** The lines of all sessions go through one pipe: when ours is in the file, all earlier ones are. */
    async settle() {
      settled += 1;
      const mark = `rehearse journal ${administrator.id} ${settled}`;
      await administrator.execute("set log_statement = 'all'");
      await administrator.execute(`select '${mark}'`);
      await administrator.execute("set log_statement = 'none'");
      const told: ToldWait[] = [];
      const cancels: ToldCancel[] = [];
      const deadlocks: ToldDeadlock[] = [];
      const limitAtMs = performance.now() + SETTLE_LIMIT_MS;
      for (;;) {
        const reading = await take(mark);
        told.push(...reading.waits);
        cancels.push(...(reading.cancels ?? []));
        deadlocks.push(...(reading.deadlocks ?? []));
        if (reading.reached) return { messages: await released(true), waits: told, cancels, deadlocks };
        if (performance.now() > limitAtMs)
          throw new Error(`the server log did not show our own line within ${SETTLE_LIMIT_MS} ms`);
        await delay(SETTLE_AGAIN_MS);
      }
    },
    unfinished() {
      const left = [...held, ...statements.unfinished()];
      return { messages: uncounted(left, 'what the server counted could not be read any more'), waits: [] };
    },
    gaps: () => [
      ...tail.lost.map((reason) => ({ what: 'a part of the server log', reason })),
      ...gap(
        [...readers.values()].reduce((sum, { unread }) => sum + unread, 0),
        'of the server log',
        'they are cut short, or not in the format or the time zone of the others',
      ),
      ...gap(
        statements.foreign,
        'of the server log',
        'a session set lc_messages to another language than English',
      ),
      ...gap(account.unplacedRuns, 'inside statements', 'any of several statements may have run them', 'run'),
    ],
    async [Symbol.asyncDispose]() {
      await tail[Symbol.asyncDispose]();
      try {
        for (const [role, name] of settings)
          await administrator.execute(`${settingOf(role, database)} reset ${name}`);
      } catch (error) {
        // A server that is gone has no settings to take back.
        if (!(error instanceof SqlError) || dialect.classify(error.code, error.message) !== 'connection lost')
          throw error;
      }
    },
  };
}

function gap(count: number, where: string, reason: string, what = 'line'): readonly NotMeasured[] {
  return count === 0 ? [] : [{ what: `${count} ${what}${count === 1 ? '' : 's'} ${where}`, reason }];
}

/** deadlock_timeout of the server, and of the roles that have one of their own. */
const THRESHOLDS = `
  select current_setting('deadlock_timeout') as server,
    max(substr(c.entry, 18)) filter (where r.rolname = $1) as migration,
    max(substr(c.entry, 18)) filter (where r.rolname <> $1) as load,
    current_setting('log_lock_waits') as logged
  from pg_catalog.pg_db_role_setting s
  join pg_catalog.pg_roles r on r.oid = s.setrole
  cross join unnest(s.setconfig) as c(entry)
  where r.rolname in ($1, $2) and c.entry like 'deadlock\\_timeout=%'`;

/** Bytes of a statement that other sessions see; with the end that C puts there. */
async function readMostOfText(session: Session): Promise<number> {
  const [row] = await session.query<{ setting: string }>(
    "select setting from pg_catalog.pg_settings where name = 'track_activity_query_size'",
  );
  return Number(row?.setting ?? Number.POSITIVE_INFINITY) - 1;
}

/** deadlock_timeout of the sessions, as it is set. */
interface Thresholds {
  readonly migration: string;
  readonly load: string;
}

/** Null where the server tells no waits. https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-DEADLOCK-TIMEOUT */
async function readThresholds(session: Session, migrator: string): Promise<Thresholds | null> {
  const [row] = await session.query<
    Record<'server' | 'logged', string> & Record<'migration' | 'load', string | null>
  >(THRESHOLDS, [migrator, LOAD]);
  if (row === undefined || row.logged !== 'on') return null;
  return { migration: row.migration ?? row.server, load: row.load ?? row.server };
}

function inWords(thresholds: Thresholds | null): string {
  if (thresholds === null) return 'log_lock_waits is off, so that the server times no wait for a lock';
  const { migration, load } = thresholds;
  const timed = `the server log times each wait for a lock that is longer than deadlock_timeout: ${migration} on sessions of the migration, ${load} on those of the load`;
  if (migration === load) return timed;
  return `${timed}. With two values it is not reliable which session a deadlock would be broken at`;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, '': 1 };

/** Null for what is no whole number of a unit that the server writes. */
function milliseconds(setting: string): number | null {
  const [, number, unit = ''] = /^(\d+)(ms|s|min|)$/.exec(setting) ?? [];
  return number === undefined ? null : Number(number) * (UNITS[unit] ?? 1);
}
