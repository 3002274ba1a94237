/** One attempt at messages that share a fate: bracketed in one transaction, or each by itself. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Engine, Session } from '../engines/engine.ts';
import { SqlError } from '../engines/engine.ts';
import type { SqlFailure, StatementRecord } from '../recording/recording.ts';
import { controlsTransaction, type Effect, effectsOf } from './effects.ts';
import { recordAnswered, recordRunning, type Send } from './sends.ts';
import type { StepLog, StepSink } from './step-log.ts';
import type { LedgerStatement } from './tool.ts';

export interface Connected {
  readonly engine: Engine;
  readonly session: Session;
  readonly sink: StepSink;
  readonly signal: AbortSignal;
  /** Called with the text of each message before it is sent. */
  readonly onStatement: (text: string) => void;
}

/** The messages of one migration in a unit. */
export interface Piece {
  readonly log: StepLog;
  readonly sends: readonly Send[];
  /** The ledger's statements inside the transaction, or right after the messages where there is none. */
  readonly after: () => readonly LedgerStatement[];
}

export interface Unit {
  readonly bracketed: boolean;
  readonly pieces: readonly Piece[];
}

export interface Failure {
  readonly error: SqlFailure;
  readonly why: 'lock timeout' | 'connection lost' | 'interrupted' | 'other';
  /** The step that it happened in. */
  readonly log: StepLog;
}

export interface Attempt {
  readonly failure: Failure | null;
  /** Position in the unit's list of messages from which another attempt may begin; null when none may. */
  readonly restartAt: number | null;
}

interface Sent {
  readonly log: StepLog;
  readonly send: Send;
  readonly records: readonly StatementRecord[];
  readonly told: boolean;
}

/** How long a cancelled statement may take to give up, before its connection is given up instead. */
const CANCEL_GRACE_MS = 5000;

/**
 * Runs a unit from its `from`-th message on, and writes everything down:
 *
 *  1. BEGIN, when bracketed
 *  2. each message, its ledger statements after the last message of a migration
 *  3. COMMIT, or ROLLBACK when anything failed
 *  4. what is left of each statement
 */
export async function attemptUnit(
  connected: Connected,
  unit: Unit,
  from: number,
  attempt: number,
): Promise<Attempt> {
  const sent: Sent[] = [];
  const failure = await sendAll(connected, unit, { from, attempt, sent });
  const openedByFile = sent.some(({ send }) =>
    send.statements.some(({ text }) => controlsTransaction(text, connected.engine.dialect)),
  );
  let ending: 'committed' | 'rolled back' | 'unknown' = failure === null ? 'committed' : 'rolled back';
  if (failure?.why === 'connection lost') ending = 'unknown';
  else if (failure !== null && (unit.bracketed || openedByFile) && !(await rollBack(connected)))
    ending = 'unknown';
  const settled = settle(connected, unit, sent, ending);
  if (failure === null && settled.leftOpen)
    return { failure: await refuseOpen(connected, unit, sent), restartAt: null };
  return {
    failure,
    restartAt: failure === null ? null : restartAt(connected, unit, { from, sent, effects: settled.effects }),
  };
}

async function sendAll(
  connected: Connected,
  { bracketed, pieces }: Unit,
  { from, attempt, sent }: { readonly from: number; readonly attempt: number; readonly sent: Sent[] },
): Promise<Failure | null> {
  const first = pieces[0];
  const last = pieces.at(-1);
  if (first === undefined || last === undefined) return null;
  if (bracketed) {
    const failure = await tried(connected, first.log, 'begin', () => connected.session.execute('begin'));
    if (failure !== null) return failure;
  }
  let position = 0;
  for (const { log, sends, after } of pieces) {
    for (const send of sends) {
      position += 1;
      if (position <= from) continue;
      const failure = await sendOne(connected, log, { send, attempt, sent });
      if (failure !== null) return failure;
    }
    for (const { sql, values } of after()) {
      const failure = await tried(connected, log, sql, () => connected.session.query(sql, values));
      if (failure !== null) return failure;
    }
  }
  if (!bracketed) return null;
  return tried(connected, last.log, 'commit', () => connected.session.execute('commit'));
}

async function sendOne(
  connected: Connected,
  log: StepLog,
  { send, attempt, sent }: { readonly send: Send; readonly attempt: number; readonly sent: Sent[] },
): Promise<Failure | null> {
  const { session, sink } = connected;
  const before = log.written;
  const sending = { version: log.migration.version, attempt, sessionId: session.id, startedAtMs: sink.now() };
  log.write([...before, ...recordRunning(send, sending)]);
  log.reach(send.statements.at(-1)?.index ?? -1);
  connected.onStatement(send.sql);
  let rows: number | null = null;
  let completed: number | null = null;
  const tries = await tried(connected, log, send.sql, async () => {
    try {
      rows = (await session.execute(send.sql)).rows;
    } catch (error) {
      if (error instanceof SqlError) completed = error.completed;
      throw error;
    }
  });
  const answered = recordAnswered(send, sending, {
    endedAtMs: sink.now(),
    rows,
    completed,
    failure: tries?.error ?? null,
  });
  log.write([...before, ...answered.records]);
  sent.push({ log, send, records: answered.records, told: answered.told });
  return tries === null ? null : { ...tries, error: answered.failure ?? tries.error };
}

/** Runs work on the session; what the server refuses comes back as a failure, everything else is thrown. */
async function tried(
  connected: Connected,
  log: StepLog,
  statement: string,
  work: () => Promise<unknown>,
): Promise<Failure | null> {
  const { engine, signal } = connected;
  const interrupted = { code: null, message: 'interrupted before this statement', statement, position: null };
  if (signal.aborted) return { error: interrupted, why: 'interrupted', log };
  try {
    await cancelledOnAbort(connected, work());
    return null;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const { code, message, position } = error;
    const failure = { code, message, statement: error.statement ?? statement, position };
    if (engine.dialect.classify(code, message) === 'connection lost') {
      return { error: { ...failure, message: `connection lost: ${message}` }, why: 'connection lost', log };
    }
    if (signal.aborted)
      return { error: { ...failure, message: `interrupted: ${message}` }, why: 'interrupted', log };
    return { error: failure, why: engine.dialect.isLockTimeout(code) ? 'lock timeout' : 'other', log };
  }
}

async function cancelledOnAbort({ session, signal, sink }: Connected, work: Promise<unknown>): Promise<void> {
  const settled = new AbortController();
  const givenUp = new Promise<never>((_resolve, reject) => {
    const cancel = async (): Promise<void> => {
      await session
        .cancel()
        .catch((error: unknown) => sink.note(`cancelling the migration failed: ${String(error)}`));
      await delay(CANCEL_GRACE_MS, undefined, { signal: settled.signal }).catch(() => undefined);
      const message = `the statement did not end within ${CANCEL_GRACE_MS} ms of its cancellation`;
      reject(new SqlError(message, { code: null, statement: null, position: null }));
    };
    signal.addEventListener('abort', () => void cancel(), { once: true, signal: settled.signal });
  });
  givenUp.catch(() => undefined);
  try {
    await Promise.race([work, givenUp]);
  } finally {
    settled.abort();
  }
}

/** True when the server has rolled back; false when it could not be told so. */
async function rollBack({ session }: Connected): Promise<boolean> {
  return session.execute('rollback').then(
    () => true,
    () => false,
  );
}

/** Fills in the effects, message by message or over the whole transaction. */
function settle(
  { engine }: Connected,
  { bracketed }: Unit,
  sent: readonly Sent[],
  ending: 'committed' | 'rolled back' | 'unknown',
): { readonly effects: readonly Effect[]; readonly leftOpen: boolean } {
  const { dialect, capabilities } = engine;
  const untold = sent.some(
    ({ told, send }) => !told && send.statements.some(({ text }) => controlsTransaction(text, dialect)),
  );
  const records = sent.flatMap((each) => each.records);
  const context = {
    bracketed,
    oneMessage: sent.length === 1 && (sent[0]?.send.statements.length ?? 0) > 1,
    ending,
    transactionalDdl: capabilities.transactionalDdl === true,
  };
  const { effects, leftOpen } = effectsOf(records, context, dialect);
  // One failed record for a message of several statements: it shared their implicit transaction.
  const shared = (record: StatementRecord, effect: Effect): Effect => {
    const message = sent.find((each) => each.records.includes(record));
    if (message === undefined || message.told) return effect;
    return untold || !context.transactionalDdl || ending === 'unknown' ? 'unknown' : 'rolled back';
  };
  const settled = records.map((record, index) => shared(record, effects[index] ?? 'unknown'));
  const effectOf = new Map(records.map((record, index) => [record, settled[index] ?? 'unknown']));
  for (const log of new Set(sent.map((each) => each.log))) {
    log.write(log.written.map((record) => ({ ...record, effect: effectOf.get(record) ?? record.effect })));
  }
  return { effects: settled, leftOpen };
}

/** A transaction that a file opens and does not end would hold its locks until the tool disconnects. */
async function refuseOpen(connected: Connected, unit: Unit, sent: readonly Sent[]): Promise<Failure | null> {
  const log = unit.pieces.at(-1)?.log;
  if (log === undefined) return null;
  await rollBack(connected);
  for (const each of new Set(sent.map((one) => one.log))) {
    each.write(each.written.map((record) => ({ ...record, effect: 'unknown' as const })));
  }
  const message = 'the migration opens a transaction and never ends it. Add the missing COMMIT.';
  return { error: { code: null, message, statement: null, position: null }, why: 'other', log };
}

/** From the start when nothing took effect; else from the first statement that did not, where they travel singly. */
function restartAt(
  { engine }: Connected,
  unit: Unit,
  {
    from,
    sent,
    effects,
  }: { readonly from: number; readonly sent: readonly Sent[]; readonly effects: readonly Effect[] },
): number | null {
  const tookEffect = effects.filter((effect) => effect === 'took effect').length;
  // Where DDL commits by itself, what took effect in a bracket stays too, and the bracket is opened anew.
  const implicit = engine.capabilities.transactionalDdl !== true;
  if (tookEffect === 0) return unit.bracketed && !implicit ? 0 : from;
  const single = sent.every(({ send }) => send.statements.length === 1);
  if ((unit.bracketed && !implicit) || !single) return null;
  const next = effects.findIndex((effect) => effect !== 'took effect');
  return next < 0 ? null : from + next;
}
