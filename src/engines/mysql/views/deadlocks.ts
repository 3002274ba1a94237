/**
 * Deadlocks among row locks. InnoDB counts them, and its monitor keeps the latest one: the counter is read with every
 * reading of the locks, the monitor only once the counter has moved. Two that were found between two readings leave the
 * text of the second one alone; how many were found tells that one is missing.
 * https://dev.mysql.com/doc/refman/8.4/en/innodb-information-schema-metrics-table.html
 */
import type { DeadlockReading, SeenDeadlock, Session } from '../../engine.ts';
import type { ServerKind } from '../server/server-kind.ts';
import { type PrintedDeadlock, type PrintedLock, parseLatestDeadlock } from './innodb-monitor.ts';
import { placeholders } from './threads.ts';

const MONITOR = 'show engine innodb status';

/** A victim's statement has failed by then, or its transaction takes long to roll back. */
const VICTIM_WITHIN_MS = 1_000;

export interface Deadlocks {
  /**
   * `found`: by InnoDB's counter, since the server started. `reading`: when that was asked for and answered. `last`: what is
   * not known of the latest ones by now will not be.
   */
  read(found: number, reading: Reading, last: boolean): Promise<DeadlockReading>;
  /** True when the counter is not as at the last reading; else none was found up to that instant. */
  hasMoved(found: number, atMs: number): boolean;
}

interface Reading {
  readonly startedAtMs: number;
  readonly answeredAtMs: number;
}

interface Found {
  readonly printed: PrintedDeadlock;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export function createDeadlocks(
  session: Session,
  { kind, database }: { readonly kind: ServerKind; readonly database: string },
): Deadlocks {
  let before: { readonly found: number; readonly startedAtMs: number } | null = null;
  let unsettled: readonly Found[] = [];
  const told = new Set<string>();

  async function latest(notBeforeMs: number, notAfterMs: number): Promise<readonly Found[]> {
    const [row] = await session.query<{ Status: string }>(MONITOR);
    const printed = row === undefined ? null : parseLatestDeadlock(row.Status);
    if (printed === null || told.has(printed.key)) return [];
    told.add(printed.key);
    return [{ printed, notBeforeMs, notAfterMs }];
  }

  async function seenDeadlock(
    { printed, notBeforeMs, notAfterMs }: Found,
    answeredAtMs: number,
    last: boolean,
  ): Promise<SeenDeadlock | null> {
    const victim = kind.flavor === 'mariadb' ? await victimOf(session, printed, notBeforeMs) : null;
    const isOver = last || performance.now() - notAfterMs > VICTIM_WITHIN_MS;
    if (kind.flavor === 'mariadb' && victim === null && !isOver) return null;
    return {
      foundAgoMs: { lower: Math.max(0, answeredAtMs - notAfterMs), upper: answeredAtMs - notBeforeMs },
      parties: printed.parties.map(({ connectionId, waitedFor, held, ...party }) => ({
        ...party,
        victim: victim === null ? party.victim : connectionId === victim,
        sessionId: connectionId,
        waitedFor: waitedFor === null ? null : seenLock(waitedFor),
        held: held.map(seenLock),
      })),
    };
  }

  function seenLock({ schema, table, partition, index, mode }: PrintedLock) {
    const name = schema === null || schema === database ? table : `${schema}.${table}`;
    return { relation: partition === null ? name : `${name} (partition ${partition})`, index, mode };
  }

  return {
    async read(found, { startedAtMs, answeredAtMs }, last) {
      const moved = before !== null && found !== before.found;
      const fresh = moved ? await latest(before?.startedAtMs ?? startedAtMs, answeredAtMs) : [];
      before = { found, startedAtMs };
      const settled: SeenDeadlock[] = [];
      const open: Found[] = [];
      for (const each of [...unsettled, ...fresh]) {
        const seen = await seenDeadlock(each, answeredAtMs, last);
        if (seen === null) open.push(each);
        else settled.push(seen);
      }
      unsettled = open;
      return { found, latest: settled };
    },
    hasMoved(found, atMs) {
      if (before === null || before.found !== found) return true;
      before = { found, startedAtMs: atMs };
      return false;
    },
  };
}

/** ER_LOCK_DEADLOCK: https://mariadb.com/kb/en/mariadb-error-code-reference/ */
const VICTIM = `
  select t.processlist_id as id, s.sql_text as statement
  from performance_schema.events_statements_history s
  join performance_schema.threads t on t.thread_id = s.thread_id
  where s.mysql_errno = 1213 and t.processlist_id in (%)
    and (
      select c.timer_start
      from performance_schema.events_statements_current c
      join performance_schema.threads own on own.thread_id = c.thread_id
      where own.processlist_id = connection_id() and c.nesting_event_level = 0
      limit 1
    ) - s.timer_end < ? * 1e9`;

/** The connection whose statement failed of a deadlock since then; null while none has, or where several have. */
async function victimOf(
  session: Session,
  { parties }: PrintedDeadlock,
  sinceMs: number,
): Promise<number | null> {
  const ids = parties.flatMap(({ connectionId }) => connectionId ?? []);
  if (ids.length === 0) return null;
  const rows = await session.query<{ id: number; statement: string | null }>(
    VICTIM.replace('%', placeholders(ids)),
    [...ids, performance.now() - sinceMs],
  );
  const victims = new Set(rows.map(({ id }) => Number(id)));
  const [victim, other] = victims;
  return victim === undefined || other !== undefined ? null : victim;
}
