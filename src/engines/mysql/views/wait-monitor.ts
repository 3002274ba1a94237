/**
 * New waits for row locks on MariaDB, by its monitor. The views know neither how long a wait has lasted to better than a
 * second, nor a lock on a record alone from one that reaches over the gap before it, nor which statement waits; and they
 * answer from a copy. The monitor is none, and tells the first two.
 * https://mariadb.com/docs/server/server-usage/storage-engines/innodb/innodb-monitors
 */
import type { Session } from '../../engine.ts';
import { type PrintedWait, parseWaits } from './innodb-monitor.ts';
import { placeholders } from './threads.ts';

export interface ToldWait extends Pick<PrintedWait, 'waitedMs' | 'lock'> {
  /** The statement that waits; null where the performance schema does not tell. */
  readonly place: { readonly thread: number; readonly eventId: number } | null;
}

export interface WaitMonitor {
  /** Of these waiters, by their connections. Empty while the monitor was read a short while ago. */
  read(waits: readonly { readonly waiter: number }[]): Promise<ReadonlyMap<number, ToldWait>>;
}

/** It lists every transaction, and stops the lock system for it. */
const EVERY_MS = 100;

export function createWaitMonitor(session: Session): WaitMonitor {
  let lastMs = -Infinity;

  async function statementsOf(ids: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const rows = await session.query<{ id: number; place: string }>(
      `select t.processlist_id as id, concat(s.thread_id, ' ', s.event_id) as place
      from performance_schema.events_statements_current s
      join performance_schema.threads t on t.thread_id = s.thread_id
      where t.processlist_id in (${placeholders(ids)}) and s.nesting_event_level = 0 and s.end_event_id is null`,
      ids,
    );
    return new Map(rows.map(({ id, place }) => [Number(id), place]));
  }

  return {
    async read(waits) {
      if (performance.now() - lastMs < EVERY_MS) return new Map();
      lastMs = performance.now();
      const ids = [...new Set(waits.map(({ waiter }) => Number(waiter)))];
      const before = await statementsOf(ids);
      const [row] = await session.query<{ Status: string }>('show engine innodb status');
      const printed = row === undefined ? [] : parseWaits(row.Status);
      const after = await statementsOf(ids);
      return new Map(
        printed.map(({ connectionId, waitedMs, lock }) => {
          // The one that ran before and after waited in between.
          const same = before.get(connectionId);
          const [thread, eventId] =
            same !== undefined && same === after.get(connectionId) ? same.split(' ') : [];
          const place = eventId === undefined ? null : { thread: Number(thread), eventId: Number(eventId) };
          return [connectionId, { waitedMs, lock, place }];
        }),
      );
    },
  };
}
