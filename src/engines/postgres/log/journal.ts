/** The journal of a Postgres server: its own log, with more of it for the sessions of one role. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Journal,
  type JournalReading,
  type JournalRequest,
  type Session,
  SqlError,
  type ToldMessage,
  type ToldWait,
} from '../../engine.ts';
import { LOAD } from '../connections/roles.ts';
import { dialect } from '../text/dialect.ts';
import { openRelationNames } from '../views/relation-names.ts';
import { createLogReader, type LogRecord } from './record.ts';
import { trackStatements } from './statements.ts';
import { type LogTail, openLogTail } from './tail.ts';
import { type LoggedWait, trackLoggedWaits } from './waits.ts';

/**
 * On the role alone, for the sessions that it opens from now on. Nothing of it reaches a client or changes what a
 * statement does. The text of the message would otherwise stand again in every line, and so n times for n statements.
 */
const ROLE_SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['log_statement', 'all'],
  ['log_min_duration_statement', '0'],
  ['log_parser_stats', 'on'],
  ['log_executor_stats', 'on'],
  ['log_min_error_statement', 'fatal'],
];

const SETTLE_LIMIT_MS = 5_000;
const SETTLE_AGAIN_MS = 3;

export async function openJournal(request: JournalRequest): Promise<Journal | { readonly missing: string }> {
  const { administrator, inside, dataDirectory, user, database } = request;
  const opened = await openLogTail(administrator, dataDirectory);
  if ('missing' in opened) return opened;
  const tail: LogTail = opened;
  const reader = createLogReader(tail.format);
  const statements = trackStatements(user, database);
  const waits = trackLoggedWaits();
  const names = await openRelationNames(inside);
  const role = dialect.quote(user);
  const where = `alter role ${role} in database ${dialect.quote(database)}`;
  for (const [name, value] of ROLE_SETTINGS)
    await administrator.execute(`${where} set ${name} = ${dialect.quoteLiteral(value)}`);
  await administrator.execute("set log_statement = 'all'");
  const waitsInWords = await thresholdsInWords(administrator, user);
  let settled = 0;

  async function take(until: string | null): Promise<JournalReading & { readonly reached: boolean }> {
    const messages: ToldMessage[] = [];
    const logged: LoggedWait[] = [];
    let reached = false;
    for (const record of reader.add(await tail.read())) {
      if (until !== null && record.sessionId === administrator.id && record.message.includes(until))
        reached = true;
      messages.push(...statements.add(record));
      if (concerns(record)) logged.push(...waits.add(record));
    }
    await names.learn(logged.flatMap(({ relationOid }) => (relationOid === null ? [] : [relationOid])));
    return { messages, waits: logged.map(toldWait), reached };
  }

  const concerns = (record: LogRecord): boolean => record.database === null || record.database === database;

  function toldWait(wait: LoggedWait): ToldWait {
    const { record, mode, target, relationOid, started, waitedMs, ended, ending } = wait;
    return {
      sessionId: record.sessionId,
      user: record.user,
      applicationName: record.applicationName,
      statement: null,
      mode,
      target,
      relation: relationOid === null ? null : (names.get(relationOid)?.name ?? `relation ${relationOid}`),
      started,
      waitedMs,
      ended,
      ending,
    };
  }

  return {
    source: `server log (${tail.format})`,
    waitsInWords,
    read: () => take(null),
    /** The lines of all sessions go through one pipe: when ours is in the file, all earlier ones are. */
    async settle() {
      settled += 1;
      const mark = `rehearse journal ${administrator.id} ${settled}`;
      await administrator.execute(`select '${mark}'`);
      const messages: ToldMessage[] = [];
      const told: ToldWait[] = [];
      const limitAtMs = performance.now() + SETTLE_LIMIT_MS;
      for (;;) {
        const reading = await take(mark);
        messages.push(...reading.messages);
        told.push(...reading.waits);
        if (reading.reached) return { messages, waits: told };
        if (performance.now() > limitAtMs)
          throw new Error(`the server log did not show our own line within ${SETTLE_LIMIT_MS} ms`);
        await delay(SETTLE_AGAIN_MS);
      }
    },
    unfinished: () => ({ messages: statements.unfinished(), waits: [] }),
    async [Symbol.asyncDispose]() {
      await tail[Symbol.asyncDispose]();
      try {
        for (const [name] of ROLE_SETTINGS) await administrator.execute(`${where} reset ${name}`);
      } catch (error) {
        // A server that is gone has no settings to take back.
        if (!(error instanceof SqlError) || dialect.classify(error.code, error.message) !== 'connection lost')
          throw error;
      }
    },
  };
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

/** https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-DEADLOCK-TIMEOUT */
async function thresholdsInWords(session: Session, migrator: string): Promise<string> {
  const [row] = await session.query<
    Record<'server' | 'logged', string> & Record<'migration' | 'load', string | null>
  >(THRESHOLDS, [migrator, LOAD]);
  if (row === undefined || row.logged !== 'on')
    return 'log_lock_waits is off, so that the server times no wait for a lock';
  const migration = row.migration ?? row.server;
  const load = row.load ?? row.server;
  const timed = `the server log times each wait for a lock that is longer than deadlock_timeout: ${migration} on sessions of the migration, ${load} on those of the load`;
  if (migration === load) return timed;
  return `${timed}. With two values it is not reliable which session a deadlock would be broken at`;
}
