/**
 * CPU time of the processes that take part in a benchmark, to the nanosecond (`/proc/<pid>/task/<tid>/schedstat`; the ticks
 * of /proc/<pid>/stat are of 10 ms, a fiftieth of what is measured here).
 * https://docs.kernel.org/scheduler/sched-stats.html
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { EnvironmentError } from '../../src/errors.ts';

export interface CpuCount {
  /** Milliseconds of CPU that all of them have used so far; one that has ended no longer counts. */
  readMs(): number;
}

/**
 * Counts `pids` and all processes that run in a folder, as a database server and its sessions do in their data directory:
 * those that are there now. EnvironmentError where that cannot be seen.
 */
export function countCpu(dataDirectory: string, pids: readonly number[]): CpuCount {
  const folder = identityOf(dataDirectory);
  const there = numbersIn('/proc').filter(
    (pid) => folder !== null && identityOf(`/proc/${pid}/cwd`) === folder,
  );
  if (there.length === 0)
    throw new EnvironmentError(
      `no process is seen to run in ${dataDirectory}: the CPU time of the server is read from /proc, on Linux and as a user ` +
        'who may look at its processes',
    );
  const counted = [...new Set([...there, ...pids])];
  return { readMs: () => counted.reduce((sum, pid) => sum + usedMs(pid), 0) };
}

function usedMs(pid: number): number {
  return numbersIn(`/proc/${pid}/task`).reduce((sum, thread) => {
    const text = attempt(() => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'));
    return sum + Number(text?.split(' ')[0] ?? 0) / 1e6;
  }, 0);
}

function numbersIn(folder: string): readonly number[] {
  return (attempt(() => readdirSync(folder)) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
}

function identityOf(path: string): string | null {
  const found = attempt(() => statSync(path));
  return found === null ? null : `${found.dev} ${found.ino}`;
}

/** Processes and threads come and go, and some belong to others. */
function attempt<Result>(look: () => Result): Result | null {
  try {
    return look();
  } catch {
    return null;
  }
}
