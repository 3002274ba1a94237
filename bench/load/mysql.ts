/** The load on MySQL and MariaDB, against sysbench on the same server, table and statement. */
import type { BareServer } from '../../tests/server.ts';
import type { Benchmark } from '../pairs.ts';
import { percentileIn, runSysbench, shareAbove } from '../sysbench.ts';
import { planOf, pointSelect } from './runs.ts';
import {
  type ClosedPeer,
  measureStall,
  measureStallAsPredicted,
  measureThroughput,
  SLOW_MS,
  type StallPeer,
  type Subject,
} from './stall.ts';

/** All in memory. */
const ROWS = 100_000;
const TABLE = ['--tables=1', `--table-size=${ROWS}`];
/** The statement of oltp_point_select, which sysbench prepares too. */
const OPERATION = pointSelect('sbtest1', 'SELECT c FROM sbtest1 WHERE id=?', {
  from: 'integer',
  min: 1,
  max: ROWS,
});

export async function measureMysqlLoad(run: Benchmark, { engine, ...server }: BareServer): Promise<void> {
  await using session = await server.session();
  const { target } = session;
  await runSysbench(target, ['oltp_point_select', ...TABLE, 'prepare'], run.signal);
  const sysbench = (args: readonly string[], seconds: number) =>
    runSysbench(
      target,
      ['oltp_point_select', ...TABLE, '--rand-type=uniform', ...args, `--time=${seconds}`, 'run'],
      run.signal,
    );
  const subject: Subject = {
    plan: (settings) => planOf({ engine, target, operation: OPERATION, ...(settings && { settings }) }),
    // A metadata lock that keeps readers out, as the end of an ALTER TABLE does.
    lock: {
      take: () => session.execute('lock tables sbtest1 write'),
      release: () => session.execute('unlock tables'),
    },
  };
  const atRate: StallPeer = {
    name: 'sysbench --rate',
    async run(seconds) {
      const { histogram } = await sysbench(['--threads=20', '--rate=1000', '--histogram=on'], seconds);
      return [percentileIn(histogram, 0.99), percentileIn(histogram, 0.999), shareAbove(histogram, SLOW_MS)];
    },
  };
  const closed: ClosedPeer = {
    name: 'sysbench oltp_point_select --threads=8',
    share: 0.4,
    async run(seconds) {
      const { perSecond, transactions, cpuMs } = await sysbench(['--threads=8'], seconds);
      return [perSecond, cpuMs === null ? Number.NaN : (cpuMs * 1000) / transactions];
    },
  };
  await measureStallAsPredicted(run, subject);
  await measureStall(run, subject, atRate);
  await measureThroughput(run, subject, closed);
}
