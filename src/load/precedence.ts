/** Lets the calling thread go first where the system permits it. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * A thread of the load sleeps nearly always and must wake on time, on processors that the server and others keep busy.
 * Linux gives each thread a priority of its own, and takes a thread's number where a process is meant (setpriority(2));
 * /proc/thread-self names the thread that reads it.
 */
const NICE = -10;

/** Needs root or CAP_SYS_NICE; without them the server's own lower priority has to do. Returns whether it was granted. */
export function takePrecedence(): boolean {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (!Number.isInteger(thread)) return false;
    setPriority(thread, NICE);
    return true;
  } catch {
    return false;
  }
}
