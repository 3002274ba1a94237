/**
 * Statements that cannot run inside a transaction: nothing of them can be rolled back, so that each run has a copy of its
 * own. In this order:
 *
 *  1. alone, halted at the end of each of its transactions: which modes it held, which files changed, what was read
 *  2. the same, and every use of the relations is tried while it is halted
 *  3. behind three idle transactions, each by itself
 *  4. with every table locked by others until the statement asks for it
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { BlockedUses, HeldUp, Learned, StatementEffects } from '../../../recording/recording.ts';
import type { Session } from '../../engine.ts';
import { blockedUses, createPool, LOCK_TIMEOUT_MS, noneRefused, tryUses } from './blocked.ts';
import { type Catalog, compareFiles, namesOf } from './catalog.ts';
import type { Copies, Copy } from './copies.ts';
import { addFirstLocks } from './first-locks.ts';
import { idleReader, idleWriter, isHeldUp, snapshotElsewhere } from './held-up.ts';
import { type HeldModes, locksOn } from './modes.ts';
import { relationsInReach } from './reach.ts';
import { sample } from './sampled.ts';
import { applySettings, type SessionSettings } from './session-settings.ts';
import { runInStages } from './stages.ts';
import { usesOf } from './uses.ts';

export interface Outside {
  /** In another database. */
  readonly cluster: Session;
  readonly copies: Copies;
  /** Of the session in which the statement would run. */
  readonly settings: SessionSettings;
  readonly signal: AbortSignal;
}

/** `refused`: what the server said when the statement was tried in a transaction. SqlError where the statement fails. */
export async function measureOutside(
  outside: Outside,
  statement: string,
  refused: { readonly code: string | null; readonly message: string },
): Promise<StatementEffects> {
  const { copies } = outside;
  await using alone = await copies.make();
  await using used = await copies.make();
  await using read = await copies.make();
  await using seen = await copies.make();
  await using written = await copies.make();
  await using locked = await copies.make();
  const { before, after, held, scans, rewrites } = await sample(alone, outside, statement);
  const tables = [...before.values()].filter(({ oid }) => held.has(oid));
  const runs = [
    findBlocked(used, outside, { statement, before, held }),
    isHeldUp(read, outside, { statement, holding: idleReader(tables) }),
    isHeldUp(seen, outside, { statement, holding: snapshotElsewhere }),
    isHeldUp(written, outside, { statement, holding: idleWriter(tables) }),
    addFirstLocks(locked, outside, { statement, before, held }),
  ] as const;
  // A copy that is still used cannot be dropped.
  await Promise.allSettled(runs);
  const [blocks, reader, snapshot, writer] = await Promise.all(runs);
  const { newFiles, ...files } = compareFiles(before, after);
  return {
    transactional: false,
    source:
      'on copies of its own, halted at each of its commits: pg_locks, pg_class.relfilenode, pg_stat_all_tables, sessions ' +
      'kept waiting, idle transactions in its way, and tables that others held until it asked for them',
    rewrites,
    blocks,
    waitsFor: heldUpBy(reader, snapshot, writer),
    details: {
      kind: 'relation locks',
      locks: locksOn(before, held),
      newFiles: namesOf(newFiles),
      scans,
      ...files,
      refusedInTransaction: refused,
    },
  };
}

async function findBlocked(
  copy: Copy,
  { cluster, settings, signal }: Outside,
  {
    statement,
    before,
    held,
  }: { readonly statement: string; readonly before: Catalog; readonly held: HeldModes },
): Promise<BlockedUses> {
  const pool = createPool(() => copy.connect(LOCK_TIMEOUT_MS));
  const uses = usesOf(await relationsInReach(pool, before, held));
  const session = await copy.connect();
  await applySettings(session, settings);
  const refused = noneRefused();
  const atEnd = () => tryUses(pool, uses, refused);
  const between = () => delay(1);
  await runInStages({ cluster, session, signal, atEnd, between }, statement);
  return blockedUses(refused);
}

function heldUpBy(
  reader: Learned<boolean>,
  snapshot: Learned<boolean>,
  writer: Learned<boolean>,
): Learned<HeldUp> {
  if (typeof reader !== 'boolean') return reader;
  if (typeof snapshot !== 'boolean') return snapshot;
  if (typeof writer !== 'boolean') return writer;
  return { idleReader: reader, snapshotElsewhere: snapshot, idleWriter: writer };
}
