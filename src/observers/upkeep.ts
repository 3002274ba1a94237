/**
 * The server's own upkeep: every second who keeps dead rows from being vacuumed and which workers run, and between the steps
 * dead rows, age, statistics of columns and checkpoints.
 */
import type { ToldCancel, Upkeep, UpkeepReader, UpkeepState } from '../engines/engine.ts';
import { exactly, type Figure, notMeasured } from '../recording/figure.ts';
import type {
  CancelledWork,
  DeadRows,
  HorizonRecord,
  LostStatistics,
  UpkeepRecord,
  WorkerRecord,
} from '../recording/recording.ts';
import type { Observer } from './observer.ts';
import { closeSessions, openSessions, startSampling } from './sampling.ts';
import { soleStatement } from './statements.ts';

const INTERVAL_MS = 1_000;
/** More than anybody reads; what comes later is let go. */
const MOST_WORKERS = 1_000;

export function upkeepObserver(upkeep: Upkeep): Observer {
  return {
    name: 'upkeep',
    async start(request) {
      const { recorder, engine } = request;
      const workers = new Map<string, WorkerRecord>();
      const lost: LostStatistics[] = [];
      let horizon: HorizonRecord | null = null;
      let reader: UpkeepReader | null = null;
      let first: UpkeepState | null = null;
      let latest: UpkeepState | null = null;

      async function read(from: UpkeepReader): Promise<void> {
        const seen = await from.read();
        const atMs = recorder.now();
        if (seen.horizon !== null && seen.horizon.transactions > (horizon?.transactions ?? -1))
          horizon = { ...seen.horizon, atMs };
        for (const worker of seen.workers) {
          const key = `${worker.sessionId} ${worker.statement}`;
          const known = workers.get(key);
          if (known === undefined && workers.size >= MOST_WORKERS) continue;
          workers.set(key, { ...worker, firstSeenAtMs: known?.firstSeenAtMs ?? atMs, lastSeenAtMs: atMs });
        }
      }

      const sampling = await startSampling({
        name: 'upkeep',
        intervalMs: INTERVAL_MS,
        observe: request,
        async open() {
          const { sessions, cluster, inside } = await openSessions(request, 'rehearse observer upkeep');
          try {
            const opened = await upkeep.openReader(cluster, inside);
            first ??= await opened.state();
            latest ??= first;
            reader = opened;
            return {
              sessions,
              async read() {
                await read(opened);
                return INTERVAL_MS;
              },
              [Symbol.asyncDispose]: () => closeSessions(sessions),
            };
          } catch (error) {
            await closeSessions(sessions);
            throw error;
          }
        },
        async finish() {
          if (reader === null || first === null) return;
          const after = await reader.state();
          recorder.setUpkeep(
            recordOf({
              source: reader.source,
              horizon,
              before: first,
              after,
              lost,
              workers: [...workers.values()],
              ...(request.told.cancels === null ? {} : { cancelled: request.told.cancels.map(toRecord) }),
            }),
          );
        },
      });
      return {
        [Symbol.asyncDispose]: () => sampling[Symbol.asyncDispose](),
        beforeSteps: async () => {
          if (reader === null) return;
          horizon = null;
          first = await reader.state();
          latest = first;
          await read(reader);
        },
        afterStep: async (step) => {
          if (reader === null) return;
          const before = latest;
          latest = await reader.state();
          const statementId = soleStatement(step, engine.dialect.kindOf);
          lost.push(...lostBetween(before, latest).map((each) => ({ statementId, ...each })));
        },
      };
    },
  };
}

interface Facts {
  readonly source: string;
  readonly horizon: HorizonRecord | null;
  readonly before: UpkeepState;
  readonly after: UpkeepState;
  readonly lost: readonly LostStatistics[];
  readonly workers: readonly WorkerRecord[];
  readonly cancelled?: readonly CancelledWork[];
}

function toRecord({ at, ...cancel }: ToldCancel): CancelledWork {
  return { ...cancel, atMs: at.notBeforeMs };
}

function recordOf({ source, horizon, before, after, lost, workers, cancelled }: Facts): UpkeepRecord {
  const age = ({ oldestRow }: UpkeepState): Figure =>
    oldestRow === null ? notMeasured('the server does not tell') : exactly(oldestRow.transactions, source);
  const since = (of: 'requested' | 'timed'): Figure =>
    exactly((after.checkpoints?.[of] ?? 0) - (before.checkpoints?.[of] ?? 0), 'counters of the server');
  return {
    source,
    intervalMs: INTERVAL_MS,
    horizon: horizon ?? { notMeasured: 'no reading found anybody who holds a snapshot' },
    oldestRow:
      after.oldestRow === null
        ? null
        : { before: age(before), after: age(after), limit: after.oldestRow.limit },
    deadRows: deadRowsBetween(before, after),
    lostStatistics:
      after.statistics === null
        ? { notMeasured: 'the observer may not read which columns have statistics (pg_statistic)' }
        : lost,
    workers,
    ...(cancelled === undefined ? {} : { cancelled }),
    checkpoints:
      before.checkpoints === null || after.checkpoints === null
        ? null
        : { requested: since('requested'), timed: since('timed') },
  };
}

function deadRowsBetween(before: UpkeepState, after: UpkeepState): readonly DeadRows[] {
  return [...after.deadRows]
    .map(([table, dead]) => ({ table, before: before.deadRows.get(table) ?? 0, after: dead }))
    .filter((each) => each.before !== each.after);
}

/** Pure: columns without statistics after a step that had them before it, or are new in a table that has some otherwise. */
export function lostBetween(
  before: UpkeepState | null,
  after: UpkeepState,
): readonly Omit<LostStatistics, 'statementId'>[] {
  if (before === null || before.statistics === null || after.statistics === null) return [];
  return [...after.statistics].flatMap(([id, { table, columns, analysed }]) => {
    const old = before.statistics?.get(id);
    if (old === undefined || old.analysed.length === 0) return [];
    const missing = columns.filter((column) => !analysed.includes(column));
    const lost = missing.filter((column) => old.analysed.includes(column));
    const never = missing.filter((column) => !old.columns.includes(column));
    return lost.length + never.length === 0 ? [] : [{ table, lost, never }];
  });
}
