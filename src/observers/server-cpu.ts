/**
 * What the server's own processes used for our sessions, where the server has a process for each and it can be seen: on the
 * same Linux machine, recognised by its working folder, which is the data directory. To the nanosecond, since a session that
 * answers in a tenth of a millisecond is lost between the ticks of /proc/<pid>/stat.
 * https://docs.kernel.org/scheduler/sched-stats.html
 */
import { readFileSync, statSync } from 'node:fs';
import type { Session } from '../engines/engine.ts';
import { exactly, type Figure } from '../recording/figure.ts';

export interface ServerCpu {
  /** Call it once for each session, right before that is closed. */
  add(sessions: readonly Session[]): void;
  /** Null when one of them, or all, could not be seen. */
  figure(): Figure | null;
}

/** `dataDirectory`: a path that this process can read, or null. */
export function countServerCpu(dataDirectory: string | null): ServerCpu {
  let usedMs: number | null = 0;
  let counted = 0;
  return {
    add(sessions) {
      for (const { id } of sessions) {
        const sessionMs = dataDirectory === null ? null : cpuOf(id, dataDirectory);
        usedMs = usedMs === null || sessionMs === null ? null : usedMs + sessionMs;
        counted += 1;
      }
    },
    figure: () =>
      usedMs === null || counted === 0
        ? null
        : exactly(usedMs, 'CPU time of the server processes of its sessions'),
  };
}

function cpuOf(pid: number, dataDirectory: string): number | null {
  try {
    const [folder, wanted] = [statSync(`/proc/${pid}/cwd`), statSync(dataDirectory)];
    if (folder.dev !== wanted.dev || folder.ino !== wanted.ino) return null;
    const [nanoseconds = ''] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ');
    return /^\d+$/.test(nanoseconds) ? Number(nanoseconds) / 1e6 : null;
  } catch {
    // No /proc, no such process, or somebody else's.
    return null;
  }
}
