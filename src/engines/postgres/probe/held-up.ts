/** Whether an idle transaction of somebody else holds a statement up. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Learned } from '../../../recording/recording.ts';
import { type Session, SqlError } from '../../engine.ts';
import type { CatalogRelation } from './catalog.ts';
import type { Copy } from './copies.ts';
import type { Outside } from './outside.ts';
import { applySettings } from './session-settings.ts';
import { usesOf } from './uses.ts';

/** Statements that open the transaction and leave it idle. */
export type Holding = readonly string[];

/** Has read, and holds no snapshot between its statements. */
export function idleReader(relations: readonly CatalogRelation[]): Holding {
  return ['begin isolation level read committed', ...statementsOf(relations, ['reads'])];
}

/** Holds a snapshot, and has touched nothing. */
export const snapshotElsewhere: Holding = ['begin isolation level repeatable read', 'select 1'];

/** Has locked a row and written to each table. */
export function idleWriter(relations: readonly CatalogRelation[]): Holding {
  return ['begin isolation level read committed', ...statementsOf(relations, ['selectsForUpdate', 'writes'])];
}

function statementsOf(relations: readonly CatalogRelation[], wanted: readonly string[]): readonly string[] {
  return usesOf(relations)
    .filter(({ use }) => wanted.includes(use))
    .map(({ statement }) => statement);
}

const BLOCKED_BY = 'select $2 = any (pg_catalog.pg_blocking_pids($1)) as blocked';
const ASK_EVERY_MS = 5;
/** Of a statement that neither ends nor waits for the transaction. */
const LIMIT_MS = 30_000;

export async function isHeldUp(
  copy: Copy,
  { cluster, settings, signal }: Outside,
  { statement, holding }: { readonly statement: string; readonly holding: Holding },
): Promise<Learned<boolean>> {
  try {
    const holder = await copy.connect();
    for (const step of holding) await holder.execute(step);
    const session = await copy.connect();
    await applySettings(session, settings);
    return await waitsBehind(holder, { cluster, session, signal, statement });
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { notMeasured: `behind an idle transaction: ${error.message}` };
  }
}

interface Waiting {
  readonly cluster: Session;
  readonly session: Session;
  readonly signal: AbortSignal;
  readonly statement: string;
}

async function waitsBehind(
  holder: Session,
  { cluster, session, signal, statement }: Waiting,
): Promise<Learned<boolean>> {
  let running = true;
  const ended = session.execute(statement).finally(() => {
    running = false;
  });
  ended.catch(() => undefined);
  const untilMs = performance.now() + LIMIT_MS;
  while (running && performance.now() < untilMs) {
    signal.throwIfAborted();
    const [row] = await cluster.query<{ blocked: boolean }>(BLOCKED_BY, [session.id, holder.id]);
    if (row?.blocked === true) {
      await endEarly(session, ended);
      return true;
    }
    await delay(ASK_EVERY_MS);
  }
  if (running) {
    await endEarly(session, ended);
    return { notMeasured: `it neither ended nor waited within ${LIMIT_MS / 1000} s` };
  }
  await ended;
  return false;
}

async function endEarly(session: Session, ended: Promise<unknown>): Promise<void> {
  await session.cancel();
  await ended.catch(() => undefined);
}
