/** The journal of a Postgres server: its own log, with more of it for the sessions of one role. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Journal, JournalReading, JournalRequest, ToldMessage, ToldWait } from '../../engine.ts';
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
      for (const [name] of ROLE_SETTINGS) await administrator.execute(`${where} reset ${name}`);
    },
  };
}
