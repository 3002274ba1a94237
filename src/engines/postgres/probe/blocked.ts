/** Which uses of relations are refused while the transaction of a statement is open. */
import type { BlockedUses } from '../../../recording/recording.ts';
import { type Session, SqlError } from '../../engine.ts';
import { dialect } from '../text/dialect.ts';
import { type CatalogRelation, namesOf } from './catalog.ts';
import { USES, type Use, type UseOf } from './uses.ts';

/** Sessions in the database of the statement, lent out one use at a time. */
export interface SessionPool extends AsyncDisposable {
  with<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
}

/** A lock that is not given within this time is not given while the statement's transaction is open: nobody else is there. */
export const LOCK_TIMEOUT_MS = 100;

/** At most so many: three uses of six tables wait at once. */
const MOST_SESSIONS = 18;

export function createPool(open: () => Promise<Session>): SessionPool {
  const idle: Session[] = [];
  const opened: Session[] = [];
  const waiting: (() => void)[] = [];
  let lent = 0;

  async function take(): Promise<Session> {
    while (lent >= MOST_SESSIONS) await new Promise<void>((resolve) => waiting.push(resolve));
    lent += 1;
    const session = idle.pop();
    if (session !== undefined) return session;
    try {
      const fresh = await open();
      opened.push(fresh);
      return fresh;
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  function giveBack(session?: Session): void {
    lent -= 1;
    if (session !== undefined) idle.push(session);
    waiting.shift()?.();
  }

  return {
    async with(work) {
      const session = await take();
      try {
        return await work(session);
      } finally {
        giveBack(session);
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((session) => session[Symbol.asyncDispose]()));
    },
  };
}

/** By use, the relations on which it was refused. */
export type Refused = ReadonlyMap<Use, Set<CatalogRelation>>;

export function noneRefused(): Refused {
  return new Map(USES.map((use) => [use, new Set()]));
}

/** Tries each use; adds those that run into the pool's lock timeout. */
export async function tryUses(pool: SessionPool, uses: readonly UseOf[], refused: Refused): Promise<void> {
  const tried = await Promise.all(
    uses.map(async (each) => ({ ...each, refused: await pool.with((session) => isRefused(session, each)) })),
  );
  for (const each of tried)
    if (each.refused && (await holds(pool, each, refused))) refused.get(each.use)?.add(each.relation);
}

export function blockedUses(refused: Refused): BlockedUses {
  return {
    reads: namesOf(refused.get('reads') ?? []),
    selectsForUpdate: namesOf(refused.get('selectsForUpdate') ?? []),
    writes: namesOf(refused.get('writes') ?? []),
  };
}

/**
 * A row lock may have waited for that of another of our own sessions (a partition and its parent have the same rows), so
 * that it is tried again alone, unless reading the relation is refused already.
 */
async function holds(pool: SessionPool, each: UseOf, refused: Refused): Promise<boolean> {
  if (each.use !== 'selectsForUpdate' || refused.get('reads')?.has(each.relation)) return true;
  return pool.with((session) => isRefused(session, each));
}

/** What fails for another reason came as far as running: no lock kept it. */
async function isRefused(session: Session, { statement }: UseOf): Promise<boolean> {
  try {
    await session.execute(statement);
    return false;
  } catch (error) {
    if (error instanceof SqlError) return dialect.isLockTimeout(error.code);
    throw error;
  }
}
