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

export interface Counted {
  /** All processes that run in it, as a database server and its sessions do. */
  readonly dataDirectory: string;
  /** What carries the bytes of this published port of a container is counted too, where that is a process. */
  readonly port: number;
  readonly pids: readonly number[];
}

/** Counts those that are there now. EnvironmentError where the server's processes cannot be seen. */
export function countCpu({ dataDirectory, port, pids }: Counted): CpuCount {
  const folder = identityOf(dataDirectory);
  const there = numbersIn('/proc').filter(
    (pid) => folder !== null && identityOf(`/proc/${pid}/cwd`) === folder,
  );
  if (there.length === 0)
    throw new EnvironmentError(
      `no process is seen to run in ${dataDirectory}: the CPU time of the server is read from /proc, on Linux and as a user ` +
        'who may look at its processes',
    );
  const counted = [...new Set([...there, ...proxiesOf(port), ...pids])];
  return { readMs: () => counted.reduce((sum, pid) => sum + usedMs(pid), 0) };
}

/** https://docs.docker.com/engine/network/packet-filtering-firewalls/: docker-proxy, one for each address it listens on. */
function proxiesOf(port: number): readonly number[] {
  return numbersIn('/proc').filter((pid) => {
    const words = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.split('\0') ?? [];
    return (
      words[0]?.endsWith('docker-proxy') === true && words[words.indexOf('-host-port') + 1] === String(port)
    );
  });
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
