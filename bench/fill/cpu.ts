/** CPU time of both sides of a fill: it says what further streams can bring, whatever else the machine does. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Server } from '../../src/provisioners/provisioner.ts';
import { median } from '../ratios.ts';

/** Microseconds for each row. */
export interface CpuPerRow {
  readonly harness: number;
  /** Of all processes of the server. */
  readonly server: number;
}

/** `work` returns the rows. Null where the processes of the server cannot be seen: in a container, and without /proc. */
export async function cpuPerRow(server: Server, work: () => Promise<number>): Promise<CpuPerRow | null> {
  const [ours, theirs] = [process.cpuUsage(), await serverCpuMs(server)];
  const rows = await work();
  const [{ user, system }, after] = [process.cpuUsage(ours), await serverCpuMs(server)];
  if (theirs === null || after === null) return null;
  return { harness: (user + system) / rows, server: ((after - theirs) * 1000) / rows };
}

/** The postmaster, its children, and those that have ended, whose time it holds: proc_pid_stat(5). */
async function serverCpuMs({ dataDirectory }: Server): Promise<number | null> {
  if (!('path' in dataDirectory)) return null;
  try {
    const [pid = ''] = (await readFile(join(dataDirectory.path, 'postmaster.pid'), 'utf8')).split('\n');
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ');
    const [own = [], ...others] = await Promise.all(
      [pid, ...children.filter((each) => each.trim() !== '')].map(ticksOf),
    );
    return (
      [...own, ...others.flatMap((ticks) => ticks.slice(0, 2))].reduce((sum, ticks) => sum + ticks, 0) *
      TICK_MS
    );
  } catch {
    return null;
  }
}

/** USER_HZ of Linux is 100 on every processor that Node runs on. */
const TICK_MS = 10;
/** utime, stime, cutime and cstime, counted from behind the name in brackets. */
const TIMES = { from: 11, to: 15 };

/** Of a process that has ended meanwhile none: its parent has them. */
async function ticksOf(pid: string): Promise<readonly number[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return [];
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(TIMES.from, TIMES.to).map(Number);
}

/** The middle of several fills; null for none. */
export function usual(found: readonly (CpuPerRow | null)[]): CpuPerRow | null {
  const seen = found.filter((each) => each !== null);
  if (seen.length === 0) return null;
  return {
    harness: median(seen.map(({ harness }) => harness)),
    server: median(seen.map(({ server }) => server)),
  };
}

/**
 * How many times as fast two streams can be as one: one is as slow as the slower of its two sides, two streams as all work
 * on all cores, or as half of the slower side.
 */
export function mostOfTwoStreams(one: CpuPerRow, two: CpuPerRow, cores: number): number {
  const alone = Math.max(one.harness, one.server);
  const together = Math.max((two.harness + two.server) / cores, Math.max(two.harness, two.server) / 2);
  return alone / together;
}

export function inWords({ harness, server }: CpuPerRow): string {
  return `${harness.toFixed(2)} us of the harness and ${server.toFixed(2)} us of the server`;
}
