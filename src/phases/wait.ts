import { setTimeout as delay } from 'node:timers/promises';

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
