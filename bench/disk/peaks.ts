/** The peak of the disk while a statement runs, by the shipped observer and by a loop of `du` beside it. */
import type { Session } from '../../src/engines/engine.ts';
import { EnvironmentError } from '../../src/errors.ts';
import { disk } from '../../src/observers/disk.ts';
import { sumBytes } from '../../src/observers/disk-samples.ts';
import { createRecorder } from '../../src/recording/recorder.ts';
import type { DiskRecord } from '../../src/recording/recording.ts';
import type { TestServer } from '../../tests/server.ts';
import { startDu } from './du.ts';

/** Each makes the next one's table: the update leaves it twice as large, and the two after it make it small again. */
export const STATEMENTS: readonly { readonly name: string; readonly text: string }[] = [
  { name: 'ALTER TYPE', text: 'alter table probe alter column number type bigint' },
  { name: 'CREATE INDEX', text: 'create index probe_filler on probe (filler, number)' },
  {
    name: 'CREATE INDEX CONCURRENTLY',
    text: 'create index concurrently probe_number on probe (number, filler)',
  },
  { name: 'UPDATE of every row', text: 'update probe set number = number + 1' },
  { name: 'VACUUM FULL', text: 'vacuum full probe' },
  { name: 'CLUSTER', text: 'cluster probe using probe_pkey' },
];

/** Rows of about a kilobyte each, with a primary key. */
export async function fillProbe(session: Session, rows: number): Promise<void> {
  await session.execute(
    'create table probe (id bigint primary key, number int not null, filler text not null)',
  );
  await session.execute(
    `insert into probe
    select i, i, md5(i::text) || repeat('x', 940) from generate_series(1, ${rows}) i`,
  );
  await session.execute('vacuum analyze probe');
  await session.execute('checkpoint');
}

export interface Peaks {
  readonly record: DiskRecord;
  readonly duBytes: number;
  readonly duReadings: number;
  readonly observedBytes: number;
}

export async function peaksOf(server: TestServer, migrator: Session, text: string): Promise<Peaks> {
  const { dataDirectory } = server.server;
  if ('missing' in dataDirectory) throw new EnvironmentError(dataDirectory.missing);
  const recorder = createRecorder({
    harnessVersion: '0',
    scenario: 'disk',
    randomSeed: 1,
    budgets: {
      lockWaitMs: null,
      stallMs: null,
      durationMs: null,
      diskGrowthPeak: null,
      failedOperations: null,
      latencyP99: null,
      replicaLagMs: null,
    },
    migrations: { tool: 'plain', directory: '', lockTimeoutMs: null, applied: [], pending: [] },
  });
  const observer = await disk.start({ ...server, recorder, toldWaits: [] });
  let duBytes = Number.NaN;
  let duReadings = 0;
  try {
    await observer.beforeSteps?.();
    await using du = startDu(dataDirectory.path);
    await migrator.execute(text);
    ({ peakBytes: duBytes, readings: duReadings } = du);
  } finally {
    await observer[Symbol.asyncDispose]();
  }
  const { disk: record } = recorder.recording({ how: 'completed' });
  if ('notMeasured' in record) throw new EnvironmentError(record.notMeasured);
  return { record, duBytes, duReadings, observedBytes: sumBytes(record.peak) };
}
