/** Lag of the replica and its conflicts with what it applies, every 100 ms, on a session with each of the two servers. */
import { between, exactly, notMeasured } from '../recording/figure.ts';
import type { LagSample, ReplicaConflict, ReplicaRecord } from '../recording/recording.ts';
import { keepSamples } from './bounded-samples.ts';
import type { Observer, ReplicaToObserve } from './observer.ts';
import { type LagTracker, largestLag, trackLag } from './replica-lag.ts';
import { closeSessions, observerOptions, startSampling } from './sampling.ts';

const INTERVAL_MS = 100;
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

      function restart(): void {
        worst = largestOf();
        conflictsBefore = conflicts;
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
            const reader = await replication.openReader(primary, replica);
            source = reader.source;
            return {
              async read() {
                const askedAtMs = recorder.now();
                const position = await reader.primaryPosition();
                const betweenAtMs = recorder.now();
                const state = await reader.replicaState();
                conflicts = state.conflicts;
                conflictsBefore ??= conflicts;
                if (state.appliedPosition === null) return INTERVAL_MS;
                const sample = tracker.add({
                  primary: { askedAtMs, answeredAtMs: betweenAtMs, position },
                  replica: {
                    askedAtMs: betweenAtMs,
                    answeredAtMs: recorder.now(),
                    position: state.appliedPosition,
                  },
                  receivedPosition: state.receivedPosition,
                });
                samples.add(sample);
                worst.add(sample);
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
          const { lag, bytes } = worst;
          const none = 'the replica did not tell its position';
          const record: ReplicaRecord = {
            source,
            intervalMs: INTERVAL_MS,
            lagMs: lag === null ? notMeasured(none) : between(lag.lower, lag.upper, source),
            lagBytes: bytes === null ? notMeasured(none) : exactly(bytes, `${source}, the largest reading`),
            samples: samples.list(),
            conflicts:
              conflicts === null ? { notMeasured: none } : conflictsSince(conflictsBefore ?? {}, conflicts),
          };
          recorder.setReplica(record);
        },
      });
      return {
        [Symbol.asyncDispose]: () => sampling[Symbol.asyncDispose](),
        beforeSteps: async () => restart(),
      };
    },
  };
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
    add(sample: LagSample): void {
      const found = largestLag(last === null ? [sample] : [last, sample]);
      if (found !== null)
        lag = {
          lower: Math.max(lag?.lower ?? 0, found.lower),
          upper: Math.max(lag?.upper ?? 0, found.upper),
        };
      bytes = Math.max(bytes ?? 0, sample.lagBytes);
      last = sample;
    },
    get lag() {
      return lag;
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
