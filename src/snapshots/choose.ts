/** Where the rows of a rehearsal come from: a snapshot that fits, or a filling, which may be kept. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Lock, lockHolder, markUse, takeLock } from './owners.ts';
import { findSnapshot, type Snapshot, touch } from './store.ts';

/** The mark or the lock goes away with the disposal. */
export type Choice = AsyncDisposable &
  (
    | { readonly kind: 'fork'; readonly snapshot: Snapshot }
    /** Nobody else fills under this key until the lock is released. */
    | { readonly kind: 'fill'; readonly lock: Lock }
  );

export interface ChooseRequest {
  readonly directory: string;
  readonly key: string;
  readonly say: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Long enough to cost nothing beside a filling. */
const WAIT_MS = 250;

/**
 * Takes the snapshot of the key, or the right to make it. While another process makes it, this one waits: two fillings
 * at once would take longer than one and a copy.
 */
export async function chooseSnapshot({ directory, key, say, signal }: ChooseRequest): Promise<Choice> {
  let waiting = false;
  for (;;) {
    signal.throwIfAborted();
    const fork = await forkOf(directory, key);
    if (fork !== null) return fork;
    const lock = await takeLock(directory, key);
    if (!('heldBy' in lock)) {
      // Whoever held it before may have made it since we looked.
      if ((await findSnapshot(directory, key)) === null)
        return { kind: 'fill', lock, [Symbol.asyncDispose]: () => lock.release() };
      await lock.release();
      continue;
    }
    if (!waiting) say(`process ${lock.heldBy.pid} is filling the same rows: waiting for its snapshot`);
    waiting = true;
    await delay(WAIT_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** First the mark, then a look at the lock; who removes does it the other way round, so one of the two gives way. */
async function forkOf(directory: string, key: string): Promise<Choice | null> {
  if ((await findSnapshot(directory, key)) === null) return null;
  const mark = await markUse(directory, key);
  const holder = await lockHolder(directory, key);
  const snapshot = holder === null ? await findSnapshot(directory, key) : null;
  if (snapshot === null) {
    await mark[Symbol.asyncDispose]();
    return null;
  }
  await touch(snapshot);
  return { kind: 'fork', snapshot, ...mark };
}
