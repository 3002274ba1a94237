import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '../engines/engine.ts';

/** Waits on the clock; rejects with the signal's own reason (not an AbortError) when it is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** Work on a session that may take long: an abort cancels the statement that runs, and rejects with its own reason. */
export async function cancelledBy<Result>(
  signal: AbortSignal,
  session: Session,
  work: () => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  // That the statement had ended already, or the server is gone, is no news: the abort is what is told.
  const cancel = (): void => void session.cancel().catch(() => undefined);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const result = await work();
    signal.throwIfAborted();
    return result;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
