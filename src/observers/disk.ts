/**
 * Bytes on disk by area, every 50 ms: before the migration, at the peak, and as found when the observer stops. The
 * peak is one reading with the largest sum, never a sum of single peaks.
 */
import type { DiskReader, LeftFile } from '../engines/engine.ts';
import { explain } from '../errors.ts';
import { between, exactly, type Figure, notMeasured } from '../recording/figure.ts';
import type {
  DiskComparison,
  DiskReading,
  DiskRecord,
  StatementDisk,
  StatementGrowth,
} from '../recording/recording.ts';
import { keepSamples } from './bounded-samples.ts';
import { trackGrowth } from './disk-growth.ts';
import { compareRelations, type Relations } from './disk-relations.ts';
import { larger } from './disk-samples.ts';
import { trackStatementDisks } from './disk-statements.ts';
import { type FileSystems, freeBytes, planRests, watchFileSystems, watchFree } from './free-space.ts';
import { isIdle, type Observer } from './observer.ts';
import { closeSessions, openSessions, startSampling } from './sampling.ts';
import { runStatements } from './statements.ts';

const INTERVAL_MS = 50;
/** While nothing of the migration is under way and no file grows; then at once where that begins. */
const INTERVAL_IDLE_MS = 100;
/** A walk over very many files may take longer than the interval; it must not use more than a tenth of the time. */
const PAUSE_PER_READING = 9;

/** What is known at one instant, to be compared with a later one. */
interface Snapshot {
  readonly reading: DiskReading;
  readonly logPosition: number | null;
  /** Null where the server has gone before it could tell. */
  readonly relations: Relations | null;
  readonly freeBytes: Figure;
}

export const disk: Observer = {
  name: 'disk',
  async start(request) {
    const { recorder, engine, server } = request;
    const dataDirectory = 'path' in server.dataDirectory ? server.dataDirectory.path : null;
    const samples = keepSamples(larger);
    const growth = trackGrowth();
    const statements = trackStatementDisks();
    let reader: DiskReader | null = null;
    let before: Snapshot | null = null;
    let peak: DiskReading | null = null;
    let latest: DiskReading | null = null;
    let compared: DiskComparison[] = [];
    const free = watchFree(request);
    const rests = planRests();

    /** The reading before, once more, where no file can have another size since. */
    function takeAgain(from: DiskReader, fileSystems: FileSystems): boolean {
      const fromMs = recorder.now();
      const changed = fileSystems.mayHaveChanged();
      if (!rests.may({ changed, turns: from.turns?.() ?? 1, nowMs: fromMs }) || latest === null) return false;
      const reading = { atMs: recorder.now(), areas: latest.areas };
      samples.add(reading);
      statements.add(reading);
      growth.add({ fromMs, toMs: reading.atMs }, []);
      latest = reading;
      return true;
    }

    async function take(from: DiskReader, fully = false): Promise<DiskReading> {
      const fromMs = recorder.now();
      rests.walked(fromMs);
      const areas = await from.read(fully);
      const reading = { atMs: recorder.now(), areas };
      samples.add(reading);
      statements.add(reading);
      await free.read();
      const changed = (from.changedFiles?.() ?? []).map(({ file, bytes, bornAgoMs, writtenAgoMs }) => ({
        ...{ file, bytes },
        bornMs: bornAgoMs === undefined ? null : reading.atMs - bornAgoMs,
        writtenMs: writtenAgoMs === undefined ? null : reading.atMs - writtenAgoMs,
      }));
      growth.add({ fromMs, toMs: reading.atMs }, changed);
      latest = reading;
      peak = peak === null ? reading : larger(peak, reading);
      return reading;
    }

    async function snapshot(from: DiskReader): Promise<Snapshot> {
      return {
        reading: await take(from, true),
        logPosition: await from.logPosition(),
        relations: await from.relations(),
        freeBytes: await freeBytes(request),
      };
    }

    /** As the migration leaves it; of a server that has gone what its files tell, else the last reading. */
    async function last(from: DiskReader): Promise<Snapshot> {
      try {
        return await snapshot(from);
      } catch (error) {
        recorder.add('notMeasured', {
          what: 'all of the disk after the migration: what its files or the last reading tell stands for it',
          reason: firstLine(error),
        });
        const before = latest;
        const reading = await take(from, true).catch((cause: unknown) => {
          if (before === null) throw cause;
          return before;
        });
        const relations = await from.relations().catch(() => null);
        return {
          reading,
          logPosition: null,
          relations,
          freeBytes: notMeasured('of no use after the migration'),
        };
      }
    }

    async function tellLeftBehind(from: DiskReader): Promise<void> {
      try {
        const files = (await from.leftBehind?.()) ?? [];
        if (files.length > 0) recorder.add('notes', leftInWords(files));
      } catch (error) {
        recorder.add('notMeasured', {
          what: 'files that the migration left behind',
          reason: firstLine(error),
        });
      }
    }

    /** Neither way to see the files is believed alone. */
    async function compare(from: DiskReader): Promise<void> {
      if (from.compare === undefined) return;
      const { seenBytes, toldBytes } = await from.compare();
      const { lower, upper } = toldBytes;
      compared.push({
        atMs: recorder.now(),
        seenBytes,
        toldBytes: between(lower, upper, 'functions of the server'),
      });
    }

    /** What was on disk before the migration is where its growth counts from. */
    async function begin(from: DiskReader): Promise<void> {
      free.begin();
      compared = [];
      await compare(from);
      before = await snapshot(from);
      peak = before.reading;
    }

    const sampling = await startSampling({
      name: disk.name,
      intervalMs: INTERVAL_MS,
      observe: request,
      idleMs: INTERVAL_IDLE_MS,
      async open() {
        const { sessions, cluster, inside } = await openSessions(request, 'rehearse observer disk');
        try {
          const opened = await engine.views.openDiskReader(cluster, inside, dataDirectory);
          if (before === null) await begin(opened);
          reader = opened;
          const fileSystems = watchFileSystems(() => opened.folders?.() ?? []);
          return {
            sessions,
            async read() {
              const startedAtMs = performance.now();
              if (takeAgain(opened, fileSystems)) return isIdle(request) ? INTERVAL_IDLE_MS : INTERVAL_MS;
              await take(opened);
              return Math.max(INTERVAL_MS, (performance.now() - startedAtMs) * PAUSE_PER_READING);
            },
            [Symbol.asyncDispose]: () => closeSessions(sessions),
          };
        } catch (error) {
          await closeSessions(sessions);
          throw error;
        }
      },
      async finish() {
        if (reader === null) return;
        await tellLeftBehind(reader);
        const after = await last(reader);
        await compare(reader).catch((error: unknown) => {
          recorder.add('notMeasured', {
            what: 'whether the server counts the same bytes in the files of the database, after the migration',
            reason: firstLine(error),
          });
        });
        if (before === null || peak === null) return;
        const ran = runStatements(recorder.steps);
        recorder.setDisk(
          recordOf({
            source: reader.source,
            unseen: reader.unseen ?? null,
            freeTakenBytes: free.takenBytes(),
            compared,
            statements: statements.of(ran),
            before,
            after,
            peak,
            samples: samples.list(),
            growth: reader.ownerOf === undefined ? null : growth.of(ran, reader.ownerOf, reader.source),
          }),
        );
      },
    });
    return {
      [Symbol.asyncDispose]: () => sampling[Symbol.asyncDispose](),
      beforeSteps: async () => {
        if (reader !== null) await begin(reader);
      },
      afterStep: async () => {
        if (reader === null || reader.ownerOf === undefined) return;
        await take(reader);
        // Names what was committed meanwhile, before a later step does away with it.
        await reader.relations();
      },
    };
  },
};

interface DiskFacts {
  readonly source: string;
  readonly unseen: string | null;
  readonly freeTakenBytes: Figure;
  readonly compared: readonly DiskComparison[];
  readonly statements: readonly StatementDisk[];
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly peak: DiskReading;
  readonly samples: readonly DiskReading[];
  /** Null where single files are not seen. */
  readonly growth: readonly StatementGrowth[] | null;
}

function recordOf({
  source,
  unseen,
  freeTakenBytes,
  compared,
  statements,
  before,
  after,
  peak,
  samples,
  growth,
}: DiskFacts): DiskRecord {
  return {
    server: 'rehearsal',
    source,
    before: before.reading,
    peak: larger(peak, after.reading),
    after: after.reading,
    samples,
    logWrittenBytes:
      before.logPosition === null || after.logPosition === null
        ? notMeasured('the server does not tell its position in the log')
        : exactly(after.logPosition - before.logPosition, 'position in the log, before and after'),
    relations: compareRelations(before.relations, after.relations),
    ...(growth === null ? {} : { growth }),
    freeBytesBefore: before.freeBytes,
    freeTakenBytes,
    ...(unseen === null ? {} : { unseen }),
    ...(compared.length === 0 ? {} : { compared }),
    statements,
  };
}

/** Many files would make a note that nobody reads. */
const FILES_TOLD = 20;

function leftInWords(files: readonly LeftFile[]): string {
  const told = files.slice(0, FILES_TOLD).map(({ file, bytes }) => `${file} (${bytes} bytes)`);
  const more = files.length > FILES_TOLD ? ` and ${files.length - FILES_TOLD} more` : '';
  return (
    `a statement that was cut off left files in the data directory: ${told.join(', ')}${more}. Look for such files ` +
    'when a server has died in the middle of a migration: they take space until they are removed'
  );
}

function firstLine(error: unknown): string {
  return explain(error).split('\n')[0] ?? '';
}
