/** The peak of the disk while a statement runs, by the shipped observer and by a loop of `du` beside it. */
import { statfsSync } from 'node:fs';
import type { Session } from '../../src/engines/engine.ts';
import { EnvironmentError } from '../../src/errors.ts';
import { disk } from '../../src/observers/disk.ts';
import { sumBytes } from '../../src/observers/disk-samples.ts';
import { migrationUnseen } from '../../src/observers/observer.ts';
import type { DiskReading, DiskRecord } from '../../src/recording/recording.ts';
import { bareRecorder } from '../../tests/recorder.ts';
import type { TestServer } from '../../tests/server.ts';
import { startDu } from './du.ts';

export interface Peaks {
  readonly record: DiskRecord;
  readonly duBytes: number;
  readonly duReadings: number;
  readonly observedBytes: number;
  /** The peak of what lies in the data directory with a name, which is what `du` sees. */
  readonly walkedBytes: number;
  /** From before to the peak, as observed; the same by the free space of the whole file system. */
  readonly grownBytes: number;
  readonly freeTakenBytes: number;
}

export async function peaksOf(server: TestServer, migrator: Session, text: string): Promise<Peaks> {
  const { dataDirectory } = server.server;
  if ('missing' in dataDirectory) throw new EnvironmentError(dataDirectory.missing);
  const recorder = bareRecorder('disk');
  const observer = await disk.start({
    ...server,
    recorder,
    toldWaits: [],
    migration: migrationUnseen(),
    told: { cancels: null, waits: null, deadlocks: null, transactions: [] },
  });
  let duBytes = Number.NaN;
  let duReadings = 0;
  let freeTakenBytes = 0;
  try {
    await observer.beforeSteps?.();
    await using free = watchFree(dataDirectory.path);
    await using du = startDu(dataDirectory.path);
    await migrator.execute(text);
    ({ peakBytes: duBytes, readings: duReadings } = du);
    freeTakenBytes = free.takenBytes;
  } finally {
    await observer[Symbol.asyncDispose]();
  }
  const { disk: record } = recorder.recording({ how: 'completed' });
  if ('notMeasured' in record) throw new EnvironmentError(record.notMeasured);
  const observedBytes = sumBytes(record.peak);
  const grownBytes = observedBytes - sumBytes(record.before);
  const walkedBytes = Math.max(...[record.peak, ...record.samples].map(walked));
  return { record, duBytes, duReadings, observedBytes, walkedBytes, grownBytes, freeTakenBytes };
}

/** Without the folders for temporary files of MySQL and MariaDB. */
function walked(reading: DiskReading): number {
  const { tmpdir = 0, innodbTmpdir = 0 } = reading.areas;
  return sumBytes(reading) - tmpdir - innodbTmpdir;
}

/** Most that the file system has had less free than at the start; others who write to it are in it. */
function watchFree(folder: string) {
  const freeBytes = (): number => {
    const { bfree, bsize } = statfsSync(folder);
    return bfree * bsize;
  };
  const beforeBytes = freeBytes();
  let takenBytes = 0;
  const timer = setInterval(() => {
    takenBytes = Math.max(takenBytes, beforeBytes - freeBytes());
  }, 10);
  return {
    get takenBytes() {
      return takenBytes;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
    },
  };
}
