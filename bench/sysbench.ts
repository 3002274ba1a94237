/** sysbench as a peer: run against a target, its report and histogram read. */
import type { ConnectionTarget } from '../src/engines/engine.ts';
import { EnvironmentError } from '../src/errors.ts';
import { runTimed } from './timed.ts';

export interface SysbenchRun {
  readonly transactions: number;
  readonly perSecond: number;
  /** Of the sysbench process itself, user and system; null where the system does not tell. */
  readonly cpuMs: number | null;
  /** With --histogram: ascending values in milliseconds, each with its count. With --rate they hold the time in the queue. */
  readonly histogram: readonly (readonly [milliseconds: number, count: number])[];
}

/** `sysbench SCRIPT ...`; EnvironmentError when there is none, or when it fails. */
export async function runSysbench(
  { host, port, socket, user, password, database }: ConnectionTarget,
  args: readonly string[],
  signal: AbortSignal,
): Promise<SysbenchRun> {
  const where =
    socket === null ? [`--mysql-host=${host}`, `--mysql-port=${port}`] : [`--mysql-socket=${socket}`];
  const account = [`--mysql-user=${user}`, `--mysql-password=${password}`, `--mysql-db=${database}`];
  const [script = '', ...rest] = args;
  const { failed, stdout, stderr, cpuMs } = await runTimed(
    'sysbench',
    [script, '--db-driver=mysql', ...where, ...account, ...rest],
    { cancelSignal: signal },
  );
  signal.throwIfAborted();
  if (/not found/.test(stderr))
    throw new EnvironmentError('sysbench cannot be started: install it (Debian: sysbench), or use --only');
  // The command line, which holds the password, is not in what it says itself.
  if (failed) throw new EnvironmentError(`sysbench failed: ${stdout.slice(-500)} ${stderr.slice(0, 500)}`);
  const found = /transactions:\s+(\d+)\s+\(([\d.]+) per sec/.exec(stdout);
  return {
    transactions: Number(found?.[1] ?? Number.NaN),
    perSecond: Number(found?.[2] ?? Number.NaN),
    cpuMs,
    histogram: [...stdout.matchAll(/^\s*([\d.]+) \|[* ]*\s(\d+)\s*$/gm)].map(
      ([, milliseconds, count]) => [Number(milliseconds), Number(count)] as const,
    ),
  };
}

/** The value at or below which this share lies; NaN when there is none. */
export function percentileIn(histogram: SysbenchRun['histogram'], fraction: number): number {
  const total = histogram.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [milliseconds, count] of histogram) {
    seen += count;
    if (seen >= total * fraction) return milliseconds;
  }
  return Number.NaN;
}

/** Share of the counted above a value; NaN when nothing was counted. */
export function shareAbove(histogram: SysbenchRun['histogram'], milliseconds: number): number {
  const total = histogram.reduce((sum, [, count]) => sum + count, 0);
  const above = histogram
    .filter(([value]) => value > milliseconds)
    .reduce((sum, [, count]) => sum + count, 0);
  return above / total;
}
