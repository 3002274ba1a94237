/**
 * Lag of the replica, its conflicts with what it applies, and the schema changes that it applies, on a session with each of
 * the two servers: the lag every 100 ms, the rest every second time.
 */
import type { ReplicationError, ReplicationReader } from '../engines/engine.ts';
import { redact } from '../errors.ts';
import { between, exactly, notMeasured } from '../recording/figure.ts';
import type { LagSample, ReplicaConflict, ReplicaRecord, ReplicaStop } from '../recording/recording.ts';
import { keepSamples } from './bounded-samples.ts';
import type { Observer, ReplicaToObserve } from './observer.ts';
import { type LagTracker, largestLag, trackLag } from './replica-lag.ts';
import { followReplays } from './replica-replays.ts';
import { closeSessions, observerOptions, startSampling } from './sampling.ts';

const INTERVAL_MS = 100;
/** Readings of the lag for one of what is applied. */
const LAGS_PER_REPLAY = 2;
const NAME = 'rehearse observer replica';

export function replicaObserver({ replication, roles: replicaRoles }: ReplicaToObserve): Observer {
  return {
    name: 'replica',
    async start(request) {
      const { recorder, engine, roles } = request;
      const tracker: LagTracker = trackLag();
      const samples = keepSamples<LagSample>(worse);
      let worst = largestOf();
      let source = '';
      let conflictsBefore: Readonly<Record<string, number>> | null = null;
      let conflicts: Readonly<Record<string, number>> | null = null;
      let stoppedBy: ReplicaStop | null = null;
      const replays = followReplays();
      let replaySource: { readonly source: string } | { readonly missing: string } = { missing: NO_READING };
      let lags = 0;
      let cancelsNobody = false;
      let readToTheEnd = false;
      let readNow: ((withReplays: boolean) => Promise<void>) | null = null;

      function conflictsToTell(): ReplicaRecord['conflicts'] {
        if (conflicts === null) return { notMeasured: cancelsNobody ? CANCELS_NOBODY : NO_POSITION };
        const seen = conflictsSince(conflictsBefore ?? {}, conflicts);
        // None were counted up to its last answer: of those after it nobody knows.
        return seen.length === 0 && !readToTheEnd ? { notMeasured: GONE } : seen;
      }

      async function readReplays({ replay }: ReplicationReader): Promise<void> {
        replaySource = replay;
        if ('missing' in replay) return;
        const askedAtMs = recorder.now();
        const read = await replay.replays();
        const answeredAtMs = recorder.now();
        replays.add({ ...read, askedAtMs, answeredAtMs, applier: await replay.applier() });
      }

      async function read(from: ReplicationReader, withReplays: boolean): Promise<void> {
        if (withReplays) await readReplays(from);
        const askedAtMs = recorder.now();
        const stand = await from.primaryStand();
        const betweenAtMs = recorder.now();
        const state = await from.replicaState();
        conflicts = state.conflicts;
        cancelsNobody = state.conflicts === null;
        conflictsBefore ??= conflicts;
        if (state.stoppedBy !== null) stoppedBy ??= stopOf(state.stoppedBy, recorder.now());
        if (state.appliedPosition === null) return;
        const sample = tracker.add({
          primary: { askedAtMs, answeredAtMs: betweenAtMs, ...stand },
          replica: {
            askedAtMs: betweenAtMs,
            answeredAtMs: recorder.now(),
            position: state.appliedPosition,
          },
          appliedBytes: state.appliedBytes,
          receivedBytes: state.receivedBytes,
          applyingAgeMs: state.applyingAgeMs,
        });
        samples.add(sample);
        worst.add(sample, state.appliedAfterMs);
      }

      const sampling = await startSampling({
        name: 'replica',
        intervalMs: INTERVAL_MS,
        observe: request,
        async open() {
          const options = observerOptions(engine, NAME);
          const primary = await engine.connections.connect(roles.observer, options);
          try {
            const replica = await engine.connections.connect(replicaRoles.observerInside, options);
            const opened = await replication.openReader(primary, replica);
            const inTurn = takeTurns();
            const readInTurn = (withReplays: boolean) => inTurn(() => read(opened, withReplays));
            readNow = readInTurn;
            source = opened.source;
            return {
              sessions: [primary, replica],
              async read(last) {
                await readInTurn(last || lags % LAGS_PER_REPLAY === 0);
                lags += 1;
                readToTheEnd = last;
                return INTERVAL_MS;
              },
              [Symbol.asyncDispose]: () => closeSessions([primary, replica]),
            };
          } catch (error) {
            await closeSessions([primary]);
            throw error;
          }
        },
        finish() {
          const { bytes } = worst;
          const lag = worst.lagUntil(recorder.now());
          const told =
            'missing' in replaySource
              ? {
                  replays: { notMeasured: replaySource.missing },
                  applier: { notMeasured: replaySource.missing },
                }
              : replays.record(recorder.steps, replaySource.source);
          const record: ReplicaRecord = {
            source,
            intervalMs: INTERVAL_MS,
            lagMs: lag === null ? notMeasured(NO_POSITION) : between(lag.lower, lag.upper, source),
            lagBytes:
              bytes === null ? notMeasured(NO_POSITION) : exactly(bytes, `${source}, the largest reading`),
            samples: samples.list(),
            conflicts: conflictsToTell(),
            ...told,
            stoppedBy,
          };
          recorder.setReplica(record);
        },
      });
      return {
        [Symbol.asyncDispose]: () => sampling[Symbol.asyncDispose](),
        // What it applied before this was read is the filling's and the load's, not the migration's.
        beforeSteps: async () => {
          try {
            await readNow?.(true);
          } finally {
            worst = largestOf();
            conflictsBefore = conflicts;
            replays.restart();
          }
        },
      };
    },
  };
}

const CANCELS_NOBODY = 'this server cancels no reader for it: what is to be applied waits for them';
const NO_READING = 'the replica was not read';
const NO_POSITION = 'the replica did not tell its position';
const GONE = 'the replica did not answer at the end';

/** One reading after the other: two of them at once would tell one change twice. */
function takeTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let before: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = before.then(work, work);
    before = turn;
    return turn;
  };
}

function stopOf({ code, message }: ReplicationError, atMs: number): ReplicaStop {
  return { atMs, code, message: redact(message) };
}

function worse(one: LagSample, other: LagSample): LagSample {
  return other.lagMs[1] > one.lagMs[1] ? other : one;
}

/** Over all samples, however many there are: two neighbours are enough to go on. */
function largestOf() {
  let last: LagSample | null = null;
  let lag: { readonly lower: number; readonly upper: number } | null = null;
  let bytes: number | null = null;
  return {
    /** `appliedAfterMs`: the largest since the sample before, where it is told. */
    add(sample: LagSample, appliedAfterMs: number | null): void {
      const found = largestLag(last === null ? [sample] : [last, sample]);
      if (found !== null)
        lag = {
          lower: Math.max(lag?.lower ?? 0, found.lower, appliedAfterMs ?? 0),
          upper: Math.max(lag?.upper ?? 0, found.upper, appliedAfterMs ?? 0),
        };
      bytes = Math.max(bytes ?? 0, sample.lagBytes);
      last = sample;
    },
    /** Since the last sample it may have grown by no more than the time since: a server that is gone is behind. */
    lagUntil(nowMs: number) {
      if (last === null || lag === null) return null;
      return { lower: lag.lower, upper: Math.max(lag.upper, last.lagMs[1] + Math.max(0, nowMs - last.atMs)) };
    },
    get bytes() {
      return bytes;
    },
  };
}

function conflictsSince(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): readonly ReplicaConflict[] {
  return Object.entries(after)
    .map(([kind, count]) => ({ kind, count: count - (before[kind] ?? 0) }))
    .filter(({ count }) => count > 0);
}
