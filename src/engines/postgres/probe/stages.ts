/**
 * A statement that works in transactions of its own, halted at the end of each with all its locks held. Its session waits at
 * every commit for a standby that is not there; cancelling that wait lets it go on, since the transaction is committed by
 * then: https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION
 * A transaction that has changed nothing does not wait; what it locks is read in between, as often as the server answers.
 */
import type { Session } from '../../engine.ts';
import { applySettings, type SessionSettings } from './session-settings.ts';

const NO_STANDBY = 'rehearse_no_standby';

/** For the whole server. Sessions wait that ask for it; the settings of the probe's server are that they do not. */
export async function prepareStages(cluster: Session): Promise<void> {
  const [row] = await cluster.query<{ standby: string }>(
    "select current_setting('synchronous_standby_names') as standby",
  );
  if (row?.standby === NO_STANDBY) return;
  await cluster.execute(`alter system set synchronous_standby_names = '${NO_STANDBY}'`);
  await cluster.query('select pg_catalog.pg_reload_conf()');
}

/** A vacuum pauses after each page, up to four times this delay, since it changes nothing that it would wait for at its end. */
const HALTING: SessionSettings = [
  { name: 'synchronous_commit', setting: 'on' },
  { name: 'vacuum_cost_delay', setting: '2' },
  { name: 'vacuum_cost_limit', setting: '1' },
];

/** What `pg_stat_activity` says of a session that waits for its standby, and the transaction that it is in. */
const STATE = `
  select a.wait_event = 'SyncRep' as halted,
    (select l.virtualxid
     from pg_catalog.pg_locks l
     where l.pid = a.pid and l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock') as transaction
  from pg_catalog.pg_stat_activity a
  where a.pid = $1`;

interface State {
  readonly halted: boolean | null;
  readonly transaction: string | null;
}

export interface Stages {
  /** In another database. */
  readonly cluster: Session;
  readonly session: Session;
  readonly signal: AbortSignal;
  /** While the statement is halted at the end of a transaction. */
  readonly atEnd: () => Promise<void>;
  /** Again and again while it runs. */
  readonly between: () => Promise<void>;
}

/** SqlError where the statement fails. */
export async function runInStages(stages: Stages, statement: string): Promise<void> {
  const { cluster, session, signal, atEnd, between } = stages;
  await applySettings(session, HALTING);
  let running = true;
  const ended = session.execute(statement).finally(() => {
    running = false;
  });
  // Awaited below; until then a failure must not count as unhandled.
  ended.catch(() => undefined);
  let seen: string | null = null;
  let released: string | null = null;
  while (running) {
    signal.throwIfAborted();
    const [state] = await cluster.query<State>(STATE, [session.id]);
    const transaction = state?.halted === true ? (state.transaction ?? null) : null;
    // Wait and transaction are not read at one instant: only seen twice does the wait belong to this transaction.
    if (transaction !== null && transaction === seen && transaction !== released) {
      await atEnd();
      await cluster.query('select pg_catalog.pg_cancel_backend($1)', [session.id]);
      released = transaction;
    } else if (transaction === null) {
      await between();
    }
    seen = transaction;
  }
  await ended;
}
