/**
 * The statement timeout of the load, with the meaning of Postgres' statement_timeout: whatever a statement is doing, also
 * waiting for a metadata lock, it ends with an error, and its connection stays of use. The server keeps what it can; the
 * rest ends by KILL QUERY, as drivers do it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionTarget } from '../../engine.ts';
import type { Client } from './client.ts';
import { killQuery } from './kill.ts';

/** What the server's own limit is for depends on it; a preparation is followed by its statement, under one limit. */
export type Sent = 'read' | 'other statement' | 'preparation';

export interface StatementTimeout {
  began(what: Sent): void;
  /**
   * To be asked when the statement has ended. Null: no KILL was sent. Otherwise it resolves when none is on its way any
   * more; one that came too late may still be waiting for the next statement of the connection.
   */
  ended(): Promise<void> | null;
  stop(): void;
}

const NO_TIMEOUT: StatementTimeout = {
  began: () => undefined,
  ended: () => null,
  stop: () => undefined,
};

/** How much later than the server we end what the server should have ended. */
const SERVER_FIRST_MS = 200;
/** A KILL that could not be sent, with all connections taken, is tried again. */
const KILL_AGAIN_MS = 1_000;

/**
 * MariaDB's max_statement_time is for every statement, MySQL's max_execution_time for SELECT alone; neither is for the
 * preparation of a statement, which waits for metadata locks too.
 * https://dev.mysql.com/doc/refman/en/server-system-variables.html#sysvar_max_execution_time
 * https://mariadb.com/kb/en/aborting-statements/
 */
export async function setStatementTimeout(
  client: Client,
  target: ConnectionTarget,
  limitMs: number | null,
): Promise<StatementTimeout> {
  if (limitMs === null) return NO_TIMEOUT;
  const isMariadb = client.flavor === 'mariadb';
  await client.send(
    isMariadb
      ? `set session max_statement_time = ${limitMs / 1000}`
      : `set session max_execution_time = ${Math.ceil(limitMs)}`,
  );
  const lastsMs: Readonly<Record<Sent, number>> = {
    read: limitMs + SERVER_FIRST_MS,
    'other statement': isMariadb ? limitMs + SERVER_FIRST_MS : limitMs,
    preparation: limitMs,
  };
  const watch = createWatch(() => killQuery(target, client.id));
  return { ...watch, began: (what) => watch.began(lastsMs[what]) };
}

interface Watch extends Omit<StatementTimeout, 'began'> {
  began(lastsMs: number): void;
}

/**
 * Kills what lasts longer than it may. The timer is left running from one statement to the next, since almost all end
 * long before it; only one KILL is on its way at a time.
 */
function createWatch(kill: () => Promise<void>): Watch {
  let deadlineMs: number | null = null;
  let timer: { readonly atMs: number; readonly handle: NodeJS.Timeout } | null = null;
  let killing: { readonly ended: AbortController; readonly settled: Promise<void> } | null = null;

  function arm(atMs: number): void {
    if (timer !== null) {
      if (timer.atMs <= atMs) return;
      clearTimeout(timer.handle);
    }
    timer = { atMs, handle: setTimeout(check, Math.max(0, atMs - performance.now())).unref() };
  }

  function check(): void {
    timer = null;
    if (deadlineMs === null || killing !== null) return;
    if (performance.now() < deadlineMs) arm(deadlineMs);
    else {
      const ended = new AbortController();
      killing = { ended, settled: killUntil(ended.signal) };
    }
  }

  async function killUntil(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await kill().catch(() => undefined);
      await delay(KILL_AGAIN_MS, undefined, { signal: ended }).catch(() => undefined);
    }
  }

  function ended(): Promise<void> | null {
    deadlineMs = null;
    if (killing === null) return null;
    killing.ended.abort();
    return killing.settled.then(() => {
      killing = null;
    });
  }

  return {
    began(lastsMs) {
      deadlineMs = performance.now() + lastsMs;
      arm(deadlineMs);
    },
    ended,
    stop() {
      void ended();
      if (timer !== null) clearTimeout(timer.handle);
    },
  };
}
