/** CPU of another process between two instants, from /proc where there is one. */
import { readFileSync } from 'node:fs';
import { between, type Figure, notMeasured } from '../../recording/figure.ts';

export interface CpuClock {
  /** Begins; later calls change nothing. */
  start(atMs: number): void;
  stop(atMs: number): void;
  /** Of one core, 1 = a whole core. */
  cores(): Figure;
}

/** USER_HZ of Linux on every architecture that Node.js runs on: proc_pid_stat(5) counts in these. */
const TICKS_PER_SECOND = 100;

export function createCpuClock(processId: number): CpuClock {
  let begun: Reading | null = null;
  let ended: Reading | null = null;
  return {
    start(atMs) {
      begun ??= read(processId, atMs);
    },
    stop(atMs) {
      ended ??= read(processId, atMs);
    },
    cores() {
      const ticks = [begun?.ticks, ended?.ticks];
      if (begun === null || ended === null || typeof ticks[0] !== 'number' || typeof ticks[1] !== 'number')
        return notMeasured('the CPU time of another process can be read on Linux alone, and while it runs');
      const seconds = Math.max(1e-9, (ended.atMs - begun.atMs) / 1000);
      const used = (ticks[1] - ticks[0]) / TICKS_PER_SECOND;
      const error = 1 / TICKS_PER_SECOND;
      return between(Math.max(0, used - error) / seconds, (used + error) / seconds, '/proc/<pid>/stat');
    },
  };
}

interface Reading {
  readonly atMs: number;
  readonly ticks: number | null;
}

/** Fields 14 and 15, user and system time, counted behind the name in brackets, which may hold anything. */
function read(processId: number, atMs: number): Reading {
  try {
    const text = readFileSync(`/proc/${processId}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { atMs, ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return { atMs, ticks: null };
  }
}
