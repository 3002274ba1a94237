/** Lets the calling thread go first where the system permits it. */
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { availableParallelism, setPriority } from 'node:os';

/**
 * A thread of the load sleeps nearly always and must wake on time, on processors that the server and others keep busy; in
 * production it would be on another machine. Linux gives each thread a priority of its own, and takes a thread's number
 * where a process is meant (setpriority(2)); /proc/thread-self names the thread that reads it.
 */
const NICE = -10;
/** The lowest of the real-time class; above it only what the system itself runs there. */
const REAL_TIME_PRIORITY = '1';
const CHRT_LIMIT_MS = 2000;

/**
 * A lower nice value. Needs root or CAP_SYS_NICE, as {@link takeRealTime} does; without them the server's own lower
 * priority has to do. False where it is not granted.
 */
export function takePrecedence(): boolean {
  try {
    setPriority(numberOfThread(), NICE);
    return true;
  } catch {
    return false;
  }
}

/**
 * The real-time class where chrt (util-linux, BusyBox) may give it: a nice value counts only among the threads of one
 * session where the kernel groups them (sched(7), autogroup), and the server has a session of its own. Measured at
 * 1,000/s with ten other processes on two cores: schedule lag p99 2 to 9 ms in place of 16 to 330. The kernel leaves
 * others 5 % of a processor in any case, which is why a thread that keeps one busy must not ask for it; with one processor
 * alone nobody gets it. False where it is not granted.
 */
export function takeRealTime(): boolean {
  if (availableParallelism() === 1) return false;
  try {
    const args = ['-r', '-p', REAL_TIME_PRIORITY, String(numberOfThread())];
    execFileSync('chrt', args, { stdio: 'ignore', timeout: CHRT_LIMIT_MS });
    return true;
  } catch {
    return false;
  }
}

function numberOfThread(): number {
  return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
}
