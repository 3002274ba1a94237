/**
 * The first lock that a statement asks for on each table, seen however short it is held: other transactions hold every table,
 * so that the statement has to wait at each, and each is given up as soon as the statement is seen waiting for it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Session, SqlError } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import type { Catalog, CatalogRelation } from './catalog.ts';
import type { Copy } from './copies.ts';
import type { HeldModes } from './modes.ts';
import type { Outside } from './outside.ts';
import { readReached } from './reach.ts';
import { applySettings } from './session-settings.ts';

/** A session for each; of more tables those are looked at that were seen locked, and those around them. */
const MOST_TABLES = 12;

const ASKED_FOR = `
  select l.relation as oid, l.mode
  from pg_catalog.pg_locks l
  where l.pid = $1 and not l.granted and l.locktype = 'relation'`;

const ASK_EVERY_MS = 1;
/** Of a statement that neither ends nor waits for a table. */
const LIMIT_MS = 30_000;

/** Adds the modes to those that were held: the lock is given to the statement right after it was seen waiting. */
export async function addFirstLocks(
  copy: Copy,
  { cluster, settings, signal }: Outside,
  {
    statement,
    before,
    held,
  }: { readonly statement: string; readonly before: Catalog; readonly held: HeldModes },
): Promise<void> {
  const session = await copy.connect();
  const tables = (await candidates(session, before, held)).slice(0, MOST_TABLES);
  await applySettings(session, settings);
  const holders = new Map<number, Session>();
  for (const table of tables) holders.set(table.oid, await holderOf(copy, table));
  let running = true;
  const ended = session.execute(statement).finally(() => {
    running = false;
  });
  // Awaited below; until then a failure must not count as unhandled.
  ended.catch(() => undefined);
  const untilMs = performance.now() + LIMIT_MS;
  while (running) {
    signal.throwIfAborted();
    const rows = await cluster.query<{ oid: number | string; mode: string }>(ASKED_FOR, [session.id]);
    for (const { oid, mode } of rows) {
      const holder = holders.get(Number(oid));
      if (holder === undefined) continue;
      const modes = held.get(Number(oid)) ?? new Set();
      held.set(Number(oid), modes.add(mode));
      holders.delete(Number(oid));
      await holder.execute('rollback');
    }
    if (performance.now() > untilMs) await session.cancel();
    if (rows.length === 0) await delay(ASK_EVERY_MS);
  }
  // What is learned in this way is learned beside the other runs, which tell whether the statement fails.
  await ended.catch((error: unknown) => {
    if (!(error instanceof SqlError)) throw error;
  });
}

async function candidates(
  session: Session,
  before: Catalog,
  held: HeldModes,
): Promise<readonly CatalogRelation[]> {
  const tables = [...before.values()].filter(isTable);
  return tables.length <= MOST_TABLES ? tables : (await readReached(session, before, held)).filter(isTable);
}

function isTable({ kind }: CatalogRelation): boolean {
  return kind === 'table' || kind === 'partitioned';
}

/** Keeps out everybody. */
async function holderOf(copy: Copy, { parts }: CatalogRelation): Promise<Session> {
  const holder = await copy.connect();
  await holder.execute('begin');
  await holder.execute(`lock table only ${dialect.quoteName(parts)} in access exclusive mode`);
  return holder;
}
